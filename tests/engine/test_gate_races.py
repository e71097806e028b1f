"""What changes between the claim of a contact and its call, and claims that nobody answers for.

A person who may not be called any more is not called, and nobody is forgotten.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from engine_kit import BY_HAND, PERSON, TestedStore, bench, until
from rule_kit import ANN, BOB, CID, HOUR, NOON, Scene, scene

from callcamp.core.campaign_settings import CampaignMode, ContactHours
from callcamp.core.changes import AttemptChange, ContactChange
from callcamp.core.legal import CallCap
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.reasons import Reason
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import AttemptEvent, CampaignStatus, ContactEvent, ContactStatus
from callcamp.engine.commands import Commands, RawContact
from callcamp.errors import StoreError
from callcamp.ports import Claimed, OnDuplicate


class _Between:
    """Does something once, right after the first claim that takes a contact, or before it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._claim = TestedStore.claim
        self.before: Callable[[], Awaitable[object]] | None = None
        self.after: Callable[[], Awaitable[object]] | None = None
        between = self

        async def claim(store: TestedStore, *args: Any, **kwargs: Any) -> Claimed:
            if between.before is not None:
                act, between.before = between.before, None
                await act()
            claimed = await between._claim(store, *args, **kwargs)
            if claimed.claims and between.after is not None:
                act, between.after = between.after, None
                await act()
            return claimed

        monkeypatch.setattr(TestedStore, "claim", claim)


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> _Between:
    return _Between(monkeypatch)


def elsewhere(s: Scene) -> Commands:
    """Return the use-cases of another process, of which the engine hears nothing."""
    return Commands(s.b.store, clock=s.b.clock.now, settings=s.b.settings)


def failing_heads(s: Scene, monkeypatch: pytest.MonkeyPatch, times: int) -> Callable[[], None]:
    """Return what makes the next looks at what is due fail."""
    left = 0
    heads = s.b.store.heads

    async def fail(campaign_id: int) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise StoreError("out of order")
        return await heads(campaign_id)

    def begin() -> None:
        nonlocal left
        left = times

    monkeypatch.setattr(s.b.store, "heads", fail)
    return begin


async def test_claims_survive_a_database_that_fails_right_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path) as s:
        fail = failing_heads(s, monkeypatch, 1)
        s.b.store.after = lambda name: fail() if name == "claim" else None
        campaign = await s.campaign(ANN, BOB)
        await s.b.completed(campaign)
        assert s.calls(ANN) == s.calls(BOB) == 1


async def test_doubtful_claims_are_given_back_though_the_database_fails_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path) as s:
        failures = 1

        def fail_once(name: str) -> None:
            nonlocal failures
            if name == "claim" and failures:
                failures = 0
                raise StoreError("nobody knows whether it is written")

        s.b.store.after = fail_once
        read, left = s.b.store.contact, 2

        async def contact(contact_id: int) -> Any:
            nonlocal left
            if not failures and left:
                left -= 1
                raise StoreError("out of order")
            return await read(contact_id)

        monkeypatch.setattr(s.b.store, "contact", contact)
        campaign = await s.campaign(ANN, BOB, CID)
        await s.b.completed(campaign)
        assert s.calls(ANN) == s.calls(BOB) == s.calls(CID) == 1


async def test_settings_changed_elsewhere_hold_for_the_very_next_claim(
    tmp_path: Path, between: _Between
) -> None:
    async with scene(tmp_path) as s:
        campaign = await s.campaign(ANN, start=False)

        async def narrow() -> None:
            other = elsewhere(s)
            await other.pause(campaign.id)
            now = await s.b.store.campaign(campaign.id)
            hours = ContactHours(time(15), time(16))
            await other.change_settings(
                campaign.id,
                replace(now.settings, contact_hours=hours),
                expected_version=now.version,
            )
            await other.resume(campaign.id)

        between.before = narrow
        await s.commands.start(campaign.id)
        await until(lambda: between.before is None)
        await s.nobody_is_called()
        s.skip_to(NOON.replace(hour=14, minute=30))
        await s.called(ANN)


