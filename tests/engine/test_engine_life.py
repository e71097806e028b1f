"""An engine's life: what it picks up, who may be it, how it stops, and a store that fails."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from engine_kit import (
    BUSY,
    BY_HAND,
    PERSON,
    Bench,
    FakeGateway,
    Script,
    bench,
    now,
    passes,
    until,
)

from callcamp.core.events import LinkDown
from callcamp.core.model import Attempt, Campaign
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import AttemptStatus, ContactStatus
from callcamp.engine import Engine
from callcamp.engine.right import ENGINE_TTL_S
from callcamp.errors import Conflict, StoreError
from callcamp.ports import CallOrder
from callcamp.store import dnc_copies
from callcamp.store.database import read_once, run_once


async def left_behind(b: Bench, campaign: Campaign, *, dialing: bool, ago_s: float = 60) -> Attempt:
    """Have an attempt in the store as an engine leaves it that was killed."""
    at = now() - timedelta(seconds=ago_s)
    attempt_id = f"cc-{os.urandom(15).hex()}"
    claimed = await b.store.claim(
        campaign.id,
        [attempt_id],
        places=None,
        judge=RuleSet(campaign.settings).judge,
        look_back_s=0,
        now=now(),
        lease_until=now() + timedelta(seconds=60),
    )
    (claim,) = claimed.claims
    if dialing:
        assert await b.store.mark_dialing([attempt_id], now=at) == [attempt_id]
    return claim.attempt


async def settled(b: Bench, attempt: Attempt, status: AttemptStatus) -> Attempt:
    async def is_so() -> bool:
        return (await b.store.attempt(attempt.id)).status is status

    await until(is_so, f"{attempt.id} {status}")
    return await b.store.attempt(attempt.id)


async def test_what_a_killed_engine_left_is_picked_up(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND, settle_margin_s=5.0) as b:
        campaign = await b.campaign(6, ring_timeout_s=50)
        claimed = await left_behind(b, campaign, dialing=False)
        in_box = await left_behind(b, campaign, dialing=True)
        live = await left_behind(b, campaign, dialing=True, ago_s=2)
        gone = await left_behind(b, campaign, dialing=True)
        late = await left_behind(b, campaign, dialing=True, ago_s=4.5)
        before_restart = await left_behind(b, campaign, dialing=True, ago_s=7200)
        b.switch.box[in_box.id] = PERSON
        stranger = "cc-" + "7" * 30
        b.switch.box[stranger] = BUSY
        b.switch.make(
            CallOrder(live.id, f"PJSIP/{live.number}@carrier", 1, None, {"CC_CAMPAIGN": "1"}),
            BY_HAND,
        )
        b.switch.ring(live.id)
        assert len(b.switch.orders) == 0
        await b.start()
        await settled(b, claimed, AttemptStatus.RELEASED)
        ended = await settled(b, in_box, AttemptStatus.ENDED)
        assert ended.disposition is Disposition.ANSWERED_PERSON
        await settled(b, live, AttemptStatus.RINGING)
        await settled(b, gone, AttemptStatus.RELEASED)
        died = await settled(b, before_restart, AttemptStatus.ENDED)
        assert died.evidence["detail"] == "switch_restarted"
        await settled(b, late, AttemptStatus.RELEASED)
        b.switch.answer(live.id)
        b.switch.end(live.id, PERSON)
        talked = await settled(b, live, AttemptStatus.ENDED)
        assert talked.disposition is Disposition.ANSWERED_PERSON
        await until(lambda: set(b.switch.box) == {stranger}, "only the stranger's entry stays")
        # The three that were given back are called, nobody else is.
        await until(lambda: len(b.switch.orders) == 3)
        assert {o.channel for o in b.switch.orders} == {
            f"PJSIP/{a.number}@carrier" for a in (claimed, gone, late)
        }
        for attempt_id in list(b.switch.placed_ids)[1:]:
            b.switch.end(attempt_id, BUSY)
        await b.completed(campaign)


async def test_a_conversation_found_at_the_start_is_not_cut(tmp_path: Path) -> None:
    """It was answered while no engine watched, long after its ring timeout would be over."""
    async with bench(tmp_path, BY_HAND) as b:
        campaign = await b.campaign(1)
        await b.start()
        (attempt_id,) = await b.placed(1)
        await b.kill()
        b.switch.answer(attempt_id)
        await until(lambda: (now() - b.switch.channels[attempt_id].made_at).total_seconds() > 2)
        await b.start()
        await until(lambda: b.running.tracker.synced)
        await passes(0.5)
        assert b.switch.hung_up == []
        b.switch.end(attempt_id, PERSON)
        await b.completed(campaign)
        assert (await b.attempts(campaign))[0].disposition is Disposition.ANSWERED_PERSON


async def test_entries_of_ended_attempts_are_cleaned_strangers_stay(tmp_path: Path) -> None:
    async with bench(tmp_path, Script(answers=False)) as b:
        campaign = await b.campaign(3)
        await b.start()
        await b.completed(campaign)
        await b.stop()
        ids = [a.id for a in await b.attempts(campaign)]
        stranger = "cc-" + "5" * 30
        b.switch.box.update(dict.fromkeys([*ids, stranger], BUSY))
        await b.start()
        await until(lambda: set(b.switch.box) == {stranger})
        await passes(0.2)
        assert set(b.switch.box) == {stranger}
        assert len(await b.attempts(campaign)) == 3


async def test_a_stopped_engine_leaves_calls_and_gives_ready_ones_back(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        campaign = await b.campaign(40, cps=30)
        await b.start()
        placed = list(await b.placed(3))
        await b.stop()
        live = await b.store.live_attempts()
        # Nobody waits for the margin but calls that were ordered: a claim that was on its way when
        # it stopped is freed by the next start at once.
        sent = {a.id for a in live if a.status is not AttemptStatus.CLAIMED}
        assert sent == {o.attempt_id for o in b.switch.orders}
        assert set(placed) <= {a.id for a in live}
        for attempt_id in list(b.switch.placed_ids):
            b.switch.end(attempt_id, PERSON)
        b.switch.script = lambda _order: Script()
        await b.start()
        await b.completed(campaign)
        assert Counter(len(ids) for ids in b.switch.placed.values()) == {1: 40}


async def test_stop_ends_at_any_moment(tmp_path: Path) -> None:
    """Whatever the tasks wait for when they are cancelled, they must end."""
    async with bench(tmp_path, Script(answers=False)) as b:
        campaign = await b.campaign(400, cps=1000, attempts=3)
        for turn in range(12):
            await b.start()
            await until(lambda at=turn: len(b.switch.orders) >= at * 10)
            for _ in range(turn):
                await asyncio.sleep(0)
            async with asyncio.timeout(60):
                await b.stop()
        await b.start()
        await b.completed(campaign)
        assert await b.store.recount(campaign.id) == {}


async def test_a_task_that_is_woken_and_cancelled_at_once_ends(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        engine = Engine(b.store, FakeGateway(b.switch), b.settings)
        for forever, wake in (
            (engine.tracker.commit_forever, engine.tracker._wake),
            (engine._dialer.run, engine._dialer._wake),
            (engine._reconciler.run, engine.tracker.sight._asked),
        ):
            task = asyncio.create_task(forever())
            await passes(0.02)
            for turns in range(4):
                wake.set()
                for _ in range(turns):
                    await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=60)
            assert done


async def test_a_second_engine_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.start()
        second = Engine(b.store, FakeGateway(b.switch), b.settings)
        second.right.holder = "another-machine:1"
        with pytest.raises(Conflict, match="Another callcamp engine"):
            await second.start()
        await b.stop()
        await second.start()
        await second.stop()


async def test_the_right_of_a_dead_engine_is_taken_over(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        dead = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
        await dead.wait()
        await b.store.hold_engine(f"{socket.gethostname()}:{dead.pid}", now=now(), ttl_s=600)
        await b.start()
        await b.stop()
        alive = f"{socket.gethostname()}:{os.getppid()}"
        await b.store.hold_engine(alive, now=now(), ttl_s=600)
        with pytest.raises(Conflict):
            await b.start()
        await b.store.release_engine(alive)
        await b.store.hold_engine("elsewhere:1", now=now() - timedelta(seconds=60), ttl_s=30)
        await b.start()


async def test_an_engine_that_lost_its_right_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suspended process must not send, when it wakes up, what another one has settled."""
    async with bench(tmp_path, Script(answers=False)) as b:
        engine = await b.start()
        await until(lambda: engine.tracker.synced)
        with monkeypatch.context() as patch:
            # However long this takes, nobody gives it its right again meanwhile.
            patch.setattr("callcamp.engine.right.ENGINE_TTL_S", -1.0)
            engine.right._held_until_s = asyncio.get_running_loop().time() - 1.0
            campaign = await b.campaign(5)
            await passes(0.3)
            assert b.switch.orders == []
        engine.right._held_until_s = asyncio.get_running_loop().time() + ENGINE_TTL_S
        await b.completed(campaign)


