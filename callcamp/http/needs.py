"""What the pages need of the engine."""

from __future__ import annotations

from typing import Protocol

from callcamp.engine.clock import Clock
from callcamp.engine.commands import Commands
from callcamp.engine.imports import Imports
from callcamp.engine.live import LiveFeed
from callcamp.engine.vitals import Vitals
from callcamp.ports import Store


class EngineLike(Protocol):
    """What the pages need of the engine."""

    @property
    def commands(self) -> Commands:
        """The use-cases."""
        ...

    @property
    def live(self) -> LiveFeed:
        """What goes on now."""
        ...

    @property
    def clock(self) -> Clock:
        """The engine's time: a demo's may run faster than the wall clock."""
        ...

    @property
    def store(self) -> Store:
        """What is remembered."""
        ...

    @property
    def imports(self) -> Imports:
        """Files that become contacts."""
        ...

    @property
    def gateway(self) -> object:
        """The way to Asterisk; metrics measure one that lets them."""
        ...

    def vitals(self) -> Vitals:
        """Return how the engine is, for health checks and metrics."""
        ...

    @property
    def link_up(self) -> bool:
        """Whether Asterisk can be reached."""
        ...

    @property
    def link_problem(self) -> str | None:
        """Why not, in words."""
        ...
