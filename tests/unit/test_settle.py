"""The verdict on an attempt that nobody watched, case by case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callcamp.core.outcome import Evidence
from callcamp.core.settle import AFTER_LINK_S, RESTART_SKEW_S, Settled, Trace, settle
from callcamp.core.states import ATTEMPT, AttemptStatus
from callcamp.engine.registry import route

SENT = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
MARGIN_S = 15.0
A = AttemptStatus


def after(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


def verdict(
    trace: Trace,
    *,
    at_s: float = 100.0,
    is_live: bool = False,
    outbox: Evidence | None = None,
    started: datetime | None = SENT - timedelta(days=1),
) -> Settled:
    return settle(
        trace,
        is_live=is_live,
        outbox=outbox,
        switch_started_at=started,
        now=after(at_s),
        margin_s=MARGIN_S,
    )


@pytest.mark.parametrize("status", sorted(frozenset(A) - {A.ENDED, A.RELEASED}))
@pytest.mark.parametrize("killed", [False, True])
def test_what_asterisk_shows_wins(status: AttemptStatus, killed: bool) -> None:
    trace = Trace(status, SENT, seen=True, killed_by_restart=killed)
    box = Evidence(cause=16)
    assert verdict(trace, is_live=True, outbox=box) is Settled.STILL_LIVE
    assert verdict(trace, outbox=box) is Settled.ENDED


def test_what_was_never_sent_was_never_placed() -> None:
    assert verdict(Trace(A.CLAIMED, None, seen=False), at_s=0) is Settled.NEVER_PLACED


@pytest.mark.parametrize("status", [A.DIALING, A.UNKNOWN])
@pytest.mark.parametrize(
    ("at_s", "expected"),
    [(0.0, Settled.DOUBT), (14.999, Settled.DOUBT), (15.0, Settled.NEVER_PLACED)],
)
def test_an_order_without_a_trace_has_its_margin(
    status: AttemptStatus, at_s: float, expected: Settled
) -> None:
    assert verdict(Trace(status, SENT, seen=False), at_s=at_s) is expected


@pytest.mark.parametrize("status", [A.RINGING, A.ANSWERED, A.UNKNOWN])
def test_a_call_that_was_seen_is_never_given_back(status: AttemptStatus) -> None:
    assert verdict(Trace(status, SENT, seen=True)) is Settled.END_NOT_SEEN
    assert verdict(Trace(status, SENT, seen=True), at_s=1) is Settled.DOUBT
    failed = Trace(status, SENT, seen=True, order_failed=True)
    assert verdict(failed) is Settled.END_NOT_SEEN


def test_an_order_that_asterisk_called_failed_needs_no_margin() -> None:
    assert (
        verdict(Trace(A.DIALING, SENT, seen=False, order_failed=True), at_s=1)
        is Settled.NEVER_PLACED
    )
    killed = Trace(A.DIALING, SENT, seen=False, order_failed=True, killed_by_restart=True)
    assert verdict(killed, at_s=1) is Settled.DIED_WITH_SWITCH


@pytest.mark.parametrize(
    ("started_s", "at_s", "expected"),
    [
        (60.0, 61.0, Settled.DIED_WITH_SWITCH),
        (RESTART_SKEW_S + 0.001, 6.0, Settled.DIED_WITH_SWITCH),
        # Too close to tell by two clocks: it has its margin first.
        (RESTART_SKEW_S, 6.0, Settled.DOUBT),
        (-1.0, 6.0, Settled.DOUBT),
        (-1.0, 20.0, Settled.DIED_WITH_SWITCH),
        (-RESTART_SKEW_S, 20.0, Settled.NEVER_PLACED),
        (-60.0, 20.0, Settled.NEVER_PLACED),
    ],
)
def test_a_restart_judged_by_time(started_s: float, at_s: float, expected: Settled) -> None:
    trace = Trace(A.DIALING, SENT, seen=False)
    assert verdict(trace, at_s=at_s, started=after(started_s)) is expected


def test_a_restart_that_was_seen_needs_no_clock() -> None:
    young = after(-1.0)
    same = Trace(A.DIALING, SENT, seen=False, sent_to=young)
    assert verdict(same, at_s=1, started=young) is Settled.DOUBT
    assert verdict(same, at_s=20, started=young) is Settled.NEVER_PLACED
    other = Trace(A.DIALING, SENT, seen=False, sent_to=young)
    assert verdict(other, at_s=1, started=after(0.5)) is Settled.DIED_WITH_SWITCH
    known = Trace(A.RINGING, SENT, seen=True, killed_by_restart=True)
    assert verdict(known, at_s=1, started=None) is Settled.DIED_WITH_SWITCH
    assert verdict(Trace(A.DIALING, SENT, seen=False), started=None) is Settled.NEVER_PLACED


@pytest.mark.parametrize("stored", sorted(frozenset(A) - {A.ENDED, A.RELEASED}))
@pytest.mark.parametrize("wanted", list(A))
def test_there_is_a_way_to_where_an_attempt_is(
    stored: AttemptStatus, wanted: AttemptStatus
) -> None:
    """And none back to before it was sent, nor from what is settled."""
    back = {A.CLAIMED} if stored is A.CLAIMED else {A.CLAIMED, A.DIALING, stored}
    state, events = stored, route(stored, wanted)
    for event in events:
        state = ATTEMPT.advance(state, event)
    assert bool(events) is (wanted not in back)
    assert state is (stored if wanted in back else wanted)
    assert route(A.ENDED, wanted) == route(A.RELEASED, wanted) == []


@pytest.mark.parametrize(
    ("linked_s", "at_s", "expected"),
    [
        (-5.0, 15.0, Settled.NEVER_PLACED),
        (5.0, 15.0, Settled.NEVER_PLACED),
        (60.0, 60.0, Settled.DOUBT),
        (60.0, 60.0 + AFTER_LINK_S - 0.001, Settled.DOUBT),
        (60.0, 60.0 + AFTER_LINK_S, Settled.NEVER_PLACED),
    ],
)
def test_an_order_of_an_older_link_has_a_moment_more(
    linked_s: float, at_s: float, expected: Settled
) -> None:
    found = settle(
        Trace(A.DIALING, SENT, seen=False),
        is_live=False,
        outbox=None,
        switch_started_at=SENT - timedelta(days=1),
        now=after(at_s),
        margin_s=MARGIN_S,
        linked_at=after(linked_s),
    )
    assert found is expected