async def test_an_engine_whose_right_was_taken_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcamp.engine.right.ENGINE_TTL_S", 0.15)
    async with bench(tmp_path) as b:
        engine = await b.start()
        await b.store.release_engine(engine.right.holder)
        while await b.store.hold_engine("other:1", now=now(), ttl_s=60) is not None:
            await passes(0.01)
        assert engine.failed is not None
        async with asyncio.timeout(60):
            problem = await engine.failed
        assert isinstance(problem, Conflict)
        b.engine = None
        await engine.stop()


@pytest.mark.parametrize("failures", [1, 5])
async def test_a_store_that_fails_to_commit_loses_nothing(tmp_path: Path, failures: int) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await b.campaign(10)
        placed = list(await b.placed(10))
        left = failures

        def fail(name: str) -> None:
            nonlocal left
            if name == "apply" and left:
                left -= 1
                raise StoreError("disk full")

        b.store.before = fail
        for at, attempt_id in enumerate(placed):
            b.switch.ring(attempt_id)
            if at % 2:
                b.switch.answer(attempt_id)
            b.switch.end(attempt_id, PERSON if at % 2 else BUSY)
        await until(lambda: left == 0)
        assert set(b.switch.box) <= set(placed)
        await b.completed(campaign)
        attempts = await b.attempts(campaign)
        assert Counter(a.disposition for a in attempts) == {
            Disposition.BUSY: 5,
            Disposition.ANSWERED_PERSON: 5,
        }
        assert all(a.rang_at for a in attempts)
        await until(lambda: not b.switch.box)


