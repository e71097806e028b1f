"""Every pair of state and event of every machine, walked against a table written apart."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from callcamp.core.states import (
    ATTEMPT,
    CAMPAIGN,
    CONTACT,
    LIVE_ATTEMPT,
    AttemptEvent,
    AttemptStatus,
    CampaignEvent,
    CampaignStatus,
    ContactEvent,
    ContactStatus,
    Machine,
)
from callcamp.errors import IllegalTransition

# Written by hand a second time, so that a slip in the table does not pass for a decision.
LEGAL: dict[str, str] = {
    "campaign": """
        draft started running; draft queued queued; draft stopped canceled;
        queued started running; queued paused paused; queued stopped canceled;
        queued expired completed;
        running paused paused; running stopped canceled; running finished completed;
        running expired completed;
        paused resumed running; paused queued queued; paused stopped canceled;
        paused expired completed; completed reopened running""",
    "contact": """
        pending claimed in_progress; pending excluded skipped; pending canceled canceled;
        pending held pending; pending retry_scheduled pending; pending finished completed;
        completed excluded skipped; failed excluded skipped;
        in_progress released pending; in_progress retry_scheduled pending;
        in_progress finished completed; in_progress gave_up failed; in_progress canceled canceled;
        completed reopened pending; failed reopened pending; skipped reopened pending""",
    "attempt": """
        claimed sent dialing; claimed not_placed released;
        dialing rang ringing; dialing answered answered; dialing ended ended;
        dialing not_placed released; dialing doubted unknown;
        ringing answered answered; ringing ended ended; ringing doubted unknown;
        answered ended ended; answered doubted unknown;
        unknown rang ringing; unknown answered answered; unknown ended ended;
        unknown not_placed released""",
}
MACHINES: list[tuple[Machine[Any, Any], type[StrEnum]]] = [
    (CAMPAIGN, CampaignEvent),
    (CONTACT, ContactEvent),
    (ATTEMPT, AttemptEvent),
]
PAIRS = [
    pytest.param(machine, state, event, id=f"{machine.name}-{state}-{event}")
    for machine, events in MACHINES
    for state in type(machine.initial)
    for event in events
]


def legal(machine: Machine[Any, Any]) -> dict[tuple[str, str], str]:
    steps = (step.split() for step in LEGAL[machine.name].split(";"))
    return {(state, event): target for state, event, target in steps}


@pytest.mark.parametrize(("machine", "state", "event"), PAIRS)
def test_every_pair_goes_where_the_table_says_or_is_refused(
    machine: Machine[Any, Any], state: StrEnum, event: StrEnum
) -> None:
    target = legal(machine).get((state.value, event.value))
    before = dict(machine.table)
    assert machine.allows(state, event) is (target is not None)
    if target is not None:
        assert machine.advance(state, event) == target
    else:
        with pytest.raises(IllegalTransition) as caught:
            machine.advance(state, event)
        named = {"agent": "An agent", "attempt": "An attempt"}.get(
            machine.name, f"A {machine.name}"
        )
        assert caught.value.message.startswith(f"{named} that is {state.value} ")
        assert event.value.replace("expired", "completed") in caught.value.message
        able = {s.value for s in machine.sources(event)}
        assert set(caught.value.message.split("; one that is ")[1][:-5].split(" or ")) == able
        assert caught.value.details["state"] == state.value
        assert caught.value.details["event"] == event.value
        assert caught.value.details["legal"] == sorted(
            e for s, e in legal(machine) if s == state.value
        )
    assert machine.table == before


def test_what_is_final_stays_final() -> None:
    assert CAMPAIGN.final() == {CampaignStatus.CANCELED}
    assert CONTACT.final() == {ContactStatus.CANCELED}
    assert ATTEMPT.final() == {AttemptStatus.ENDED, AttemptStatus.RELEASED}


@pytest.mark.parametrize(("machine", "events"), MACHINES, ids=lambda m: getattr(m, "name", ""))
def test_every_state_can_be_reached_and_every_event_is_of_use(
    machine: Machine[Any, Any], events: type[StrEnum]
) -> None:
    reached, waiting = set(), [machine.initial]
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting += [t for (s, _), t in machine.table.items() if s == state]
    assert reached == set(type(machine.initial))
    assert {event for _, event in machine.table} == set(events)
    assert all(machine.sources(event) for event in events)


def test_a_live_attempt_is_every_one_that_is_not_settled() -> None:
    assert set(AttemptStatus) - {AttemptStatus.ENDED, AttemptStatus.RELEASED} == LIVE_ATTEMPT


def test_an_attempt_in_doubt_is_settled_and_never_sent_again() -> None:
    assert not ATTEMPT.allows(AttemptStatus.UNKNOWN, AttemptEvent.SENT)
    assert ATTEMPT.sources(AttemptEvent.SENT) == {AttemptStatus.CLAIMED}
