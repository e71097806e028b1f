"""Contacts and calls of a campaign as files for a spreadsheet program."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from callcamp.contacts.writing import END, Format, What
from callcamp.core.agents import Agent, agents_in_order
from callcamp.core.model import Attempt, Contact
from callcamp.core.outcome import MEANING
from callcamp.core.states import AttemptStatus
from callcamp.engine.children import ask_child
from callcamp.errors import InvalidInput
from callcamp.ports import Store

_PAGE = 500
_WRITER = ("-P", "-m", "callcamp.contacts.writing")


async def export_campaign(
    store: Store,
    campaign_id: int,
    path: Path,
    fmt: Format = "xlsx",
    *,
    what: What | None = None,
    on_progress: Callable[[int], None] | None = None,
    timeout_s: float = 1800.0,
) -> list[Path]:
    """Write the contacts and calls of a campaign; return the files written.

    A file appears when it is complete, and takes the place of one that is there.

    Args:
        store: where they are.
        campaign_id: the campaign.
        path: the file to write; its folder exists.
        fmt: ``xlsx`` or ``csv``.
        what: ``contacts``, ``calls`` or ``both``. A workbook has both by default, each on a
            sheet; CSV has the contacts by default, and ``both`` writes the calls to a second
            file, ``<name>-calls.csv``.
        on_progress: told how many contacts and calls are done.
        timeout_s: how long it may take.

    Raises:
        NotFound: there is no such campaign.
        InvalidInput: no such format or part.
        ChildFailed: the process that wrote it died.
        ChildTimeout: it took too long.
    """
    if fmt not in {"xlsx", "csv"}:
        raise InvalidInput(f"{fmt!r} is no format; give xlsx or csv.", field="fmt", value=fmt)
    part: What = what or ("both" if fmt == "xlsx" else "contacts")
    if part not in {"contacts", "calls", "both"}:
        raise InvalidInput(
            f"{part!r} cannot be exported; give contacts, calls or both.", field="what", value=part
        )
    await store.campaign(campaign_id)
    job = {"path": str(path), "fmt": fmt, "what": part}
    records = _records(store, campaign_id, part, on_progress)
    answer = await ask_child(_WRITER, job, timeout_s=timeout_s, records=records)
    return [Path(text) for text in answer["report"]["paths"]]


async def _records(
    store: Store, campaign_id: int, what: What, on_progress: Callable[[int], None] | None
) -> AsyncIterator[bytes]:
    """Yield JSON lines, a page at a time."""
    done = 0
    if what != "calls":
        after_id = 0
        while contacts := await store.contacts(campaign_id, after_id=after_id, limit=_PAGE):
            talked = await store.last_agents([contact.id for contact in contacts])
            yield b"".join(_contact_line(c, talked.get(c.id)) for c in contacts)
            after_id = contacts[-1].id
            done += len(contacts)
            if on_progress is not None:
                on_progress(done)
    if what != "contacts":
        after = ""
        names = {agent.id: agent.name for agent in await store.agents()}
        while attempts := await store.attempts(campaign_id, after_id=after, limit=_PAGE):
            yield b"".join(_call_line(a, names) for a in attempts)
            after = attempts[-1].id
            done += len(attempts)
            if on_progress is not None:
                on_progress(done)
    yield _line(END)


def _line(record: Sequence[Any]) -> bytes:
    """Return one record as a JSON line."""
    return json.dumps(record).encode() + b"\n"


def _contact_line(contact: Contact, agent: Agent | None) -> bytes:
    """Return the record of a contact, and who talked to it last; see ``CONTACT_COLUMNS``."""
    result = contact.disposition
    fixed = [
        contact.phone,
        contact.status.value,
        contact.attempts,
        _instant(contact.last_attempt_at),
        result.value if result else None,
        MEANING[result].text if result else None,
        _yes_no(contact.success),
        contact.outcome,
        contact.hold.value if contact.hold else None,
        _instant(contact.due_at),
        " ".join(contact.others) or None,
        contact.caller_number,
        agent.name if agent else None,
    ]
    return _line(["contact", fixed, contact.variables])


def talkers(attempt: Attempt, names: Mapping[int, str]) -> list[str]:
    """Return the names of the agents who talked in a call, in order; the last one got it.

    Args:
        attempt: the call.
        names: of all agents, by their ids.
    """
    ids = agents_in_order(str(attempt.evidence.get("agents") or ""))
    if attempt.agent_id is not None and ids[-1:] != [attempt.agent_id]:
        ids.append(attempt.agent_id)
    return [names[each] for each in ids if each in names]


def _call_line(attempt: Attempt, names: Mapping[int, str]) -> bytes:
    """Return the record of an attempt, and who got it; see ``CALL_COLUMNS``."""
    talked = talkers(attempt, names)
    result = attempt.disposition
    seen = attempt.evidence
    # A released attempt was about to be dialed, and then was not: there was no call.
    dialed_at = None if attempt.status is AttemptStatus.RELEASED else attempt.dialed_at
    ring_end = attempt.answered_at or attempt.ended_at
    columns = [
        attempt.id,
        attempt.number,
        attempt.ordinal,
        attempt.status.value,
        _instant(dialed_at),
        _instant(attempt.rang_at),
        _instant(attempt.answered_at),
        _instant(attempt.ended_at),
        _known(seen.get("ring_s"), _seconds(dialed_at, ring_end)),
        _known(seen.get("talk_s"), _seconds(attempt.answered_at, attempt.ended_at)),
        result.value if result else None,
        MEANING[result].text if result else None,
        MEANING[result].fault.value if result else None,
        *(seen.get(key) for key in ("cause", "sip_code", "dial_status", "amd_status")),
        *(seen.get(key) for key in ("amd_cause", "dtmf", "played", "detail")),
        attempt.caller_number,
        _yes_no(attempt.success),
        attempt.decided_by,
        attempt.outcome,
        attempt.rule,
        attempt.settings_version,
        talked[-1] if talked else None,
        " ".join(talked) or None,
        _instant(attempt.connected_at),
        seen.get("waited_s"),
    ]
    return _line(["call", columns, attempt.variables])


def _yes_no(value: bool | None) -> str | None:
    """Return a verdict as a word."""
    return None if value is None else "yes" if value else "no"


def _instant(at: datetime | None) -> str | None:
    """Return an instant as RFC 3339 text."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def _known(value: Any, otherwise: float | None) -> Any:
    """Return a measured value, or else what follows from the instants."""
    return otherwise if value is None else value


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds between two instants, if both are known."""
    return round((end - start).total_seconds(), 1) if start and end else None
