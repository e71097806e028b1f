"""What the pages need of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from callcamp.engine.commands import Commands
from callcamp.engine.live import LiveFeed
from callcamp.ports import ContactImport, Store


class ImportsLike(Protocol):
    """What the pages need of imports."""

    async def preview(
        self,
        campaign_id: int,
        path: Path,
        filename: str,
        mapping: Mapping[str, str] | None = None,
    ) -> ContactImport:
        """Read a file and say what would be imported."""
        ...

    async def confirm(self, import_id: int) -> ContactImport:
        """Add the contacts of a preview."""
        ...

    async def undo(self, import_id: int) -> int:
        """Remove the contacts of an import; returns how many."""
        ...


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
    def store(self) -> Store:
        """What is remembered."""
        ...

    @property
    def imports(self) -> ImportsLike:
        """Files that become contacts."""
        ...

    @property
    def link_up(self) -> bool:
        """Whether Asterisk can be reached."""
        ...

    @property
    def link_problem(self) -> str | None:
        """Why not, in words."""
        ...
