"""One call after the other through the engine: events in every order, missing, late, twice."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from engine_kit import (
    BUSY,
    BY_HAND,
    PERSON,
    Bench,
    Script,
    bench,
    now,
    passes,
    until,
)
from structlog.testing import capture_logs

from callcamp.core.events import (
    CallAnswered,
    CallCreated,
    CallEnded,
    CallRang,
    EvidenceSeen,
    OriginateEnded,
)
from callcamp.core.model import Campaign
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.states import AttemptStatus, ContactStatus
from callcamp.engine.tracker import Tracker

ALL_OF_A_CALL = frozenset({"CallCreated", "CallRang", "CallAnswered", "EvidenceSeen", "CallEnded"})


async def one_call(b: Bench, **settings: object) -> tuple[Campaign, str]:
    """Start an engine and have it place one call, driven by hand."""
    await b.start()
    campaign = await b.campaign(1, **settings)  # type: ignore[arg-type]
    (attempt_id,) = await b.placed(1)
    return campaign, attempt_id


async def ended(b: Bench, attempt_id: str, status: AttemptStatus = AttemptStatus.ENDED) -> object:
    async def is_so() -> bool:
        return (await b.store.attempt(attempt_id)).status is status

    await until(is_so, f"{attempt_id} {status}")
    return await b.store.attempt(attempt_id)


@pytest.mark.parametrize("hangup_first", [False, True])
async def test_originate_response_and_hangup_in_either_order(
    tmp_path: Path, hangup_first: bool
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        campaign, attempt_id = await one_call(b)
        b.switch.ring(attempt_id)
        if hangup_first:
            b.switch.end(attempt_id, Evidence(cause=19, sip_code=480), in_box=False)
            b.switch.respond(attempt_id, success=False, reason=3)
        else:
            b.switch.respond(attempt_id, success=False, reason=3)
            b.switch.end(attempt_id, Evidence(cause=19, sip_code=480), in_box=False)
        await b.completed(campaign)
        (attempt,) = await b.attempts(campaign)
        assert attempt.disposition is Disposition.NO_ANSWER
        assert attempt.evidence["originate_reason"] == 3
        assert attempt.rang_at is not None
        assert len(b.running._registry) == 0


async def test_a_call_without_originate_response_ends_after_a_grace(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        campaign, attempt_id = await one_call(b)
        b.switch.end(attempt_id, BUSY)
        await b.completed(campaign)
        (attempt,) = await b.attempts(campaign)
        assert attempt.disposition is Disposition.BUSY
        assert "originate_reason" not in attempt.evidence


@pytest.mark.parametrize("answered", [False, True])
async def test_a_lost_hangup_is_found_in_the_outbox(tmp_path: Path, answered: bool) -> None:
    script = Script(by_hand=True, drop=frozenset({"CallEnded", "EvidenceSeen"}))
    async with bench(tmp_path, script, max_call_s=0.5) as b:
        campaign, attempt_id = await one_call(b)
        b.switch.ring(attempt_id)
        if answered:
            b.switch.answer(attempt_id)
            b.switch.respond(attempt_id, success=True)
        b.switch.end(attempt_id, PERSON if answered else BUSY)
        await b.completed(campaign)
        (attempt,) = await b.attempts(campaign)
        assert attempt.disposition is (
            Disposition.ANSWERED_PERSON if answered else Disposition.BUSY
        )
        await until(lambda: not b.switch.box)


@pytest.mark.parametrize(
    ("answered", "disposition"), [(False, Disposition.FAILED), (True, Disposition.UNKNOWN)]
)
async def test_an_end_that_left_no_trace_at_all(
    tmp_path: Path, answered: bool, disposition: Disposition
) -> None:
    script = Script(by_hand=True, drop=frozenset({"CallEnded", "EvidenceSeen"}))
    async with bench(tmp_path, script, max_call_s=0.5) as b:
        campaign, attempt_id = await one_call(b, attempts=1)
        if answered:
            b.switch.answer(attempt_id)
        b.switch.end(attempt_id, PERSON, in_box=False)
        await b.completed(campaign)
        (attempt,) = await b.attempts(campaign)
        assert attempt.disposition is disposition
        assert attempt.evidence["detail"] == "end_not_seen"


async def test_an_answer_known_only_from_the_originate_response(tmp_path: Path) -> None:
    script = Script(by_hand=True, drop=frozenset({"CallAnswered"}))
    async with bench(tmp_path, script) as b:
        campaign, attempt_id = await one_call(b)
        b.switch.respond(attempt_id, success=True)
        await ended(b, attempt_id, AttemptStatus.ANSWERED)
        b.switch.end(attempt_id, Evidence(cause=16), in_box=False)
        await b.completed(campaign)
        (attempt,) = await b.attempts(campaign)
        assert attempt.answered_at is not None
        assert attempt.evidence["answered"] is True
        assert attempt.disposition in {Disposition.ANSWERED_PERSON, Disposition.HUNG_UP}


async def test_a_call_that_never_ends_is_hung_up(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND, max_call_s=0.3) as b:
        campaign, attempt_id = await one_call(b)
        b.switch.answer(attempt_id)
        b.switch.respond(attempt_id, success=True)
        await until(lambda: b.switch.hung_up == [attempt_id])
        await b.completed(campaign)
        assert (await b.attempts(campaign))[0].answered_at is not None


async def test_a_call_that_rings_for_ever_is_hung_up(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        campaign, attempt_id = await one_call(b)
        b.switch.ring(attempt_id)
        await until(lambda: attempt_id in b.switch.hung_up)
        await b.completed(campaign)


async def test_a_silent_channel_in_doubt_is_hung_up_too(tmp_path: Path) -> None:
    """Its order timed out, its channel is there, and nothing ever happens to it."""
    async with bench(tmp_path, Script(order="timeout", by_hand=True)) as b:
        await b.start()
        campaign = await b.campaign(1)
        (attempt_id,) = await b.placed(1)
        await until(lambda: attempt_id in b.switch.hung_up)
        await b.completed(campaign)


async def test_late_double_and_foreign_events_change_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        campaign, attempt_id = await one_call(b)
        switch, stranger = b.switch, "cc-" + "0" * 30
        at = now()
        b.switch.ring(attempt_id)
        b.switch.ring(attempt_id)
        b.switch.answer(attempt_id)
        b.switch.ring(attempt_id)
        b.switch.answer(attempt_id)
        for event in (
            CallCreated(stranger, at),
            CallRang(stranger, at),
            CallAnswered(stranger, at),
            OriginateEnded(stranger, at, True, 4),
            EvidenceSeen(stranger, at, PERSON),
            CallEnded(stranger, at, PERSON),
        ):
            switch.emit(event)
        b.switch.respond(attempt_id, success=True)
        b.switch.end(attempt_id, PERSON)
        for event in (
            CallCreated(attempt_id, at),
            CallRang(attempt_id, at),
            CallAnswered(attempt_id, at),
            OriginateEnded(attempt_id, at, False, 0),
            EvidenceSeen(attempt_id, at, BUSY),
            CallEnded(attempt_id, at, BUSY),
        ):
            switch.emit(event)
        await b.completed(campaign)
        (attempt,) = await b.attempts(campaign)
        assert attempt.disposition is Disposition.ANSWERED_PERSON
        assert attempt.ended_at is not None
        assert [a.number for a in [attempt]] == ["+33610000000"]
        # And once more, now that it is settled in the store.
        switch.emit(CallAnswered(attempt_id, at))
        switch.emit(CallEnded(attempt_id, at, BUSY))
        switch.lose_events()
        await until(lambda: b.running.tracker.synced)
        assert await b.attempts(campaign) == [attempt]
        assert await b.store.recount(campaign.id) == {}
        assert not b.running.live.calls()


async def test_an_event_that_breaks_the_tracker_is_logged_with_its_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        campaign, attempt_id = await one_call(b)
        with monkeypatch.context() as broken, capture_logs() as lines:
            broken.setattr("callcamp.engine.tracker.log", structlog.get_logger())
            broken.setattr(Tracker, "_note_call", lambda *_: 1 / 0)
            b.switch.ring(attempt_id)
            await until(lambda: [x for x in lines if x["event"] == "event_not_noted"])
        line = next(x for x in lines if x["event"] == "event_not_noted")
        assert (line["campaign"], line["attempt"]) == (campaign.id, attempt_id)
        assert line["contact"] == 1


@pytest.mark.parametrize("watched", [True, False])
async def test_a_failed_originate_without_a_channel_is_given_back(
    tmp_path: Path, watched: bool
) -> None:
    async with bench(tmp_path, Script(order="no_channel"), settle_margin_s=0.2) as b:
        await b.start()
        before = now()
        campaign = await b.campaign(1)
        (order,) = await b.ordered(1)
        if not watched:
            b.running._registry.get(order.attempt_id).watched = False  # type: ignore[union-attr]
        await ended(b, order.attempt_id, AttemptStatus.RELEASED)
        (contact,) = await b.contacts(campaign)
        assert (contact.status, contact.attempts) == (ContactStatus.PENDING, 0)
        assert contact.due_at is not None
        assert contact.due_at >= before + timedelta(seconds=25)
        assert len(b.switch.orders) == 1


async def test_a_call_whose_channel_was_missed_is_not_given_back(tmp_path: Path) -> None:
    """Its events were lost, and only the response of its order is heard."""
    drop = frozenset({"CallCreated", "CallRang", "EvidenceSeen", "CallEnded"})
    async with bench(tmp_path, Script(by_hand=True, drop=drop)) as b:
        campaign, attempt_id = await one_call(b)
        answer = asyncio.Event()

        async def slow(what: str) -> None:
            await answer.wait()

        b.switch.ask_hook = slow
        b.switch.lose_events()
        b.switch.respond(attempt_id, success=False)
        await passes(0.4)  # long after the grace for orders without a channel
        b.switch.end(attempt_id, BUSY)
        answer.set()
        await b.completed(campaign)
        (attempt,) = await b.attempts(campaign)
        assert attempt.status is AttemptStatus.ENDED
        assert attempt.disposition is Disposition.BUSY


async def test_an_unsendable_contact_fails_and_is_not_tried_again(tmp_path: Path) -> None:
    async with bench(tmp_path, Script(order="invalid")) as b:
        await b.start()
        campaign = await b.campaign(3, attempts=5)
        await b.completed(campaign)
        assert len(b.switch.orders) == 3
        assert await b.statuses(campaign) == {ContactStatus.FAILED: 3}
        for attempt in await b.attempts(campaign):
            assert attempt.disposition is Disposition.FAILED
            assert attempt.evidence["detail"] == "unsendable"


async def test_an_unreadable_instant_in_the_outbox_does_not_stop_the_engine(
    tmp_path: Path,
) -> None:
    script = Script(by_hand=True, drop=frozenset({"CallEnded", "EvidenceSeen"}))
    async with bench(tmp_path, script) as b:
        campaign, attempt_id = await one_call(b)
        b.switch.end(attempt_id, BUSY)
        b.switch.box[attempt_id] = Evidence(cause=17, sip_code=486, ended_epoch_s=1e300)
        await b.completed(campaign)
        (attempt,) = await b.attempts(campaign)
        assert attempt.disposition is Disposition.BUSY


async def test_an_entry_is_deleted_only_after_the_commit(tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    async with bench(tmp_path, Script(answers=False)) as b:
        await b.start()

        def note(name: str) -> None:
            if name == "apply":
                seen.append((name, bool(b.switch.deleted)))

        b.store.after = note
        campaign = await b.campaign(1)
        await b.completed(campaign)
        await until(lambda: b.switch.deleted)
        assert not b.switch.box
        assert seen
        assert not any(deleted for _, deleted in seen)


async def test_a_retry_waits_for_its_delay(tmp_path: Path) -> None:
    async with bench(tmp_path, Script(answers=False), speed=60.0) as b:
        await b.start()
        campaign = await b.campaign(5, attempts=3, delay_s=30)
        await b.completed(campaign)
        by_contact: dict[int, list] = {}  # type: ignore[type-arg]
        for attempt in await b.attempts(campaign):
            # At this speed a claim's lease is half a second: one that was not sent is no call.
            if attempt.status is AttemptStatus.ENDED:
                by_contact.setdefault(attempt.contact_id, []).append(attempt)
        for attempts in by_contact.values():
            assert [a.ordinal for a in attempts] == [1, 2, 3]
            for earlier, later in itertools.pairwise(attempts):
                assert later.dialed_at - earlier.ended_at >= timedelta(seconds=30)
        assert await b.statuses(campaign) == {ContactStatus.COMPLETED: 5}


async def test_nothing_is_ordered_while_a_call_of_the_contact_is_in_doubt(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, Script(order="lost"), settle_margin_s=30.0) as b:
        await b.start()
        campaign = await b.campaign(1, attempts=3)
        (order,) = await b.ordered(1)
        await ended(b, order.attempt_id, AttemptStatus.UNKNOWN)
        await passes(0.5)
        assert len(b.switch.orders) == 1
        (contact,) = await b.contacts(campaign)
        assert contact.status is ContactStatus.IN_PROGRESS


@pytest.mark.parametrize("how", ["events", "live", "outbox", "never", "restart"])
async def test_an_order_without_an_answer_is_settled(tmp_path: Path, how: str) -> None:
    order = {"never": "lost", "restart": "lost"}.get(how, "timeout")
    scripts = [
        Script(
            order=order,
            by_hand=True,
            drop=frozenset()
            if how == "events"
            else frozenset(
                {"CallCreated", "CallRang", "CallAnswered", "EvidenceSeen", "CallEnded"}
            ),
        )
    ]
    async with bench(tmp_path, lambda _: scripts.pop() if scripts else Script()) as b:
        await b.start()
        campaign = await b.campaign(1, attempts=2)
        (first,) = await b.ordered(1)
        attempt_id = first.attempt_id
        if how == "events":
            # The channel is made a moment after the order was taken.
            await b.placed(1)
            b.switch.answer(attempt_id)
            b.switch.end(attempt_id, PERSON)
        elif how == "live":
            await ended(b, attempt_id, AttemptStatus.UNKNOWN)
            b.switch.channels[attempt_id].state = "Up"
            await ended(b, attempt_id, AttemptStatus.ANSWERED)
            b.switch.channels[attempt_id].script = BY_HAND
            b.switch.end(attempt_id, PERSON)
        elif how == "outbox":
            b.switch.end(attempt_id, PERSON)
        elif how == "restart":
            b.switch.restart()
            b.switch.mend()
        await b.completed(campaign)
        attempts = await b.attempts(campaign)
        first_attempt = attempts[0]
        match how:
            case "never":
                assert [a.status for a in attempts] == [
                    AttemptStatus.RELEASED,
                    AttemptStatus.ENDED,
                ]
            case "restart":
                assert first_attempt.disposition is Disposition.FAILED
                assert first_attempt.evidence["detail"] == "switch_restarted"
                assert [a.ordinal for a in attempts] == [1, 2]
            case _:
                assert len(attempts) == len(b.switch.orders) == 1
                assert first_attempt.disposition is Disposition.ANSWERED_PERSON
