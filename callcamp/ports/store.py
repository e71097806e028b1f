"""The contract of what is remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from callcamp.core.model import Trunk
from callcamp.ports.access import AccessRecords
from callcamp.ports.agents import AgentRecords
from callcamp.ports.calls import CallRecords
from callcamp.ports.campaigns import CampaignRecords
from callcamp.ports.contacts import ContactRecords
from callcamp.ports.imports import ImportRecords
from callcamp.ports.records import Records
from callcamp.ports.replies import Replies
from callcamp.ports.webhooks import WebhookRecords


class Store(
    CampaignRecords,
    ContactRecords,
    ImportRecords,
    CallRecords,
    Records,
    AccessRecords,
    AgentRecords,
    WebhookRecords,
    Replies,
    Protocol,
):
    """All that is remembered. Every method is one transaction.

    Methods raise :class:`callcamp.errors.NotFound` for things that do not exist and
    :class:`callcamp.errors.StoreError` when the database fails.
    """

    async def open(self) -> None:
        """Connect.

        Raises:
            StoreError: it cannot be reached, or its schema is not the current one
                (``callcamp migrate`` brings it up to date).
        """
        ...

    async def close(self) -> None:
        """Disconnect; safe twice."""
        ...

    async def check(self) -> None:
        """Make sure that the database answers, and that its schema is still current.

        Raises:
            StoreError: it does not, or another version of callcamp has migrated it.
        """
        ...

    def measure(self, on_commit: Callable[[float], None]) -> None:
        """Tell from now on how long transactions take, for metrics.

        Args:
            on_commit: gets, of every committed transaction that writes, the seconds from
                asking for it to its commit, waiting for other writers included.
        """
        ...

    async def hold_engine(
        self, holder: str, *, now: datetime, ttl_s: float, state: Mapping[str, Any] | None = None
    ) -> str | None:
        """Take or renew the right to be the one engine of this database.

        Returns None when ``holder`` has it now, else the name of who has it. ``state`` is
        kept for :meth:`engine_state` (JSON-able).
        """
        ...

    async def engine_state(self, *, now: datetime) -> dict[str, Any] | None:
        """Return the state that the working engine last left, or None: none works."""
        ...

    async def release_engine(self, holder: str) -> None:
        """Give the right back, if ``holder`` has it."""
        ...

    async def save_trunk(
        self, name: str, *, dial_string: str, cps: float, max_channels: int | None = None
    ) -> Trunk:
        """Add the trunk called ``name``, or change it."""
        ...

    async def trunks(self) -> list[Trunk]:
        """Return all trunks by name."""
        ...
