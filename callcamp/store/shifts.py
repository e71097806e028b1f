"""Agents' shifts, what they did in them, and the sums of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    bindparam,
    case,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)

from callcamp.core.agents import MISSED_CALL, AgentSpan, AgentState
from callcamp.core.outcome import Disposition
from callcamp.errors import Conflict
from callcamp.ports.agents import AgentWork, InHand, LiveShift, Shift
from callcamp.store import agent_tables as g
from callcamp.store import agents, campaigns, checks
from callcamp.store import tables as t
from callcamp.store.columns import Instant, safe_text

_s, _p, _a = g.agent_shift.c, g.agent_span.c, t.attempt.c
_SPAN = (
    _p.agent_id,
    _p.campaign_id,
    _p.state,
    _p.began_at,
    _p.ended_at,
    _p.reason,
    _p.attempt_id,
)
_LASTING = (
    select(g.agent_shift)
    .where(_s.agent_id.in_(bindparam("ids", expanding=True)), _s.ended_at.is_(None))
    .order_by(_s.agent_id)
    .with_for_update()
)
_OPEN = select(_p.id, _p.agent_id, _p.began_at).where(
    _p.agent_id.in_(bindparam("ids", expanding=True)), _p.ended_at.is_(None)
)
_END_SPAN = (
    update(g.agent_span)
    .where(_p.agent_id == bindparam("agent"), _p.ended_at.is_(None))
    .values(ended_at=bindparam("at", type_=Instant))
)
_END_SHIFT = (
    update(g.agent_shift)
    .where(_s.agent_id == bindparam("agent"), _s.ended_at.is_(None))
    .values(ended_at=bindparam("at", type_=Instant))
)
_IN_HAND = (
    update(g.agent_shift)
    .where(_s.agent_id == bindparam("agent"), _s.ended_at.is_(None))
    .values(
        {name: bindparam(name, type_=_s[name].type) for name in ("pause_wanted", "consulting")}
        | {"muted": bindparam("muted")}
    )
)


def begin(connection: Connection, agent_id: int, campaign_id: int, span: AgentSpan) -> Shift:
    """Note a log-in.

    Raises:
        NotFound: there is no such agent or campaign.
        Conflict: the agent has a shift that lasts.
    """
    agents.lock(connection, agent_id)
    campaigns.row_of(connection, campaign_id)
    lasting = connection.execute(_LASTING, {"ids": [agent_id]}).first()
    if lasting is not None:
        raise Conflict(
            f"Agent {agent_id} is logged in already, for campaign {lasting.campaign_id}; log "
            "out there first.",
            agent_id=agent_id,
            campaign_id=lasting.campaign_id,
        )
    values = {"agent_id": agent_id, "campaign_id": campaign_id, "began_at": span.began_at}
    key = connection.execute(insert(g.agent_shift), values).inserted_primary_key
    shift_id: int = key[0] if key else 0
    connection.execute(insert(g.agent_span), _values(span, shift_id, span.began_at))
    return Shift(shift_id, agent_id, campaign_id, span.began_at)


def note(
    connection: Connection,
    spans: Sequence[AgentSpan],
    in_hand: Mapping[int, InHand] | None = None,
) -> None:
    """Note new states, oldest first, and what agents have under way.

    Agents without a shift are ignored.
    """
    if in_hand:
        connection.execute(
            _IN_HAND,
            [
                {
                    "agent": agent_id,
                    "pause_wanted": safe_text(one.pause_wanted),
                    "consulting": safe_text(one.consulting) or None,
                    "muted": one.muted,
                }
                for agent_id, one in sorted(in_hand.items())
            ],
        )
    ids = list(dict.fromkeys(span.agent_id for span in spans))
    if not ids:
        return
    shifts = {row.agent_id: row for row in connection.execute(_LASTING, {"ids": ids})}
    last = {row.agent_id: row.began_at for row in connection.execute(_OPEN, {"ids": ids})}
    for span in spans:
        shift = shifts.get(span.agent_id)
        if shift is None:
            continue
        # Clocks can be set back; no span ends before it begins.
        at = max(span.began_at, last.get(span.agent_id, shift.began_at))
        last[span.agent_id] = at
        connection.execute(_END_SPAN, {"agent": span.agent_id, "at": at})
        if span.state is AgentState.OFFLINE:
            connection.execute(_END_SHIFT, {"agent": span.agent_id, "at": at})
            del shifts[span.agent_id]
            continue
        connection.execute(insert(g.agent_span), _values(span, shift.id, at))


def _values(span: AgentSpan, shift_id: int, began_at: datetime) -> dict[str, Any]:
    return {
        "shift_id": shift_id,
        "agent_id": span.agent_id,
        "campaign_id": span.campaign_id,
        "state": span.state.value,
        "began_at": began_at,
        "ended_at": None,
        "reason": safe_text(span.reason[: checks.MOST_TEXT]),
        "attempt_id": safe_text(span.attempt_id),
    }


def lasting(connection: Connection) -> list[LiveShift]:
    """Return all shifts that last, by agent, each with its last state."""
    statement = (
        select(
            _s.id,
            _s.agent_id,
            _s.campaign_id,
            _s.began_at,
            _s.pause_wanted,
            _s.consulting,
            _s.muted,
            *_SPAN,
        )
        .join_from(g.agent_shift, g.agent_span, _p.shift_id == _s.id)
        .where(_s.ended_at.is_(None), _p.ended_at.is_(None))
        .order_by(_s.agent_id)
    )
    return [
        LiveShift(
            Shift(row.id, row.agent_id, row.campaign_id, row.began_at),
            _span(row[-len(_SPAN) :]),
            InHand(row.pause_wanted, row.consulting or "", row.muted),
        )
        for row in connection.execute(statement)
    ]


def spans(
    connection: Connection, agent_id: int, since: datetime, until: datetime, limit: int
) -> list[AgentSpan]:
    """Return an agent's spans that overlap a period, oldest first."""
    statement = (
        select(*_SPAN)
        .where(_p.agent_id == agent_id, *_overlaps(since, until))
        .order_by(_p.began_at, _p.id)
        .limit(limit)
    )
    return [_span(row) for row in connection.execute(statement)]


