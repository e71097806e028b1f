"""What an agent may note of a call, looked at before anybody is told that it is noted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog

from callcamp.core.model import Campaign
from callcamp.core.retry import callback_unfit
from callcamp.core.script_answers import check_answers
from callcamp.engine.agents.views import WrapUpNote
from callcamp.engine.agents.worker import AgentCall
from callcamp.engine.contact_commands import ContactCommands
from callcamp.engine.registry import Registry
from callcamp.errors import Conflict, InvalidInput

log = structlog.get_logger(__name__)


def check_note(campaign: Campaign, note: WrapUpNote, now: datetime) -> None:
    """Make sure that a note is one that the campaign asks for.

    A note made during the talk is written when the call is over, when nobody can be asked any
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
    check_answers(settings.script, note.answers, unfinished=note.unfinished)
    if note.callback_at is None:
        return
    unfit = callback_unfit(campaign.settings, note.callback_at, now=now)
    if unfit is not None:
        raise Conflict(f"The callback cannot be made: {unfit}.", reason=unfit)


async def write_note(
    registry: Registry, notes: ContactCommands, call: AgentCall, note: WrapUpNote, agent_id: int
) -> None:
    """Write a note into the database, after the end of its call.

    Raises:
        Conflict: the callback cannot be made.
    """
    attempt_id = call.track.attempt_id
    await registry.settled(attempt_id)
    await notes.set_outcome(
        attempt_id,
        outcome=note.outcome,
        callback_at=note.callback_at,
        callback_agent_id=agent_id if note.callback_mine else None,
        variables=note.answers,
    )


async def write_later(
    registry: Registry, notes: ContactCommands, call: AgentCall, note: WrapUpNote, agent_id: int
) -> None:
    """Write what was noted during the talk once the call is over, unless it was noted anew."""
    await registry.settled(call.track.attempt_id)
    if call.note is not note:
        return
    try:
        await write_note(registry, notes, call, note, agent_id)
    except Conflict as error:
        # How the call ended forbids the callback; what else was noted still holds.
        log.warning("callback_not_made", **call.track.ids, problem=error.message)
        await write_note(registry, notes, call, replace(note, callback_at=None), agent_id)
