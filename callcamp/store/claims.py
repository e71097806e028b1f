"""Claiming: contacts that are due are judged and become attempts; attempts may be sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.gate import Decision, Judge, LetOut, PassedOver
from callcamp.core.model import Attempt, Claim
from callcamp.core.reasons import Reason
from callcamp.core.states import (
    ATTEMPT,
    CONTACT,
    AttemptEvent,
    AttemptStatus,
    CampaignStatus,
    ContactEvent,
    ContactStatus,
)
from callcamp.errors import InvalidInput
from callcamp.ports import Claimed
from callcamp.store import campaigns, dnc, due, gathering, rows, telling
from callcamp.store import tables as t
from callcamp.store.codec import decode_settings
from callcamp.store.columns import NEVER
from callcamp.store.counts import Deltas, counted

MOST_EXAMINED = 500
"""Contacts that one claim looks at; it holds up every other writer meanwhile."""
_FIRST_LOOK = 8
_SOONEST = timedelta(seconds=1)
_c, _a = t.contact.c, t.attempt.c

_TAKE = (
    update(t.contact)
    .where(_c.id == bindparam("_id"))
    .values(
        status=CONTACT.advance(ContactStatus.PENDING, ContactEvent.CLAIMED).value,
        due_at=None,
        hold=None,
        number_index=bindparam("index"),
        caller_number=bindparam("caller"),
    )
)
_HOLD = (
    update(t.contact)
    .where(_c.id == bindparam("_id"))
    .values(
        status=CONTACT.advance(ContactStatus.PENDING, ContactEvent.HELD).value,
        due_at=bindparam("until"),
        hold=bindparam("reason"),
    )
)
_SKIP = (
    update(t.contact)
    .where(_c.id == bindparam("_id"))
    .values(
        status=CONTACT.advance(ContactStatus.PENDING, ContactEvent.EXCLUDED).value,
        due_at=None,
        callback_at=None,
        callback_agent_id=None,
        hold=bindparam("reason"),
    )
)
_INSERT = insert(t.attempt)
_TO_SEND = (
    select(_a.id, _a.status, _a.lease_until)
    .where(_a.id.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)
_SEND = (
    update(t.attempt)
    .where(_a.id.in_(bindparam("ids", expanding=True)))
    .values(status=bindparam("to"), dialed_at=bindparam("now"))
)


@dataclass(slots=True)
class _Claiming:
    """One claim while it runs."""

    campaign_id: int
    version: int
    settings: CampaignSettings
    ids: Iterator[str]
    now: datetime
    lease_until: datetime
    claims: list[Claim] = field(default_factory=list)
    passed: Counter[Reason] = field(default_factory=Counter)
    deltas: Deltas = field(default_factory=Deltas)
    skipped: list[int] = field(default_factory=list)

    def carry_out(
        self, connection: Connection, found: Sequence[Row[Any]], decisions: Sequence[Decision]
    ) -> None:
        """Write what was decided of some contacts."""
        by_id = {row.id: row for row in found}
        let_out: list[tuple[LetOut, Row[Any]]] = []
        held: list[dict[str, Any]] = []
        skipped: list[dict[str, Any]] = []
        for decision in decisions:
            row = by_id[decision.contact_id]
            if isinstance(decision, LetOut):
                let_out.append((decision, row))
                self._move(row, ContactStatus.IN_PROGRESS, None)
                continue
            self.passed[decision.reason] += 1
            values = {"_id": row.id, "reason": decision.reason.value}
            if decision.skip:
                skipped.append(values)
                self._move(row, ContactStatus.SKIPPED, decision.reason)
            else:
                # Never due at once: it would be looked at again and again.
                until = NEVER if decision.until is None else decision.until
                held.append({**values, "until": max(until, self.now + _SOONEST)})
                self._move(row, ContactStatus.PENDING, decision.reason)
        for statement, values_list in ((_HOLD, held), (_SKIP, skipped)):
            if values_list:
                connection.execute(statement, values_list)
        self.skipped += [values["_id"] for values in skipped]
        if let_out:
            self._let_out(connection, let_out)

    def _move(self, row: Row[Any], status: ContactStatus, hold: Reason | None) -> None:
        before = counted(row)
        self.deltas.move(self.campaign_id, before, before._replace(status=status, hold=hold))

    def _let_out(self, connection: Connection, let_out: Sequence[tuple[LetOut, Row[Any]]]) -> None:
        claims = [self._claim(decision, row) for decision, row in let_out]
        connection.execute(
            _TAKE,
            [
                {
                    "_id": row.id,
                    "index": decision.number_index,
                    "caller": decision.caller_number or row.caller_number,
                }
                for decision, row in let_out
            ],
        )
        connection.execute(
            _INSERT,
            [
                {
                    "id": a.id,
                    "campaign_id": a.campaign_id,
                    "contact_id": a.contact_id,
                    "number": a.number,
                    "ordinal": a.ordinal,
                    "status": a.status.value,
                    "settings_version": a.settings_version,
                    "ring_timeout_s": a.ring_timeout_s,
                    "claimed_at": a.claimed_at,
                    "lease_until": a.lease_until,
                    "caller_number": a.caller_number,
                    "gate": a.gate or None,
                    "refused": False,
                    "round_ordinal": a.round_ordinal,
                }
                for a in (claim.attempt for claim in claims)
            ],
        )
        used = Counter(c.attempt.caller_number for c in claims if c.attempt.caller_number)
        if used:
            from callcamp.store import numbers

            numbers.note_call(connection, used, self.now)
        self.claims += claims

    def _claim(self, decision: LetOut, row: Row[Any]) -> Claim:
        numbers = gathering.numbers_of(row)
        gate = dict(decision.gate)
        attempt = Attempt(
            id=next(self.ids),
            campaign_id=self.campaign_id,
            contact_id=row.id,
            number=numbers[decision.number_index],
            ordinal=row.attempts + 1,
            status=ATTEMPT.initial,
            settings_version=self.version,
            ring_timeout_s=gate.get("ring_timeout_s", self.settings.ring_timeout_s),
            claimed_at=self.now,
            lease_until=self.lease_until,
            caller_number=decision.caller_number,
            gate=gate,
            round_ordinal=row.attempts + 1 - row.round_base,
        )
        return Claim(
            attempt,
            row.variables,
            decision.open_until,
            row.place,
            numbers,
            decision.number_index,
            callback=row.callback_at is not None,
            callback_agent_id=None if row.callback_at is None else row.callback_agent_id,
        )


def claim(
    connection: Connection,
    campaign_id: int,
    attempt_ids: Sequence[str],
    *,
    places: Sequence[str] | None,
    judge: Judge,
    look_back_s: float,
    now: datetime,
    lease_until: datetime,
    version: int | None = None,
) -> Claimed:
    """Take due contacts of a running campaign that the gate lets out."""
    # Shared: a stop waits for claims that run, and claims that come later see it.
    row = campaigns.row_of(connection, campaign_id, shared=True)
    if row.status != CampaignStatus.RUNNING or not attempt_ids:
        return Claimed([], {}, 0, False)
    settings = decode_settings(row.settings)
    # Fail-closed: the caller may not have heard yet of an edit, or of a list that was deleted.
    if version not in {None, row.version} or not dnc.are_there(connection, settings.dnc_lists):
        return Claimed([], {}, 0, False)
    work = _Claiming(campaign_id, row.version, settings, iter(attempt_ids), now, lease_until)
    examined, look, more = 0, max(len(attempt_ids), _FIRST_LOOK), False
    while room := len(attempt_ids) - len(work.claims):
        if examined >= MOST_EXAMINED:
            more = True
            break
        limit = min(look, MOST_EXAMINED - examined)
        found = due.find(connection, campaign_id, places, now, limit)
        if not found:
            break
        decisions = judge(
            gathering.batch(
                connection,
                found,
                settings,
                campaign_id=campaign_id,
                room=room,
                look_back_s=look_back_s,
                now=now,
            )
        )
        _check(found, decisions, room)
        work.carry_out(connection, found, decisions)
        examined += len(decisions)
        if len(decisions) < len(found):
            break
        look *= 2
    work.deltas.write(connection)
    if work.skipped:
        telling.note(connection, telling.skipped(campaign_id, work.skipped, now))
    return Claimed(work.claims, dict(work.passed), examined, more)


def _check(found: Sequence[Row[Any]], decisions: Sequence[Decision], room: int) -> None:
    """Make sure that the gate answered what it was asked.

    Raises:
        InvalidInput: it did not; nothing may be written then.
    """
    numbers = {row.id: 1 + len(row.others or ()) for row in found}
    problem, value = None, 0
    for decision in decisions:
        value = decision.contact_id
        if value not in numbers:
            problem = "a contact that it was not asked about, or one twice"
            break
        count = numbers.pop(value)
        if isinstance(decision, PassedOver):
            continue
        room -= 1
        if not 0 <= decision.number_index < count:
            problem = f"number {decision.number_index} of a contact that has {count}"
        elif room < 0:
            problem = "more contacts than there is room for"
        if problem:
            break
    if problem:
        raise InvalidInput(
            f"The gate decided about {problem} (contact {value}); nobody is called.",
            field="judge",
            value=value,
        )


def mark_dialing(connection: Connection, attempt_ids: Sequence[str], now: datetime) -> list[str]:
    """Note that calls are about to be sent."""
    found = {row.id: row for row in rows.by_ids(connection, _TO_SEND, attempt_ids)}
    sending: dict[str, AttemptStatus] = {}
    for attempt_id in attempt_ids:
        row = found.get(attempt_id)
        # Only a claim has a lease to keep; an unknown attempt may not be sent again.
        if row is None or row.status != AttemptStatus.CLAIMED or row.lease_until <= now:
            continue
        sending[attempt_id] = ATTEMPT.advance(AttemptStatus(row.status), AttemptEvent.SENT)
    if sending:
        to = next(iter(sending.values())).value
        rows.update_ids(connection, _SEND, list(sending), to=to, now=now)
    return list(sending)