def _span(row: Sequence[Any]) -> AgentSpan:
    agent_id, campaign_id, state, began_at, ended_at, reason, attempt_id = row
    return AgentSpan(
        agent_id, campaign_id, AgentState(state), began_at, ended_at, reason, attempt_id
    )


def _overlaps(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return or_(*_ended_after(since)), _p.began_at < until


def _ended_after(since: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _p.ended_at > since, _p.ended_at.is_(None)


@dataclass(slots=True)
class _Sums:
    """The parts of an :class:`AgentWork` while they are added up."""

    seconds: dict[AgentState, float] = field(default_factory=lambda: defaultdict(float))
    pauses: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: int = 0
    missed: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    dispositions: dict[Disposition, int] = field(default_factory=lambda: defaultdict(int))

    def add_time(self, row: Row[Any]) -> None:
        """Add time in a state; a call that was missed is told by the pause after it."""
        state, seconds = AgentState(row.state), float(row.us) / 1_000_000
        self.seconds[state] += seconds
        if state is AgentState.PAUSED:
            self.pauses[row.reason] += seconds
            self.missed += row.begun if row.reason == MISSED_CALL else 0

    def add_calls(self, row: Row[Any]) -> None:
        """Add calls that ended alike."""
        self.calls += row.n
        if row.outcome is not None:
            self.outcomes[row.outcome] += row.n
        if row.disposition is not None:
            self.dispositions[Disposition(row.disposition)] += row.n


def work(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    campaign_id: int | None = None,
    agent_id: int | None = None,
    per_campaign: bool = False,
) -> list[AgentWork]:
    """Return what agents did in a period, by agent's name (and campaign)."""
    sums: dict[tuple[int, int | None], _Sums] = defaultdict(_Sums)
    chosen = select(g.agent.c.id)
    if agent_id is not None:
        chosen = chosen.where(g.agent.c.id == agent_id)
    us = _us(_sooner(_p.ended_at, until)) - _us(_later(_p.began_at, since))
    begun = func.sum(case((_p.began_at >= since, 1), else_=0)).label("begun")
    time = (
        select(
            _p.agent_id,
            _of(_p.campaign_id, campaign_id, per_campaign).label("campaign_id"),
            _p.state,
            _p.reason,
            func.sum(us).label("us"),
            begun,
        )
        .where(_p.agent_id.in_(chosen), _p.began_at < until)
        .group_by(*_group(_p.agent_id, _p.campaign_id, per_campaign), _p.state, _p.reason)
    )
    calls = (
        select(
            _a.agent_id,
            _of(_a.campaign_id, campaign_id, per_campaign).label("campaign_id"),
            _a.disposition,
            _a.outcome,
            func.count().label("n"),
        )
        .where(_a.agent_id.in_(chosen), _a.connected_at >= since, _a.connected_at < until)
        .group_by(*_group(_a.agent_id, _a.campaign_id, per_campaign), _a.disposition, _a.outcome)
    )
    if campaign_id is not None:
        time = time.where(_p.campaign_id == campaign_id)
        # Given the plain column, SQLite would go through all calls of the campaign.
        calls = calls.where(literal_column("+attempt.campaign_id") == campaign_id)
    # One after the other: together SQLite would go through all that an agent ever did.
    for lately in _ended_after(since):
        for row in connection.execute(time.where(lately)):
            sums[row.agent_id, row.campaign_id].add_time(row)
    for row in connection.execute(calls):
        sums[row.agent_id, row.campaign_id].add_calls(row)
    names = {row.id: row.name for row in connection.execute(select(g.agent.c.id, g.agent.c.name))}
    return [
        AgentWork(
            agent_id=agent,
            campaign_id=of,
            seconds=dict(sums[agent, of].seconds),
            pauses=dict(sums[agent, of].pauses),
            calls=sums[agent, of].calls,
            missed=sums[agent, of].missed,
            outcomes=dict(sums[agent, of].outcomes),
            dispositions=dict(sums[agent, of].dispositions),
        )
        for agent, of in sorted(sums, key=lambda key: (names[key[0]], key[1] or 0))
    ]


def _of(
    column: ColumnElement[Any], campaign_id: int | None, per_campaign: bool
) -> ColumnElement[int | None]:
    if per_campaign:
        return column
    same: ColumnElement[int | None] = literal(campaign_id, BigInteger)
    return same


def _group(
    agent: ColumnElement[int], campaign: ColumnElement[int], per_campaign: bool
) -> tuple[ColumnElement[int], ...]:
    return (agent, campaign) if per_campaign else (agent,)


def _later(column: ColumnElement[datetime], at: datetime) -> ColumnElement[datetime]:
    return case((column < at, literal(at, Instant)), else_=column)


def _sooner(column: ColumnElement[datetime | None], at: datetime) -> ColumnElement[datetime | None]:
    return case((or_(column.is_(None), column > at), literal(at, Instant)), else_=column)


def _us(column: ColumnElement[Any]) -> ColumnElement[int]:
    return type_coerce(column, BigInteger)
