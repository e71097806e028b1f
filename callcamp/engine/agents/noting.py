"""What an agent notes of a call: at once when it has ended, else kept for its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog

from callcamp.core.model import Campaign
from callcamp.core.retry import callback_unfit
from callcamp.core.script_answers import check_answers
from callcamp.engine.agents.views import WrapUpNote
from callcamp.engine.checks import check_slug
from callcamp.engine.contact_commands import ContactCommands
from callcamp.engine.registry import Registry, Track
from callcamp.engine.variables import check_variables
from callcamp.errors import Conflict, InvalidInput
from callcamp.ports import CallNote, Store

log = structlog.get_logger(__name__)


def check_note(campaign: Campaign, note: WrapUpNote, now: datetime) -> None:
    """Make sure that a note is one that the campaign asks for.

    A note made during the talk counts when the call is over, when nobody can be asked any
    more: whatever can be told beforehand is told here.

    Args:
        campaign: the campaign of the call.
        note: what the agent notes.
        now: the instant.

    Raises:
        InvalidInput: the outcome is none of the campaign's, or an answer is not allowed.
        Conflict: the callback cannot be made.
    """
    settings = campaign.settings.agents
    if note.outcome is not None and settings.outcomes and note.outcome not in settings.outcomes:
        raise InvalidInput(
            f"{note.outcome!r} is none of the campaign's outcomes.",
            field="outcome",
            value=note.outcome,
        )
    if note.outcome is None and settings.outcome_required:
        raise InvalidInput("This campaign needs an outcome.", field="outcome", value=None)
    if note.outcome is not None:
        check_slug("outcome", note.outcome)
    check_answers(settings.script, note.answers, unfinished=note.unfinished)
    check_variables(note.answers)
    if note.callback_at is None:
        return
    unfit = callback_unfit(campaign.settings, note.callback_at, now=now)
    if unfit is not None:
        raise Conflict(f"The callback cannot be made: {unfit}.", reason=unfit)


class Noting:
    """Brings what agents note of their calls into the database.

    Args:
        store: keeps it until the call ends.
        registry: the live attempts; the tracker ends them with what is noted there.
    """

    commands: ContactCommands
    """Notes what is said of a call that has ended; set by the engine."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    async def write(self, note: CallNote) -> None:
        """Write a note into the record of its call, once that has ended.

        Raises:
            Conflict: the callback cannot be made.
        """
        await self._registry.settled(note.attempt_id)
        await self.commands.set_outcome(
            note.attempt_id,
            outcome=note.outcome,
            callback_at=note.callback_at,
            callback_agent_id=note.callback_agent_id,
            variables=note.answers,
            note_ids=(note.id,) if note.id else (),
        )

    async def keep(self, track: Track, note: CallNote) -> bool:
        """Keep a note for the end of its call; False when the end has come meanwhile."""
        answers = check_variables(note.answers)
        try:
            kept = await self._store.keep_note(replace(note, answers=answers))
        except Conflict:
            return False
        track.notes[note.agent_id] = kept
        return True

    async def take_in_left(self, attempt_id: str) -> None:
        """Write, after the end of a call, what was noted in the moment of its end."""
        await self._registry.settled(attempt_id)
        for note in await self._store.call_notes(attempt_id):
            await self._write_left(note)

    async def pick_up(self) -> None:
        """Take up what was noted before the engine was started."""
        for note in await self._store.call_notes():
            track = self._registry.get(note.attempt_id)
            if track is None:
                await self._write_left(note)
            else:
                track.notes[note.agent_id] = note

    async def _write_left(self, note: CallNote) -> None:
        if (await self._store.attempt(note.attempt_id)).ended_at is None:
            # The next start finds it again, as it does the attempt.
            return
        try:
            await self.write(note)
        except Conflict as error:
            # How the call ended forbids the callback; what else was noted still holds.
            log.warning("callback_not_made", attempt=note.attempt_id, problem=error.message)
            await self.write(replace(note, callback_at=None))
