"""The rule book from a person's point of view: what is asked for is what the switch sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engine_kit import BUSY, BY_HAND, PERSON, Script, number_of, passes, until
from rule_kit import (
    ANN,
    BOB,
    CID,
    DAY,
    DOT,
    HOUR,
    NO_LINE,
    NOON,
    Scene,
    busy_for,
    scene,
    write_preset,
)

from callcamp.core.campaign_settings import (
    CampaignMode,
    DailyWindow,
    NumberPool,
    RetryPolicy,
    Rotation,
)
from callcamp.core.legal import CallCap
from callcamp.core.model import Campaign, ContactChoice
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.policies import Scope
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus, CampaignStatus, ContactStatus
from callcamp.engine.commands import RawContact
from callcamp.engine.imports import Imports
from callcamp.errors import Conflict, IllegalTransition, PreconditionsMissing
from callcamp.ports import CallOrder

FIRST_DID, SECOND_DID = "+33142680001", "+33142680002"
ALMOST_SIX = NOON.replace(hour=17, minute=59, second=50)
SIX = NOON.replace(hour=18)
ALWAYS_ON = CampaignMode.ALWAYS_ON
ONE_LONG_RING: dict[str, Any] = {"concurrency": 1, "ring_timeout_s": 300}
"""One call at a time, which may go on for a while."""


async def status(s: Scene, campaign: Campaign) -> CampaignStatus:
    return (await s.b.store.campaign(campaign.id)).status


def callers(s: Scene) -> list[str | None]:
    return [order.caller_id for order in s.b.switch.orders]


def numbers(s: Scene) -> list[str]:
    """Return the numbers that were called, in order."""
    return [number_of(order) for order in s.b.switch.orders]


async def test_a_queued_campaign_starts_by_itself_at_its_date(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        campaign = await s.campaign(ANN, starts_at=NOON + 2 * HOUR)
        assert campaign.status is CampaignStatus.QUEUED
        await s.nobody_is_called()
        s.skip_to(NOON + 2 * HOUR - timedelta(seconds=30))
        await s.nobody_is_called()
        s.skip_to(NOON + 2 * HOUR)
        await s.called(ANN)
        await s.is_in(campaign, CampaignStatus.COMPLETED)


async def test_a_queued_campaign_can_be_started_by_hand_and_paused(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        early = await s.campaign(ANN, starts_at=NOON + DAY)
        await s.commands.start(early.id)
        await s.called(ANN)
        held = await s.campaign(BOB, starts_at=NOON + HOUR)
        await s.commands.pause(held.id)
        s.skip_to(NOON + 2 * HOUR)
        await s.nobody_is_called()
        await s.commands.resume(held.id)
        await s.called(BOB)


async def test_at_its_end_date_a_campaign_completes_and_its_call_finishes(tmp_path: Path) -> None:
    async with scene(tmp_path, BY_HAND) as s:
        ends_at = NOON + timedelta(seconds=30)
        campaign = await s.campaign(ANN, BOB, attempts=3, ends_at=ends_at, **ONE_LONG_RING)
        live = await s.called(ANN)
        s.skip_to(ends_at)
        await s.is_in(campaign, CampaignStatus.COMPLETED)
        assert await s.status(campaign, ANN) is ContactStatus.IN_PROGRESS
        assert await s.status(campaign, BOB) is ContactStatus.CANCELED
        await s.end(live, BUSY)
        assert await s.status(campaign, ANN) is ContactStatus.COMPLETED
        assert (await s.contact(campaign, ANN)).disposition is Disposition.BUSY
        s.skip_to(NOON + HOUR)
        await s.nobody_is_called()
        assert numbers(s) == [ANN]


@pytest.mark.parametrize("mode", [CampaignMode.SINGLE_DAY, CampaignMode.MULTI_DAY])
async def test_the_end_of_the_window(tmp_path: Path, mode: CampaignMode) -> None:
    """Single Day stops for good, Multi Day goes on the next working day."""
    async with scene(tmp_path, BY_HAND, at=ALMOST_SIX) as s:
        campaign = await s.campaign(
            ANN, BOB, attempts=2, mode=mode, window=DailyWindow(), **ONE_LONG_RING
        )
        live = await s.called(ANN)
        s.skip_to(SIX)
        await s.nobody_is_called()
        await s.end(live, BUSY)
        if mode is CampaignMode.SINGLE_DAY:
            assert await status(s, campaign) is CampaignStatus.COMPLETED
            assert await s.status(campaign, ANN) is ContactStatus.COMPLETED
            assert await s.status(campaign, BOB) is ContactStatus.CANCELED
        else:
            assert await status(s, campaign) is CampaignStatus.RUNNING
            assert (await s.contact(campaign, ANN)).due_at == SIX + 15 * HOUR
        s.skip_to(SIX + 15 * HOUR - timedelta(seconds=20))
        await s.nobody_is_called()
        s.b.switch.script = lambda _order: Script()
        s.skip_to(SIX + 15 * HOUR)
        if mode is CampaignMode.SINGLE_DAY:
            await s.nobody_is_called()
            assert numbers(s) == [ANN]
        else:
            await s.is_in(campaign, CampaignStatus.COMPLETED)
            assert Counter(numbers(s)) == {ANN: 2, BOB: 1}


async def test_a_multi_day_campaign_rests_over_the_weekend(tmp_path: Path) -> None:
    """Saturday is a working day unless somebody says otherwise, Sunday is not."""
    saturday_night = NOON.replace(day=6, hour=20)
    monday = NOON.replace(day=8, hour=9)
    async with scene(tmp_path, at=saturday_night) as s:
        await s.campaign(ANN, window=DailyWindow())
        for closed in (NOON.replace(day=7), monday - timedelta(seconds=30)):
            await s.nobody_is_called()
            s.skip_to(closed)
        await s.nobody_is_called()
        s.skip_to(monday)
        await s.called(ANN)


@pytest.mark.parametrize("step", ["pause", "stop", "complete"])
async def test_calls_in_progress_finish_whatever_is_done(tmp_path: Path, step: str) -> None:
    async with scene(tmp_path, BY_HAND) as s:
        campaign = await s.campaign(ANN, BOB, CID, concurrency=2, attempts=2)
        talks, rings = await s.called(ANN), await s.called(BOB)
        await getattr(s.commands, step)(campaign.id)
        await s.nobody_is_called()
        assert s.b.switch.hung_up == []
        await s.end(talks, PERSON, answer=True)
        await s.end(rings, BUSY)
        found = {phone: await s.status(campaign, phone) for phone in (ANN, BOB, CID)}
        paused = step == "pause"
        assert found == {
            ANN: ContactStatus.COMPLETED,
            BOB: ContactStatus.PENDING if paused else ContactStatus.COMPLETED,
            CID: ContactStatus.PENDING if paused else ContactStatus.CANCELED,
        }
        s.skip_to(NOON + HOUR)
        await s.nobody_is_called()
        assert await s.b.store.recount(campaign.id) == {}


async def test_a_stopped_campaign_is_over_for_good(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        campaign = await s.campaign(ANN, mode=ALWAYS_ON)
        await s.called(ANN)
        await s.idle()
        await s.commands.stop(campaign.id)
        for step in ("start", "resume", "pause", "stop", "complete", "retry_failed"):
            with pytest.raises(IllegalTransition):
                await getattr(s.commands, step)(campaign.id)
        with pytest.raises(Conflict, match="Clone"):
            await s.add(campaign, BOB)
        await s.nobody_is_called()


async def test_retry_failed_calls_the_failed_with_all_attempts_anew(tmp_path: Path) -> None:
    async with scene(tmp_path, BY_HAND) as s:
        campaign = await s.campaign(ANN, BOB, CID, attempts=2, delay_s=60)
        await s.end(await s.called(ANN), PERSON, answer=True)
        await s.end(await s.called(BOB), BUSY)
        await s.end(await s.called(CID), NO_LINE)
        s.skip_to(s.now + timedelta(seconds=61))
        await s.end(await s.called(BOB, 2), BUSY)
        await s.end(await s.called(CID, 2), NO_LINE)
        await s.is_in(campaign, CampaignStatus.COMPLETED)
        assert await s.status(campaign, CID) is ContactStatus.FAILED
        again, count = await s.commands.retry_failed(campaign.id)
        assert (again.status, count) == (CampaignStatus.RUNNING, 1)
        await s.end(await s.called(CID, 3), NO_LINE)
        assert await s.status(campaign, CID) is ContactStatus.PENDING, "a second attempt is left"
        s.skip_to(s.now + timedelta(seconds=61))
        await s.end(await s.called(CID, 4), PERSON, answer=True)
        await s.is_in(campaign, CampaignStatus.COMPLETED)
        assert Counter(numbers(s)) == {ANN: 1, BOB: 2, CID: 4}
        with pytest.raises(Conflict, match="no failed"):
            await s.commands.retry_failed(campaign.id)


async def test_a_clone_calls_whom_it_was_given(tmp_path: Path) -> None:
    async with scene(tmp_path, busy_for(BOB, CID)) as s:
        source = await s.campaign(ANN, BOB, RawContact(CID, {"name": "Zoë"}))
        await s.is_in(source, CampaignStatus.COMPLETED)
        choice = ContactChoice(dispositions=frozenset({Disposition.BUSY}))
        copy = await s.commands.clone(source.id, "Second try", choice)
        empty = await s.commands.clone(source.id)
        assert (copy.status, copy.settings.name) == (CampaignStatus.DRAFT, "Second try")
        assert empty.settings.name == "test (copy)"
        await s.nobody_is_called()
        with pytest.raises(PreconditionsMissing, match="no contacts"):
            await s.commands.start(empty.id)
        for phone in (BOB, CID):
            contact = await s.contact(copy, phone)
            assert (contact.attempts, contact.disposition) == (0, None)
        await s.commands.start(copy.id)
        await s.is_in(copy, CampaignStatus.COMPLETED)
        assert Counter(numbers(s)) == {ANN: 1, BOB: 2, CID: 2}
        last = s.b.switch.orders[-1]
        assert last.variables.get("CC_VAR_name") == ("Zoë" if number_of(last) == CID else None)
        assert (await s.contact(source, BOB)).attempts == 1, "the source stays as it was"


async def test_always_on_stays_until_somebody_ends_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        campaign = await s.campaign(mode=ALWAYS_ON)
        await s.nobody_is_called()
        await s.add(campaign, ANN)
        await s.called(ANN)
        await s.idle()
        await s.nobody_is_called()
        assert await status(s, campaign) is CampaignStatus.RUNNING
        s.skip_to(NOON + 10 * DAY)
        await s.add(campaign, BOB)
        await s.called(BOB)
        await s.idle()
        await s.commands.complete(campaign.id)
        await s.nobody_is_called()
        await s.add(campaign, CID)
        assert await status(s, campaign) is CampaignStatus.RUNNING, "new contacts re-open it"
        await s.called(CID)
        assert numbers(s) == [ANN, BOB, CID]


async def test_what_is_locked_after_the_first_run(tmp_path: Path) -> None:
    async with scene(tmp_path, BY_HAND) as s:
        campaign = await s.campaign(ANN, start=False)
        campaign = await s.change(campaign, name="A better name", prompt="welcome")
        await s.add(campaign, BOB)
        await s.commands.start(campaign.id)
        await s.called(ANN)
        running = "Only draft and paused campaigns can be edited. Current status: running."
        with pytest.raises(Conflict, match=running):
            await s.change(campaign, concurrency=7)
        await s.commands.pause(campaign.id)
        for changes in ({"name": "Another"}, {"prompt": "other"}, {"default_region": "US"}):
            with pytest.raises(Conflict, match="locked after the first run"):
                await s.change(campaign, **changes)
        with pytest.raises(Conflict, match="locked after the first run"):
            await s.add(campaign, CID)
        await s.commands.lists.save_number(FIRST_DID)
        changed = await s.change(
            campaign,
            pool=NumberPool((FIRST_DID,)),
            concurrency=7,
            retry=RetryPolicy(max_attempts=9),
            window=DailyWindow(),
        )
        assert changed.settings.pool.numbers == (FIRST_DID,)


async def test_keypad_opt_out_holds_everywhere_at_once(tmp_path: Path) -> None:
    async with scene(tmp_path, BY_HAND) as s:
        waiting = await s.campaign(ANN, attempts=3, delay_s=600, name="waits")
        await s.end(await s.called(ANN), BUSY)
        asking = await s.campaign(ANN, opt_out_key="9", attempts=3, name="asks")
        asked = await s.called(ANN, 2)
        pressed = Evidence(cause=16, answered=True, played="prompt", talk_s=3.0, dtmf="9")
        await s.end(asked, pressed, answer=True)
        for campaign in (waiting, asking):
            await s.is_in(campaign, CampaignStatus.COMPLETED)
        contact = await s.contact(waiting, ANN)
        assert (contact.status, contact.hold) == (ContactStatus.SKIPPED, Reason.DO_NOT_CALL)
        (entry,) = await s.b.store.suppressions(phone=ANN)
        assert (entry.campaign_id, entry.expires_at) == (None, None)
        late = await s.campaign(ANN, BOB, name="comes late")
        await s.called(BOB)
        assert await s.status(late, ANN) is ContactStatus.SKIPPED
        s.skip_to(NOON + DAY)
        await s.nobody_is_called()
        assert numbers(s) == [ANN, ANN, BOB]


@pytest.mark.parametrize("scope", Scope)
async def test_an_opt_out_by_outcome_stops_a_call_that_waits_in_the_lane(
    tmp_path: Path, scope: Scope
) -> None:
    """The call is taken and committed as about to be sent; it must not go out any more."""
    async with scene(tmp_path) as s:
        mode: dict[str, Any] = {"mode": ALWAYS_ON, "opt_out_scope": scope}
        first = await s.campaign(ANN, **mode, opt_out_outcomes=("never_again",), name="first")
        attempt_id = await s.called(ANN)
        await s.idle()
        second = await s.campaign(BOB, ANN, **mode, trunk="slow", cps=1.0)
        await s.called(BOB)

        async def is_ready() -> bool:
            live = await s.b.store.live_attempts(second.id)
            return any(a.number == ANN and a.status is AttemptStatus.DIALING for a in live)

        await until(is_ready, "the call to ANN is ready")
        assert s.calls(ANN) == 1, "it waits for its turn in the lane"
        await s.commands.set_outcome(attempt_id, outcome="never_again", source="agent")
        await s.idle()
        await passes(1.1)
        contact = await s.contact(second, ANN)
        if scope is Scope.GLOBAL:
            assert s.calls(ANN) == 1
            assert (contact.status, contact.hold) == (ContactStatus.SKIPPED, Reason.DO_NOT_CALL)
            assert contact.attempts == 0
        else:
            assert s.calls(ANN) == 2, "only the first campaign may not call"
        assert (await s.b.attempts(first))[0].refused


async def import_again(s: Scene, folder: Path, campaign: Campaign, phone: str) -> None:
    """Have a contact added by a file, as the page and the command line do."""
    file = folder / "again.csv"
    file.write_text(f"phone_number\n{phone}\n", encoding="utf-8")
    imports = Imports(s.b.store, s.b.settings, s.b.clock.now)
    previewed = await imports.preview(campaign.id, file, "again.csv")
    await imports.confirm(previewed.id)


async def api_again(s: Scene, _folder: Path, campaign: Campaign, phone: str) -> None:
    await s.add(campaign, phone)


@pytest.mark.parametrize("again", [api_again, import_again])
@pytest.mark.parametrize("sticky", [True, False])
async def test_sticky_exclusion(
    tmp_path: Path, again: Callable[..., object], *, sticky: bool
) -> None:
    """Sticky, it stays suppressed even if added again; else a deliberate re-add is dialled."""
    async with scene(tmp_path, data_dir=tmp_path / "data") as s:
        campaign = await s.campaign(mode=ALWAYS_ON, sticky_exclusion=sticky)
        await s.commands.pause(campaign.id)
        await s.add(campaign, ANN, BOB)
        await s.commands.exclude(await s.contact(campaign, ANN), "asked for it")
        await s.commands.resume(campaign.id)
        await s.called(BOB)
        await s.idle()
        await s.nobody_is_called()
        await again(s, tmp_path, campaign, ANN)  # type: ignore[misc]
        if sticky:
            await s.nobody_is_called()
            contact = await s.contact(campaign, ANN)
            assert (contact.status, contact.hold) == (ContactStatus.SKIPPED, Reason.EXCLUDED)
        else:
            await s.called(ANN)
        fresh = await s.campaign(ANN, CID, name="another campaign")
        await s.is_in(fresh, CampaignStatus.COMPLETED)
        assert s.calls(ANN) == (1 if sticky else 2), "an exclusion is its own campaign's"


async def test_several_numbers_are_tried_in_order(tmp_path: Path) -> None:
    async with scene(tmp_path, busy_for(ANN, BOB)) as s:
        campaign = await s.campaign(RawContact(ANN, {}, (BOB, CID)), DOT, attempts=3)
        await s.is_in(campaign, CampaignStatus.COMPLETED)
        assert [n for n in numbers(s) if n != DOT] == [ANN, BOB, CID]
        contact = await s.contact(campaign, ANN)
        assert (contact.attempts, contact.disposition) == (3, Disposition.ANSWERED_PERSON)


async def test_after_its_last_number_a_contact_waits_and_begins_anew(tmp_path: Path) -> None:
    async with scene(tmp_path, busy_for(ANN, BOB)) as s:
        campaign = await s.campaign(RawContact(ANN, {}, (BOB,)), attempts=4, delay_s=600)
        await s.called(BOB)
        await s.idle()
        await s.nobody_is_called()
        assert numbers(s) == [ANN, BOB]
        assert (await s.contact(campaign, ANN)).hold is Reason.RETRY_WAITS
        s.skip_to(s.now + HOUR)
        await s.called(BOB, 2)
        assert numbers(s) == [ANN, BOB, ANN, BOB]


async def test_callbacks_need_both_gates_and_come_first(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        at = NOON + 2 * HOUR
        without = await s.campaign(DOT, mode=ALWAYS_ON)
        refused = await s.called(DOT)
        await s.idle()
        with pytest.raises(Conflict, match="the campaign makes no callbacks"):
            await s.commands.set_outcome(refused, callback_at=at)
        campaign = await s.campaign(ANN, mode=ALWAYS_ON, callbacks=True, concurrency=1)
        attempt_id = await s.called(ANN)
        await s.idle()
        with pytest.raises(Conflict, match="the bot or agent makes no callbacks"):
            await s.commands.set_outcome(attempt_id, callback_at=at, source_allows_callbacks=False)
        await s.commands.set_outcome(attempt_id, callback_at=at)
        await s.commands.pause(campaign.id)
        await s.add(campaign, BOB, CID)
        s.skip_to(at - timedelta(seconds=30))
        await s.nobody_is_called()
        s.skip_to(at)
        before = len(s.b.switch.orders)
        await s.commands.resume(campaign.id)
        await s.called(CID)
        assert numbers(s)[before:] == [ANN, BOB, CID], "the callback goes before who waits longer"
        await s.idle()
        contact = await s.contact(campaign, ANN)
        assert (contact.attempts, contact.callback_at) == (2, None)
        assert s.calls(DOT) == 1
        assert await status(s, without) is CampaignStatus.RUNNING


async def test_a_callback_is_made_at_its_time_and_not_before(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        at = NOON + 2 * HOUR
        campaign = await s.campaign(ANN, mode=ALWAYS_ON, callbacks=True)
        await s.commands.set_outcome(await ended_call(s, ANN), callback_at=at)
        s.skip_to(at - timedelta(seconds=30))
        await s.nobody_is_called()
        assert (await s.contact(campaign, ANN)).hold is Reason.CALLBACK_WAITS
        s.skip_to(at)
        await s.called(ANN, 2)


async def ended_call(s: Scene, phone: str) -> str:
    """Wait for the first call to a number to end; return its id."""
    attempt_id = await s.called(phone)
    await s.idle()
    return attempt_id


def people(count: int, start: int = 0) -> list[str]:
    return [f"+336123500{n:02d}" for n in range(start, start + count)]


async def test_numbers_to_call_from_rotate_and_are_capped(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        for phone in (FIRST_DID, SECOND_DID):
            await s.commands.lists.save_number(phone, daily_cap=2)
        pool = NumberPool((FIRST_DID, SECOND_DID))
        campaign = await s.campaign(*people(5), pool=pool)
        await s.b.ordered(4)
        await s.idle()
        await s.nobody_is_called()
        assert callers(s) == [FIRST_DID, SECOND_DID, FIRST_DID, SECOND_DID]
        s.skip_to(NOON.replace(hour=23))  # midnight where the numbers are
        await s.is_in(campaign, CampaignStatus.COMPLETED)
        assert callers(s)[4:] == [FIRST_DID]
        attempts = await s.b.attempts(campaign)
        assert sorted(a.caller_number or "" for a in attempts) == sorted(callers(s))  # type: ignore[type-var]


async def test_a_contact_keeps_the_number_it_was_called_from(tmp_path: Path) -> None:
    async with scene(tmp_path, Script(answers=False)) as s:
        for phone in (FIRST_DID, SECOND_DID):
            await s.commands.lists.save_number(phone)
        pool = NumberPool((FIRST_DID, SECOND_DID), Rotation.SAME)
        campaign = await s.campaign(*people(6), pool=pool, attempts=3, delay_s=60)
        await s.run_out(campaign)
        shown = {
            p: {o.caller_id for o in s.b.switch.orders if number_of(o) == p} for p in people(6)
        }
        assert all(len(callers_of) == 1 for callers_of in shown.values()), shown
        assert Counter(callers(s)) == {FIRST_DID: 9, SECOND_DID: 9}


async def test_a_number_that_nobody_answers_rests(tmp_path: Path) -> None:
    def script(order: CallOrder) -> Script:
        return Script(answers=order.caller_id != FIRST_DID)

    async with scene(tmp_path, script) as s:
        for phone in (FIRST_DID, SECOND_DID):
            await s.commands.lists.save_number(phone)
        pool = NumberPool((FIRST_DID, SECOND_DID), rest_under=0.5, rest_after_calls=10, rest_s=3600)
        campaign = await s.campaign(*people(24), pool=pool, mode=ALWAYS_ON)
        await s.b.ordered(24)
        await s.idle()
        assert Counter(callers(s)) == {FIRST_DID: 12, SECOND_DID: 12}

        async def rests() -> bool:
            return any(one.resting for one in await s.commands.lists.numbers())

        s.skip_to(s.now + timedelta(seconds=31))
        await until(rests)
        await s.add(campaign, *people(4, 24))
        await s.b.ordered(28)
        assert callers(s)[24:] == [SECOND_DID] * 4
        await s.idle()
        s.skip_to(s.now + HOUR + timedelta(minutes=1))
        assert not await rests()
        await s.add(campaign, *people(4, 28))
        await s.b.ordered(32)
        assert FIRST_DID in callers(s)[28:]


async def test_two_campaigns_never_call_a_person_at_the_same_time(tmp_path: Path) -> None:
    """The switch of the bench itself watches that no number has two channels."""
    async with scene(tmp_path, Script(ring_s=0.02, talk_s=0.05)) as s:
        campaigns = [
            await s.campaign(*people(8), name=name, trunk=name) for name in ("one", "two", "three")
        ]
        await s.run_out(*campaigns)
        assert Counter(numbers(s)) == dict.fromkeys(people(8), 3)
        assert s.b.switch.violations == []


async def test_a_cap_on_calls_counts_all_campaigns(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        cap = (CallCap(2, 86400),)
        first = await s.campaign(ANN, name="uncapped")
        await s.is_in(first, CampaignStatus.COMPLETED)
        (call,) = await s.b.attempts(first)
        s.skip_to(NOON + HOUR)
        second = await s.campaign(ANN, name="second", frequency=cap)
        await s.is_in(second, CampaignStatus.COMPLETED)
        third = await s.campaign(ANN, BOB, name="third", frequency=cap)
        await s.called(BOB)
        await s.nobody_is_called()
        assert call.dialed_at is not None
        contact = await s.contact(third, ANN)
        assert (contact.hold, contact.due_at) == (Reason.FREQUENCY_CAP, call.dialed_at + DAY)
        s.skip_to(call.dialed_at + DAY)
        await s.is_in(third, CampaignStatus.COMPLETED)
        assert Counter(numbers(s)) == {ANN: 3, BOB: 1}


async def test_a_legal_preset_that_disappears_holds_its_campaign(tmp_path: Path) -> None:
    """Rather no call than one that nobody knows to be allowed; other campaigns go on."""
    folder = tmp_path / "legal"
    preset = write_preset(folder, "own", "min_ring_s = 15")
    async with scene(tmp_path, busy_for(ANN), legal_dir=str(folder)) as s:
        campaign = await s.campaign(ANN, legal=("own",), attempts=2)
        await s.called(ANN)
        await s.idle()
        await s.b.stop()
        preset.unlink()
        await s.start()
        s.skip_to(s.now + HOUR)
        await s.nobody_is_called()
        live = s.b.running.live.plan(campaign.id)
        assert live is not None
        assert live.hold is Reason.RULES_BROKEN
        assert await status(s, campaign) is CampaignStatus.RUNNING
        await s.campaign(BOB)
        await s.called(BOB)
        await s.b.stop()
        write_preset(folder, "own", "min_ring_s = 15")
        await s.start()
        await s.called(ANN, 2)
