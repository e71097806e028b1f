"""The engine: use-cases, dialer, tracker, reconciliation."""

from callcamp.engine.engine import Engine

__all__ = ["Engine"]