async def test_a_call_made_ready_under_older_settings_is_judged_again(
    tmp_path: Path, between: _Between
) -> None:
    async with scene(tmp_path) as s:
        campaign = await s.campaign(ANN, start=False)

        async def ask_for_consent() -> None:
            await s.commands.pause(campaign.id)
            await s.change(campaign, consent_scope="marketing")
            await s.commands.resume(campaign.id)

        between.after = ask_for_consent

        async def is_judged_again() -> bool:
            return (await s.contact(campaign, ANN)).hold is Reason.NO_CONSENT

        await s.commands.start(campaign.id)
        await until(is_judged_again)
        await s.nobody_is_called()
        contact = await s.contact(campaign, ANN)
        assert (contact.status, contact.hold) == (ContactStatus.PENDING, Reason.NO_CONSENT)


async def test_a_consent_revoked_after_the_claim_stops_the_call(
    tmp_path: Path, between: _Between
) -> None:
    async with scene(tmp_path) as s:
        await s.commands.lists.record_consent(ANN, scope="marketing", source="form")
        campaign = await s.campaign(ANN, start=False, consent_scope="marketing")
        between.after = lambda: s.commands.lists.revoke_consent(ANN, scope="marketing")
        await s.commands.start(campaign.id)
        await until(lambda: between.after is None)

        async def is_held() -> bool:
            return (await s.contact(campaign, ANN)).hold is Reason.NO_CONSENT

        await until(is_held)
        await s.nobody_is_called()


async def test_a_register_imported_after_the_claim_stops_the_call(
    tmp_path: Path, between: _Between
) -> None:
    async with scene(tmp_path) as s:
        file = tmp_path / "register.txt"

        async def register(*numbers: str) -> None:
            file.write_text("\n".join(numbers))
            await s.commands.lists.import_dnc_list("register", file, as_of=NOON - HOUR)

        await register(CID)
        campaign = await s.campaign(ANN, BOB, start=False, dnc_lists=("register",))
        between.after = lambda: register(ANN, CID)
        await s.commands.start(campaign.id)
        await s.called(BOB)
        await s.b.completed(campaign)
        assert s.calls(ANN) == 0
        assert (await s.contact(campaign, ANN)).hold is Reason.DO_NOT_CALL


async def test_nobody_is_claimed_while_a_register_is_missing(
    tmp_path: Path, between: _Between
) -> None:
    async with scene(tmp_path) as s:
        file = tmp_path / "register.txt"
        file.write_text(CID)
        await s.commands.lists.import_dnc_list("register", file, as_of=NOON - HOUR)
        # Added before it was on the list, so that only the gate keeps it.
        campaign = await s.campaign(BOB, start=False, dnc_lists=("register",))
        between.before = lambda: elsewhere(s).lists.delete_dnc_list("register")
        await s.commands.start(campaign.id)
        await until(lambda: between.before is None)
        await s.nobody_is_called()
        assert await s.status(campaign, BOB) is ContactStatus.PENDING


async def test_nobody_is_called_on_two_numbers_at_once(tmp_path: Path) -> None:
    """BOB's number is also a further number of ANN, who is in a call on her own."""
    async with scene(tmp_path, BY_HAND) as s:
        first = await s.campaign(RawContact(ANN, {}, (BOB,)))
        call = await s.called(ANN)
        second = await s.campaign(BOB)
        await s.nobody_is_called()
        assert (await s.contact(second, BOB)).hold is Reason.IN_OTHER_CALL
        await s.end(call, PERSON, answer=True)
        await s.is_in(first, CampaignStatus.COMPLETED)
        s.skip_to(s.now + timedelta(seconds=61))
        await s.called(BOB)


