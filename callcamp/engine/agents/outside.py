"""Calls of agents to numbers outside: a transfer, or a talk while the contact waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from callcamp.core.destinations import is_allowed
from callcamp.core.reasons import REASON_MEANING
from callcamp.engine.agents.worker import AgentCall, Worker
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.engine.contact_commands import read_number
from callcamp.engine.registry import Registry, Track
from callcamp.errors import CallcampError, Conflict, SwitchTimeout
from callcamp.ports import Store
from callcamp.ports.switchboard import TransferTo

log = structlog.get_logger(__name__)


class OutsideCalls:
    """Lets agents call the numbers that their campaign allows, and no other.

    Every such call is in the audit before it is ordered, a refused one as well. Until the
    contact's own call is over, or the talk with the other was ended, it counts on the trunk.

    Args:
        store: the do-not-call lists, and the audit.
        book: the trunks.
        registry: counts calls on trunks.
        clock: the engine's clock.
    """

    def __init__(self, store: Store, book: CampaignBook, registry: Registry, clock: Clock) -> None:
        self._store = store
        self._book = book
        self._registry = registry
        self._clock = clock
        self.on_call: Callable[[int], None] = lambda _trunk_id: None
        """Called with the trunk of every such call, which takes its turn in calls a second."""

    async def dial_string(self, worker: Worker, call: AgentCall, target: str) -> str:
        """Return what Asterisk dials to reach a number for an agent; it counts from now on.

        Raises:
            InvalidInput: it is no number.
            Conflict: the campaign does not allow it, it must not be called, or the trunk is full.
        """
        settings = worker.campaign.settings
        number = read_number(target, settings.default_region, "target")
        try:
            await self._check(worker, number)
        except Conflict as error:
            await self._note(worker, call, "number_refused", number, reason=error.message)
            raise
        await self._note(worker, call, "number_called", number)
        trunk = await self._book.trunk(settings.trunk_id)
        self._registry.add_outside(call.track.attempt_id, trunk.id)
        self.on_call(trunk.id)
        return trunk.dial_string.replace("{number}", number)

    @contextmanager
    def ordering(self, track: Track, to: TransferTo) -> Iterator[None]:
        """Count a call no more when the order for it fails; without an answer it may be there."""
        try:
            yield
        except CallcampError as error:
            if to is TransferTo.NUMBER and not isinstance(error, SwitchTimeout):
                self._registry.drop_outside(track.attempt_id)
            raise

    async def _check(self, worker: Worker, number: str) -> None:
        campaign = worker.campaign
        settings = campaign.settings
        if not is_allowed(number, settings.agents.transfer_numbers):
            raise Conflict(
                f"{settings.name} does not let agents call {number}. A supervisor can allow it: "
                "agents.transfer_numbers in the campaign's settings.",
                field="target",
                value=number,
            )
        suppressed = await self._store.suppressed(
            [number],
            campaign_id=campaign.id,
            lists=settings.dnc_lists,
            now=self._clock.now(),
        )
        if number in suppressed:
            raise Conflict(
                f"{number} must not be called: {REASON_MEANING[suppressed[number]].text}.",
                field="target",
                value=number,
            )
        trunk = await self._book.trunk(settings.trunk_id)
        most = trunk.max_channels
        if most is not None and self._registry.on_trunk(trunk.id) >= most:
            raise Conflict(
                f"No channel of trunk {trunk.name} is free, of {most}; try again in a moment.",
                field="target",
                value=number,
            )

    async def _note(
        self, worker: Worker, call: AgentCall, action: str, number: str, **details: str
    ) -> None:
        told = {"number": number, "attempt_id": call.track.attempt_id, **details}
        try:
            await self._store.note_supervision(
                worker.agent.id,
                action,
                told,
                campaign_id=worker.campaign.id,
                now=self._clock.now(),
            )
        except CallcampError:
            log.error("outside_call_not_audited", **call.track.ids, agent=worker.agent.name)
            raise