@pytest.mark.parametrize("what", ["claim", "mark_dialing", "campaigns"])
async def test_a_store_that_fails_to_claim_leaves_nobody_behind(tmp_path: Path, what: str) -> None:
    async with bench(tmp_path, Script(answers=False)) as b:
        await b.start()
        left = 3

        def fail(name: str) -> None:
            nonlocal left
            if name == what and left:
                left -= 1
                raise StoreError("database is locked")

        b.store.before = fail
        campaign = await b.campaign(10)
        await b.completed(campaign)
        assert left == 0
        assert Counter(len(ids) for ids in b.switch.placed.values()) == {1: 10}


@pytest.mark.parametrize("what", ["claim", "mark_dialing", "apply"])
async def test_a_commit_that_happened_but_seemed_to_fail(tmp_path: Path, what: str) -> None:
    """The link to the database broke after its COMMIT and before the answer."""
    async with bench(tmp_path, Script(ring_s=0.05, talk_s=0.05)) as b:
        await b.start()
        left = 4

        def fail(name: str) -> None:
            nonlocal left
            if name == what and left:
                left -= 1
                raise StoreError("connection lost")

        b.store.after = fail
        campaign = await b.campaign(20, concurrency=4)
        await b.completed(campaign)
        assert left == 0
        assert Counter(len(ids) for ids in b.switch.placed.values()) == {1: 20}
        assert Counter(a.disposition for a in await b.attempts(campaign) if a.disposition) == {
            Disposition.ANSWERED_PERSON: 20
        }
        assert await b.store.recount(campaign.id) == {}
        assert await b.store.live_attempts() == []
        await until(lambda: not b.switch.box)


async def test_a_stop_in_the_middle_of_a_commit_loses_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        engine = await b.start()
        campaign = await b.campaign(1)
        (attempt_id,) = await b.placed(1)
        reached = asyncio.Event()
        plain = b.store.apply

        async def never(changes: object) -> list[object]:
            reached.set()
            await asyncio.Event().wait()
            return []

        b.store.apply = never  # type: ignore[assignment,method-assign]
        b.switch.end(attempt_id, BUSY)
        await reached.wait()
        stopping = asyncio.create_task(engine.stop())
        b.store.apply = plain  # type: ignore[method-assign]
        await stopping
        b.engine = None
        attempt = await b.store.attempt(attempt_id)
        assert attempt.status is AttemptStatus.ENDED
        assert (await b.contacts(campaign))[0].status is ContactStatus.COMPLETED


async def test_a_cut_link_through_a_whole_call(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND, settle_margin_s=5.0) as b:
        engine = await b.start()
        campaign = await b.campaign(2)
        first, second = list(await b.placed(2))
        b.switch.cut()
        await until(lambda: not engine.tracker.synced)
        for attempt_id in (first, second):
            b.switch.answer(attempt_id)
        b.switch.end(first, PERSON)
        b.switch.mend()
        await until(lambda: engine.tracker.synced)
        b.switch.respond(second, success=True)
        b.switch.end(second, PERSON)
        await b.completed(campaign)
        assert {a.disposition for a in await b.attempts(campaign)} == {Disposition.ANSWERED_PERSON}
        assert len(b.switch.orders) == 2


