"""The command line: parse, call one use-case, print."""

from callcamp.cli.main import main

__all__ = ["main"]
