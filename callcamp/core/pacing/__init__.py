"""How many calls may start now: one module per method."""
