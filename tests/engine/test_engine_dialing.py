"""What the engine sends when: limits, fairness, hours, pause, stop, refusals, the link."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from engine_kit import BUSY, BY_HAND, PERSON, Script, bench, now, passes, until

from callcamp.core.campaign_settings import DailyWindow
from callcamp.core.model import NewContact
from callcamp.core.outcome import Disposition
from callcamp.core.pacing.bucket import Bucket
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus, CampaignEvent, ContactStatus
from callcamp.ports import CallOrder


def random_calls(seed: int, longest_s: float = 0.05):  # type: ignore[no-untyped-def]
    chance = random.Random(seed)

    def script(_order: CallOrder) -> Script:
        return Script(
            answers=chance.random() < 0.5,
            ring_s=chance.random() * longest_s,
            talk_s=chance.random() * longest_s,
            hangup_first=chance.random() < 0.5,
        )

    return script


async def test_concurrency_is_never_exceeded_and_is_used(tmp_path: Path) -> None:
    async with bench(tmp_path, random_calls(1), look_s=0.05) as b:
        await b.start()
        campaign = await b.campaign(150, concurrency=7, cps=500)
        await b.completed(campaign)
        assert b.switch.most_live[str(campaign.id)] == 7
        assert len(b.switch.placed_ids) == 150


async def test_channels_of_a_trunk_are_never_exceeded_over_campaigns(tmp_path: Path) -> None:
    async with bench(tmp_path, random_calls(2)) as b:
        await b.start()
        campaigns = [
            await b.campaign(60, max_channels=5, cps=500, concurrency=4, prefix=f"+3361{n}")
            for n in range(3)
        ]
        for campaign in campaigns:
            await b.completed(campaign)
        assert b.switch.most_live["all"] == 5
        assert max(b.switch.most_live[str(c.id)] for c in campaigns) <= 4


@pytest.mark.parametrize("cps", [3.0, 40.0, 150.0])
async def test_no_second_holds_more_calls_than_the_trunk_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cps: float
) -> None:
    sent: list[float] = []  # by the engine's clock
    plain = Bucket.take

    def take(self: Bucket, now_s: float) -> Bucket:
        sent.append(now_s)
        return plain(self, now_s)

    monkeypatch.setattr(Bucket, "take", take)
    count = int(cps * 2) + 2
    async with bench(tmp_path, Script(answers=False)) as b:
        await b.start()
        campaign = await b.campaign(count, cps=cps, concurrency=500)
        await b.completed(campaign)
        most = max(sum(1 for t in sent[at:] if t < start + 1.0) for at, start in enumerate(sent))
        assert len(sent) == len(b.switch.orders) == count
        assert sent == sorted(sent)
        assert most <= cps


async def test_a_slow_trunk_is_given_no_call_long_before_its_turn(tmp_path: Path) -> None:
    """What waits committed as sent cannot be told from what was sent, if the engine dies."""
    async with bench(tmp_path, Script(answers=False), look_s=0.03) as b:
        await b.start()
        await b.campaign(3, cps=0.1)
        await b.ordered(1)
        await until(lambda: not len(b.running._registry))
        await passes(0.5)
        assert await b.store.live_attempts() == []
        assert len(b.switch.orders) == 1


@pytest.mark.parametrize("sizes", [(40, 40), (5, 80)])
async def test_two_campaigns_share_a_full_trunk_fairly(
    tmp_path: Path, sizes: tuple[int, int]
) -> None:
    async with bench(tmp_path, Script(answers=False, ring_s=0.01)) as b:
        one = await b.campaign(sizes[0], max_channels=1, cps=500, start=False)
        two = await b.campaign(sizes[1], max_channels=1, cps=500, start=False, prefix="+3362")
        for campaign in (one, two):
            await b.store.move_campaign(campaign.id, CampaignEvent.STARTED, now=now())
        await b.start()
        await b.completed(one)
        await b.completed(two)
        smaller = min(sizes)
        first = Counter(o.variables["CC_CAMPAIGN"] for o in b.switch.orders[: 2 * smaller])
        assert abs(first[str(one.id)] - first[str(two.id)]) <= 2


async def test_pause_sends_nothing_more_and_lets_calls_finish(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        engine = await b.start()
        campaign = await b.campaign(100, cps=60)
        placed = list(await b.placed(3))
        await engine.commands.pause(campaign.id)
        ordered = len(b.switch.orders)
        placed = list(b.switch.placed_ids)
        for attempt_id in placed:
            b.switch.answer(attempt_id)
            b.switch.end(attempt_id, PERSON)
        await until(lambda: not len(engine._registry), "calls finish, ready calls are released")
        await passes(0.3)
        assert len(b.switch.orders) == ordered
        attempts = await b.attempts(campaign)
        assert {a.id for a in attempts if a.status is AttemptStatus.ENDED} == set(placed)
        assert await b.statuses(campaign) == {
            ContactStatus.COMPLETED: len(placed),
            ContactStatus.PENDING: 100 - len(placed),
        }
        b.switch.script = lambda _order: Script()
        await engine.commands.resume(campaign.id)
        await b.completed(campaign)
        assert len(b.switch.orders) == 100


async def test_nothing_is_sent_from_the_moment_pause_returns(tmp_path: Path) -> None:
    async with bench(tmp_path, Script(answers=False), look_s=1.0) as b:
        engine = await b.start()
        campaign = await b.campaign(2000, cps=400, concurrency=500)
        for turn in range(1, 6):
            await b.ordered(turn * 40)
            await engine.commands.pause(campaign.id)
            at = asyncio.get_running_loop().time()
            await passes(0.05)
            sent = [t for t in b.switch.order_times if t > at]
            assert not sent
            await engine.commands.resume(campaign.id)
        await engine.commands.pause(campaign.id)


async def test_stop_cancels_who_waits_and_records_who_is_called(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        engine = await b.start()
        campaign = await b.campaign(50, concurrency=6, attempts=3)
        placed = list(await b.placed(6))
        await engine.commands.stop(campaign.id)
        for at, attempt_id in enumerate(placed):
            if at % 2:
                b.switch.answer(attempt_id)
            b.switch.end(attempt_id, PERSON if at % 2 else BUSY)
        await until(lambda: not len(engine._registry))
        await passes(0.2)
        assert len(b.switch.orders) == 6
        attempts = await b.attempts(campaign)
        assert Counter(a.disposition for a in attempts if a.disposition) == {
            Disposition.ANSWERED_PERSON: 3,
            Disposition.BUSY: 3,
        }
        statuses = await b.statuses(campaign)
        assert statuses[ContactStatus.PENDING] == statuses[ContactStatus.IN_PROGRESS] == 0
        assert statuses[ContactStatus.CANCELED] >= 44
        assert await b.store.recount(campaign.id) == {}
        assert not b.running._registry.in_campaign(campaign.id)


async def test_the_last_result_stays_when_a_campaign_is_stopped_in_another_process(
    tmp_path: Path,
) -> None:
    """The engine has not read the stop yet; a busy contact would wait for its retry."""
    async with bench(tmp_path, BY_HAND, look_s=3.0) as b:
        engine = await b.start()
        campaign = await b.campaign(1, attempts=3, delay_s=600)
        (attempt_id,) = await b.placed(1)
        await b.store.move_campaign(campaign.id, CampaignEvent.STOPPED, now=now())
        b.switch.end(attempt_id, BUSY)
        await until(lambda: not len(engine._registry))
        (contact,) = await b.contacts(campaign)
        assert contact.status in {ContactStatus.CANCELED, ContactStatus.COMPLETED}
        assert contact.disposition is Disposition.BUSY


async def test_without_link_nothing_is_sent_and_it_goes_on_when_synced(tmp_path: Path) -> None:
    async with bench(tmp_path, Script(answers=False)) as b:
        engine = await b.start(reachable=False)
        campaign = await b.campaign(20)
        await until(lambda: (p := engine.live.plan(campaign.id)) and p.hold is Reason.LINK_DOWN)
        assert await b.attempts(campaign) == []
        answer = asyncio.Event()

        async def slow(what: str) -> None:
            await answer.wait()

        b.switch.ask_hook = slow
        b.switch.mend()
        await passes(0.2)
        assert b.switch.orders == []
        answer.set()
        await b.completed(campaign)
        assert len(b.switch.orders) == 20


async def test_calls_ready_in_the_lane_do_not_survive_a_cut_link(tmp_path: Path) -> None:
    """Else they would go out before attempts and Asterisk agree, and be judged by the past."""
    async with bench(tmp_path, BY_HAND) as b:
        engine = await b.start()
        campaign = await b.campaign(30, cps=20)
        await b.placed(2)
        answer = asyncio.Event()

        async def slow(what: str) -> None:
            await answer.wait()

        b.switch.ask_hook = slow
        b.switch.restart()
        ordered = len(b.switch.orders)
        b.switch.mend()
        await passes(0.3)
        assert len(b.switch.orders) == ordered
        b.switch.script = lambda _order: Script()
        answer.set()
        await b.completed(campaign)
        died = [a for a in await b.attempts(campaign) if a.evidence.get("detail")]
        assert {a.id for a in died} <= {o.attempt_id for o in b.switch.orders[:ordered]}
        assert engine.tracker.synced


async def test_lost_events_make_it_ask(tmp_path: Path) -> None:
    drop = frozenset({"CallRang", "CallAnswered", "OriginateEnded", "CallEnded", "EvidenceSeen"})
    scripts = itertools.chain(itertools.repeat(Script(by_hand=True, drop=drop), 4))
    async with bench(tmp_path, lambda _: next(scripts, Script()), settle_margin_s=20.0) as b:
        await b.start()
        campaign = await b.campaign(4)
        for at, attempt_id in enumerate(list(await b.placed(4))):
            if at % 2:
                b.switch.answer(attempt_id)
            b.switch.end(attempt_id, PERSON if at % 2 else BUSY)
        b.switch.lose_events()
        await b.completed(campaign)
        attempts = await b.attempts(campaign)
        assert [a.disposition for a in attempts] == [
            Disposition.BUSY,
            Disposition.ANSWERED_PERSON,
        ] * 2


async def test_a_link_lost_while_attempts_are_compared(tmp_path: Path) -> None:
    """The engine must go on breathing, and agree again once the link is back."""
    async with bench(tmp_path, Script(answers=False)) as b:
        engine = await b.start()
        await until(lambda: engine.tracker.synced)
        asked = asyncio.Event()

        async def cut(what: str) -> None:
            b.switch.cut()
            asked.set()

        b.switch.ask_hook = cut
        b.switch.lose_events()
        await asked.wait()
        b.switch.ask_hook = None
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        looks = []
        gateway = b.gateways[-1]
        type(gateway).link_up, plain = property(lambda self: looks.append(1) or False), False
        try:
            await passes(0.3)
        finally:
            del type(gateway).link_up
            gateway.link_up = plain
        assert len(looks) < 200, "it spins"
        assert not engine.tracker.synced
        b.switch.mend()
        campaign = await b.campaign(3)
        await b.completed(campaign)


async def test_a_cut_noticed_at_the_end_of_a_comparison_is_not_forgotten(tmp_path: Path) -> None:
    async with bench(tmp_path, Script()) as b:
        engine = await b.start()
        await until(lambda: engine.tracker.synced)
        b.switch.box["cc-" + "9" * 30] = BUSY  # a stranger: the store is asked about it
        plain = b.store.attempt_context

        async def cut(ids: list[str]) -> dict[str, object]:
            b.switch.cut()
            await until(b.gateways[-1].queue.empty)
            await asyncio.sleep(0)
            b.store.attempt_context = plain  # type: ignore[method-assign]
            return {}

        b.store.attempt_context = cut  # type: ignore[assignment,method-assign]
        b.switch.lose_events()
        await until(lambda: b.store.attempt_context == plain)
        await passes(0.1)
        assert not engine.tracker.synced


async def test_unavailable_gives_the_contact_back_at_once(tmp_path: Path) -> None:
    scripts = iter([Script(order="unavailable")] * 3)
    async with bench(tmp_path, lambda _: next(scripts, Script(answers=False))) as b:
        await b.start()
        campaign = await b.campaign(1)
        await b.completed(campaign)
        attempts = await b.attempts(campaign)
        assert [a.status for a in attempts] == [AttemptStatus.RELEASED] * 3 + [AttemptStatus.ENDED]
        assert {a.ordinal for a in attempts} == {1}
        (contact,) = await b.contacts(campaign)
        assert contact.attempts == 1


async def test_a_refusing_trunk_is_left_alone_for_longer_each_time(tmp_path: Path) -> None:
    async with bench(tmp_path, Script(order="refuse"), speed=20.0) as b:
        engine = await b.start()
        campaign = await b.campaign(200, cps=100)
        # 90 s of the engine's time: pauses of 5, 10, 20 and 40 s.
        end = engine.clock.now() + timedelta(seconds=90)
        await until(lambda: engine.clock.now() > end)
        assert 2 <= len(b.switch.orders) <= 40
        assert (p := engine.live.plan(campaign.id))
        assert p.hold is Reason.TRUNK_REFUSES
        assert not [a for a in await b.attempts(campaign) if a.status is AttemptStatus.ENDED]
        statuses = await b.statuses(campaign)
        assert statuses[ContactStatus.PENDING] + statuses[ContactStatus.IN_PROGRESS] == 200
        b.switch.script = lambda _order: Script(answers=False)
        await b.completed(campaign)
        assert len(b.switch.placed_ids) == 200


async def test_a_campaign_completes_outside_its_hours(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        engine = await b.start()
        campaign = await b.campaign(2, concurrency=1)
        (attempt_id,) = await b.placed(1)
        weekday = (now().weekday() + 3) % 7
        closed = DailyWindow(start=time(0), end=time(0), weekdays=frozenset({weekday}))
        await engine.commands.pause(campaign.id)
        fresh = await b.store.campaign(campaign.id)
        await engine.commands.change_settings(
            campaign.id,
            replace(fresh.settings, window=closed, ring_timeout_s=5),
            expected_version=fresh.version,
        )
        await engine.commands.resume(campaign.id)
        b.switch.end(attempt_id, BUSY)
        await until(lambda: (p := engine.live.plan(campaign.id)) and p.hold is Reason.OUTSIDE_HOURS)
        await until(lambda: not len(engine._registry))
        await passes(0.2)
        assert not await b.is_completed(campaign)
        assert len(b.switch.orders) == 1
        other = await b.campaign(1, window=closed, prefix="+3363")
        await passes(0.1)
        assert not await b.is_completed(other)
        # Nothing is left: completed although the window is closed.
        third = await b.campaign(1, prefix="+3364", concurrency=1)
        await b.placed(2)
        await engine.commands.pause(third.id)
        fresh = await b.store.campaign(third.id)
        await engine.commands.change_settings(
            third.id,
            replace(fresh.settings, window=closed, ring_timeout_s=5),
            expected_version=fresh.version,
        )
        await engine.commands.resume(third.id)
        b.switch.end(b.switch.placed_ids[-1], BUSY)
        await b.completed(third)


async def test_a_campaign_that_cannot_be_judged_does_not_hold_the_others_up(
    tmp_path: Path,
) -> None:
    """Its zone is not known on this machine (any more)."""
    async with bench(tmp_path, Script(answers=False)) as b:
        await b.campaign(3, window=DailyWindow(zone="Mars/Olympus"))
        good = await b.campaign(3, prefix="+3362")
        await b.campaign(3, window=DailyWindow(zone="Mars/Olympus"), prefix="+3363")
        await b.start()
        await b.completed(good)


async def test_contacts_variables_and_settings_reach_the_order(tmp_path: Path) -> None:
    async with bench(tmp_path, Script()) as b:
        await b.start()
        campaign = await b.campaign(
            [NewContact("+33612345678", {"city": "Paris, 8ème", "X": ""})],
            caller_id="+33199001234",
            machine_message="bye",
            detect_machines=False,
        )
        await b.completed(campaign)
        (order,) = b.switch.orders
        assert order.channel == "PJSIP/+33612345678@carrier"
        assert order.caller_id == "+33199001234"
        assert order.variables == {
            "CC_CAMPAIGN": str(campaign.id),
            "CC_CONTACT": order.variables["CC_CONTACT"],
            "CC_DETECT": "0",
            "CC_PROMPT": "hello",
            "CC_MACHINE_MESSAGE": "bye",
            "CC_VAR_city": "Paris, 8ème",
            "CC_VAR_X": "",
        }


async def test_the_count_of_placed_calls_does_not_grow_for_ever(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        live = (await b.start()).live
        start = now()
        for n in range(1000):
            live.note_placed(1, start + timedelta(seconds=n))
        assert len(live._placed[1]) <= 61
        assert live.calls_per_minute(1, start + timedelta(seconds=999)) == 61


async def test_a_comparison_in_the_middle_of_a_claim_leaves_it_alone(tmp_path: Path) -> None:
    """It was claimed, and is not written down as sent yet: it must not be given back now."""
    async with bench(tmp_path, BY_HAND) as b:
        engine = await b.start()
        await until(lambda: engine.tracker.synced)
        plain = b.store.mark_dialing

        async def slow(attempt_ids: Sequence[str], *, now: datetime) -> list[str]:
            before = engine.tracker.sight.losses
            b.switch.lose_events()
            await until(lambda: engine.tracker.sight.losses != before and engine.tracker.synced)
            return await plain(attempt_ids, now=now)

        b.store.mark_dialing = slow  # type: ignore[method-assign]
        campaign = await b.campaign(3, attempts=2)
        placed = list(await b.placed(3))
        for attempt_id in placed:
            b.switch.answer(attempt_id)
            b.switch.end(attempt_id, PERSON)
        await b.completed(campaign)
        assert {a.id for a in await b.attempts(campaign)} == set(placed)
        assert {len(ids) for ids in b.switch.placed.values()} == {1}