@pytest.mark.parametrize("known", [True, False])
async def test_a_restarted_switch_ends_its_calls(tmp_path: Path, known: bool) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        engine = await b.start()
        campaign = await b.campaign(4, attempts=2)
        placed = list(await b.placed(4))
        b.switch.answer(placed[0])
        b.switch.cut()
        b.switch.end(placed[1], PERSON)
        b.switch.restart()
        b.switch.script = lambda _order: Script()
        b.switch.mend()
        await b.completed(campaign)
        attempts = {a.id: a for a in await b.attempts(campaign)}
        assert attempts[placed[1]].disposition is Disposition.ANSWERED_PERSON
        for attempt_id in (placed[0], *placed[2:]):
            assert attempts[attempt_id].disposition is Disposition.FAILED
            assert attempts[attempt_id].evidence["detail"] == "switch_restarted"
        assert len(attempts) == 7
        assert engine.tracker.synced


async def test_calls_sent_just_after_a_restart_are_not_taken_for_dead(tmp_path: Path) -> None:
    """Events are lost while orders are on their way to an Asterisk that has just started."""
    async with bench(tmp_path, Script(order="late", late_s=0.1, answers=False)) as b:
        b.switch.started_at = now()
        await b.start()
        campaign = await b.campaign(10, attempts=2, cps=100)
        for count in (2, 5, 8):
            await b.ordered(count)
            b.switch.lose_events()
        await b.completed(campaign)
        attempts = await b.attempts(campaign)
        ended = [a for a in attempts if a.status is AttemptStatus.ENDED]
        assert {a.disposition for a in ended} == {Disposition.BUSY}
        assert len(ended) == 20
        assert {len(ids) for ids in b.switch.placed.values()} == {2}


async def test_a_broken_event_does_not_stop_the_reader(tmp_path: Path) -> None:
    async with bench(tmp_path, Script(answers=False)) as b:
        engine = await b.start()
        b.gateways[-1].queue.put_nowait(LinkDown(now(), "x"))
        b.gateways[-1].queue.put_nowait(object())  # type: ignore[arg-type]
        campaign = await b.campaign(3)
        await b.completed(campaign)
        assert engine.failed is not None
        assert not engine.failed.done()


async def test_evidence_kept_from_before_a_restart_of_the_engine(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await b.campaign(1)
        (attempt_id,) = await b.placed(1)
        b.switch.ring(attempt_id)
        b.switch.answer(attempt_id)
        await settled(b, (await b.attempts(campaign))[0], AttemptStatus.ANSWERED)
        before = await b.store.attempt(attempt_id)
        await b.kill()
        b.switch.end(attempt_id, Evidence(cause=16, answered=True, amd_status="MACHINE"))
        await b.start()
        await b.completed(campaign)
        after = await b.store.attempt(attempt_id)
        assert (after.rang_at, after.answered_at) == (before.rang_at, before.answered_at)
        assert after.disposition is Disposition.VOICEMAIL


async def test_an_engine_throws_old_uploads_away_and_keeps_young_ones(tmp_path: Path) -> None:
    old, young = (tmp_path / "imports" / name for name in ("a" * 32, "b" * 32))
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "rows.sqlite3").touch()
    ten_days_ago = time.time() - 10 * 86400
    os.utime(old, (ten_days_ago, ten_days_ago))
    async with bench(tmp_path, data_dir=tmp_path, import_keep_days=7) as b:
        await b.start()

        async def is_gone() -> bool:
            return not old.exists()

        await until(is_gone, "the old upload gone")
        assert young.exists()


async def test_an_engine_sweeps_what_a_killed_import_of_a_register_left(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        url = b.settings.database_url
        left, going_on = (run_once(url, dnc_copies.begin, now(), now()) for _ in range(2))
        for copy in (left, going_on):
            run_once(url, dnc_copies.append, copy, ["+33612345678"])
        long_ago = f"UPDATE dnc_list SET staged_at = 1000 WHERE id = {left}"
        run_once(url, lambda c: c.exec_driver_sql(long_ago))
        await b.start()

        def copies() -> list[int]:
            found = "SELECT DISTINCT list_id FROM dnc_number"
            return read_once(url, lambda c: list(c.exec_driver_sql(found).scalars()))

        async def is_gone() -> bool:
            return copies() == [going_on]

        await until(is_gone, "what the killed import left is gone")
