"""How many calls may start now: one module per method."""

from callcamp.core.pacing.methods import METHODS, make_method

__all__ = ["METHODS", "make_method"]