async def test_a_number_with_consent_is_called_when_another_one_has_none(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.commands.lists.record_consent(BOB, scope="marketing", source="form")
        campaign = await s.campaign(RawContact(ANN, {}, (BOB,)), consent_scope="marketing")
        await s.b.completed(campaign)
        assert (s.calls(ANN), s.calls(BOB)) == (0, 1)


async def test_contacts_that_come_without_end_hold_no_call_up(tmp_path: Path) -> None:
    """Each of them would have campaigns read anew, and calls wait for that."""
    async with bench(tmp_path, look_s=60.0) as b:
        engine = await b.start()
        await until(lambda: engine.tracker.synced)
        campaign = await b.campaign(1, mode=CampaignMode.ALWAYS_ON)
        await b.ordered(1)
        await until(engine._lanes._fresh.is_set)

        def fail(name: str) -> None:
            if name == "campaigns":
                raise StoreError("campaigns cannot be read")

        b.store.before = fail
        await engine.commands.add_contacts(campaign.id, [RawContact(BOB, {})])
        await b.ordered(2)
        b.store.before = lambda _name: None


async def test_a_place_told_after_the_claim_holds_for_the_call(
    tmp_path: Path, between: _Between
) -> None:
    """A call made ready for Paris at noon is not placed once the person is in Auckland."""
    async with scene(tmp_path) as s:
        hours = ContactHours(time(9), time(18))
        campaign = await s.campaign(ANN, start=False, contact_hours=hours)
        contact = await s.contact(campaign, ANN)
        between.after = lambda: s.commands.review(contact, "Pacific/Auckland")
        await s.commands.start(campaign.id)
        await until(lambda: between.after is None)
        await s.nobody_is_called()


async def test_the_answer_adds_up_though_contacts_move_while_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path, started=False) as s:
        campaign = await s.campaign(ANN, BOB)
        contact = await s.contact(campaign, ANN)
        read = s.b.store.waiting
        moved = False

        async def waiting(campaign_id: int, *, at: datetime) -> Any:
            nonlocal moved
            found = await read(campaign_id, at=at)
            if not moved:
                moved = True
                await s.b.store.skip_contact(contact.id, Reason.EXCLUDED, now=s.now)
            return found

        monkeypatch.setattr(s.b.store, "waiting", waiting)
        told = (await s.commands.why.campaign(campaign.id)).explanation
        assert told.planned + sum(held.count for held in told.reasons.values()) == 2


async def test_a_contact_without_consent_is_looked_at_again_when_it_gets_another_number(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.commands.lists.record_consent(BOB, scope="marketing", source="form")
        mode = CampaignMode.ALWAYS_ON
        campaign = await s.campaign(ANN, consent_scope="marketing", mode=mode)

        async def waits() -> bool:
            return (await s.contact(campaign, ANN)).hold is Reason.NO_CONSENT

        await until(waits)
        await s.commands.add_contacts(
            campaign.id, [RawContact(ANN, {}, (BOB,))], OnDuplicate.UPDATE
        )
        await s.called(BOB)
        assert s.calls(ANN) == 0


async def test_a_cap_counts_from_the_call_though_it_was_claimed_earlier(tmp_path: Path) -> None:
    """A call claimed some seconds before it was dialled is in the window for those too."""
    cap = CallCap(calls=1, window_s=30 * 86_400)
    async with scene(tmp_path, started=False) as s:
        campaign = await s.campaign(ANN, attempts=3, delay_s=0, frequency=(cap,))
        rules = RuleSet(campaign.settings)
        at, dialed_at = s.now, s.now + timedelta(seconds=9)
        contact = await s.contact(campaign, ANN)

        async def claim(call: str, when: datetime) -> Claimed:
            return await s.b.store.claim(
                campaign.id,
                [call],
                places=None,
                judge=rules.judge,
                look_back_s=rules.look_back_s,
                now=when,
                lease_until=when + HOUR,
            )

        assert (await claim("first", at)).claims
        await s.b.store.mark_dialing(["first"], now=dialed_at)
        again = ContactChange(ContactEvent.RETRY_SCHEDULED, dialed_at)
        await s.b.store.apply(
            [
                AttemptChange(
                    "first",
                    (AttemptEvent.ENDED,),
                    dialed_at,
                    disposition=Disposition.BUSY,
                    evidence=Evidence(),
                    contact=again,
                )
            ]
        )
        month = timedelta(days=30)
        early = await claim("second", dialed_at + month - timedelta(seconds=5))
        assert early.passed_over == {Reason.FREQUENCY_CAP: 1}
        assert (await s.contact(campaign, ANN)).due_at == dialed_at + month
        assert (await claim("third", dialed_at + month)).claims[0].attempt.contact_id == contact.id
