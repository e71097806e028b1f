"""The contract of files that became contacts, and of how their columns are read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from callcamp.ports.results import ContactImport, MappingPreset


class ImportRecords(Protocol):
    """Imports; part of :class:`callcamp.ports.Store`, which says what all methods share."""

    async def create_import(
        self, campaign_id: int, filename: str, report: dict[str, Any], *, now: datetime
    ) -> ContactImport:
        """Note a previewed import."""
        ...

    async def contact_import(self, import_id: int) -> ContactImport:
        """Return one import."""
        ...

    async def imports(self, campaign_id: int) -> list[ContactImport]:
        """Return the imports of a campaign, newest first."""
        ...

    async def discard_import(self, import_id: int, *, now: datetime) -> None:
        """Forget an import that was previewed and no more.

        Raises:
            Conflict: it was confirmed, or undone.
        """
        ...

    async def undo_import(self, import_id: int, *, now: datetime) -> int:
        """Delete the contacts of a confirmed import; returns how many.

        Raises:
            Conflict: it is not confirmed, or one of its contacts has an attempt.
        """
        ...

    async def save_mapping_preset(
        self, name: str, mapping: dict[str, Any], *, now: datetime
    ) -> MappingPreset:
        """Add a mapping preset, or change the mapping of the one called ``name``.

        Raises:
            InvalidInput: the name is not usable.
        """
        ...

    async def mapping_presets(self) -> list[MappingPreset]:
        """Return all mapping presets by name."""
        ...

    async def delete_mapping_preset(self, name: str) -> None:
        """Delete a mapping preset."""
        ...
