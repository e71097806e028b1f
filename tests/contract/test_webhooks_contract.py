"""What webhooks are told is written with what happens; what comes of tries is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_kit import NOW, claimed, dialed, draft, ended, ids, numbers, released, running, sql

from callcamp.core.changes import ContactChange, NewSuppression, Revision
from callcamp.core.gate import Batch, Decision, PassedOver
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignEvent, ContactEvent
from callcamp.core.webhooks import EventType, Health
from callcamp.errors import Conflict, IllegalTransition, NotFound
from callcamp.ports import Delivery, DeliveryStatus, Store, Tried, Try, Webhook, WebhookQueue
from callcamp.store import SqlStore, telling

URL = "https://example.com/hook/very-secret-path"
SECRET = "whsec_nobody-reads-this"
ALL = frozenset(EventType)
FAILED = Try(NOW, 12, 503, "sorry", "answered 503")
TAKEN = Try(NOW, 5, 204)


async def hook(
    store: Store, events: Collection[EventType] = ALL, campaign_id: int | None = None
) -> Webhook:
    return await store.add_webhook(URL, SECRET, events, campaign_id=campaign_id, now=NOW)


async def waiting(store: Store, webhook_id: int = 1) -> list[Delivery]:
    """Return what is to be sent, in order."""
    outgoing = await store.outgoing(webhook_id, now=NOW, limit=1000)
    return [] if outgoing is None else list(outgoing.deliveries)


async def told(store: Store, webhook_id: int = 1) -> list[tuple[str, Any]]:
    """Return type and data of what is to be sent, in order."""
    found = []
    for one in await waiting(store, webhook_id):
        body = json.loads(one.body)
        assert (body["id"], body["type"]) == (one.event_id, one.type.value)
        assert body["at"].endswith("Z")
        found.append((body["type"], body["data"]))
    return found


async def types(store: Store, webhook_id: int = 1) -> list[str]:
    return [kind for kind, _ in await told(store, webhook_id)]


async def test_nothing_is_written_while_nobody_listens(store: SqlStore, url: str) -> None:
    campaign_id = await running(store)
    await dialed(store, campaign_id)
    await store.apply([ended("a-00000")])
    assert sql(url, "SELECT count(*) FROM webhook_delivery") == [(0,)]
    off = await hook(store)
    await store.change_webhook(off.id, active=False, now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.PAUSED, now=NOW)
    assert sql(url, "SELECT count(*) FROM webhook_delivery") == [(0,)]
    assert await store.webhooks_ready(now=NOW) == []


async def test_a_campaign_tells_of_its_steps(store: SqlStore) -> None:
    campaign_id = await draft(store, name="Spring")
    await store.add_contacts(campaign_id, numbers(1), now=NOW)
    await hook(store)
    for event in (
        CampaignEvent.STARTED,
        CampaignEvent.PAUSED,
        CampaignEvent.QUEUED,
        CampaignEvent.STARTED,
        CampaignEvent.PAUSED,
        CampaignEvent.RESUMED,
        CampaignEvent.EXPIRED,
        CampaignEvent.REOPENED,
        CampaignEvent.STOPPED,
    ):
        await store.move_campaign(campaign_id, event, now=NOW)
    found = await told(store)
    assert [kind for kind, _ in found] == [
        "campaign.started",
        "campaign.paused",
        "campaign.started",
        "campaign.paused",
        "campaign.resumed",
        "campaign.completed",
        "campaign.reopened",
        "campaign.canceled",
    ]
    assert found[0][1] == {
        "campaign": {"id": campaign_id, "name": "Spring", "status": "running"},
        "before": "draft",
    }


async def test_what_is_refused_is_not_told(store: SqlStore) -> None:
    campaign_id = await running(store)
    await dialed(store, campaign_id)
    await hook(store)
    with pytest.raises(IllegalTransition):
        await store.move_campaign(campaign_id, CampaignEvent.REOPENED, now=NOW)
    twice = await store.apply([ended("a-00000"), ended("a-00000"), ended("none")])
    assert [a.problem is None for a in twice] == [True, False, False]
    assert await types(store) == ["attempt.ended", "contact.completed"]


async def test_a_call_tells_of_its_end_and_of_what_becomes_of_the_contact(store: SqlStore) -> None:
    campaign_id = await running(store, 5)
    claims = await dialed(store, campaign_id, 5)
    await hook(store)
    later = NOW + timedelta(hours=1)
    callback = ContactChange(ContactEvent.RETRY_SCHEDULED, later, callback=True)
    await store.apply(
        [
            replace(ended("a-00000"), success=True, outcome="sold", variables={"size": "L"}),
            ended("a-00001", Disposition.FAILED, ContactEvent.GAVE_UP),
            ended("a-00002", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, later),
            replace(ended("a-00003"), contact=callback),
            released("a-00004"),
        ]
    )
    found = await told(store)
    assert [kind for kind, _ in found] == [
        "attempt.ended",
        "contact.completed",
        "attempt.ended",
        "contact.failed",
        "attempt.ended",
        "attempt.ended",
        "callback.scheduled",
    ]
    call, contact = found[0][1]["attempt"], found[0][1]["contact"]
    assert found[0][1]["campaign"]["id"] == campaign_id
    assert (call["id"], call["number"]) == ("a-00000", claims[0].attempt.number)
    assert (call["disposition"], call["outcome"], call["success"]) == (
        "answered_person",
        "sold",
        True,
    )
    assert call["dialed_at"] == call["ended_at"] == "2026-11-03T09:30:00.123456Z"
    assert call["variables"] == {"size": "L"}
    assert (contact["status"], contact["variables"]) == ("completed", {"first": "N0"})
    assert found[6][1]["contact"]["callback_at"] == "2026-11-03T10:30:00.123456Z"


async def test_who_opts_out_is_told_with_others_who_are_skipped_for_it(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    other_id = await running(store, 1)
    await dialed(store, campaign_id, 1)
    await hook(store)
    phone = numbers(1)[0].phone
    gone = NewSuppression(phone, "opted out by keypad", "keypad")
    await store.apply([replace(ended("a-00000"), refused=True, suppress=(gone,))])
    found = await told(store)
    assert Counter(kind for kind, _ in found) == Counter(
        ["attempt.ended", "contact.completed", "contact.opted_out", "contact.skipped"]
    )
    by_type = dict(found)
    assert by_type["contact.opted_out"]["contact"]["phone"] == phone
    assert by_type["contact.opted_out"]["suppressed"] == [
        {"phone": phone, "reason": "opted out by keypad", "everywhere": True, "until": None}
    ]
    assert by_type["contact.skipped"]["campaign"]["id"] == other_id
    assert by_type["contact.skipped"]["contact"]["reason"] == "do_not_call"


async def test_what_is_learnt_later_is_told_too(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id, 1)
    await store.apply([ended("a-00000", Disposition.VOICEMAIL, ContactEvent.RETRY_SCHEDULED, NOW)])
    await hook(store)
    later = NOW + timedelta(hours=2)
    again = ContactChange(ContactEvent.RETRY_SCHEDULED, later, callback=True)
    await store.revise(Revision("a-00000", outcome="call_me", contact=again), now=NOW)
    await store.revise(Revision("a-00000", variables={"x": "y"}), now=NOW)
    finished = ContactChange(ContactEvent.FINISHED)
    gone = NewSuppression(numbers(1)[0].phone, "asked", "api", campaign_id)
    await store.revise(Revision("a-00000", contact=finished, suppress=(gone,)), now=NOW)
    found = await told(store)
    assert [kind for kind, _ in found] == [
        "attempt.revised",
        "callback.scheduled",
        "attempt.revised",
        "attempt.revised",
        "contact.completed",
        "contact.opted_out",
    ]
    assert found[0][1]["attempt"]["outcome"] == "call_me"


async def test_contacts_that_are_left_out_are_told(store: SqlStore) -> None:
    campaign_id = await running(store, 4)
    first, second, third, _ = await store.contacts(campaign_id)
    await hook(store, [EventType.CONTACT_SKIPPED])
    await store.skip_contact(first.id, reason=Reason.EXCLUDED, now=NOW)
    await store.suppress([NewSuppression(second.phone, "asked", "cli")], now=NOW)

    def judge(batch: Batch) -> list[Decision]:
        return [
            PassedOver(c.contact_id, Reason.ZONE_UNKNOWN, None, skip=c.contact_id == third.id)
            for c in batch.candidates
        ]

    await claimed(store, campaign_id, ids(4), judge=judge)
    found = await told(store)
    assert [(d["contact"]["id"], d["contact"]["reason"]) for _, d in found] == [
        (first.id, "excluded"),
        (second.id, "do_not_call"),
        (third.id, "zone_unknown"),
    ]


async def test_many_at_once_are_told_one_by_one(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "_AT_ONCE", 3)
    await running(store, 10)
    await hook(store, [EventType.CONTACT_SKIPPED])
    gone = [NewSuppression(contact.phone, "asked", "cli") for contact in numbers(8)]
    await store.suppress(gone, now=NOW)
    assert [d["contact"]["phone"] for _, d in await told(store)] == [s.phone for s in gone]


async def test_each_webhook_hears_what_it_listens_to(store: SqlStore) -> None:
    one, other = await draft(store), await draft(store)
    everything = await hook(store)
    of_one = await hook(store, campaign_id=one)
    starts = await hook(store, [EventType.CAMPAIGN_STARTED])
    for campaign_id in (one, other):
        await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
        await store.move_campaign(campaign_id, CampaignEvent.PAUSED, now=NOW)
    assert len(await waiting(store, everything.id)) == 4
    assert [d["campaign"]["id"] for _, d in await told(store, of_one.id)] == [one, one]
    assert await types(store, starts.id) == ["campaign.started"] * 2
    assert await store.webhooks_ready(now=NOW) == [everything.id, of_one.id, starts.id]
    same = {(await waiting(store, w.id))[0].event_id for w in (everything, of_one, starts)}
    assert len(same) == 1


async def test_webhooks_are_kept_changed_and_removed_with_an_audit(store: SqlStore) -> None:
    campaign_id = await draft(store)
    made = await hook(store, [EventType.CAMPAIGN_STARTED], campaign_id)
    assert (made.url, made.active, made.campaign_id) == (URL, True, campaign_id)
    assert await store.webhooks() == [made]
    assert await store.webhook(made.id) == made
    assert await store.webhook_secret(made.id) == SECRET
    changed = await store.change_webhook(
        made.id, url="http://other.example/", active=False, now=NOW
    )
    assert (changed.url, changed.events, changed.active) == (
        "http://other.example/",
        made.events,
        False,
    )
    changed = await store.change_webhook(made.id, events=ALL, now=NOW)
    assert (changed.events, changed.active) == (ALL, False)
    await store.note_webhook_tested(made.id, FAILED)
    await store.remove_webhook(made.id, now=NOW)
    assert await store.webhooks() == []
    entries = await store.audit(kind="webhook")
    assert [e.action for e in entries] == [
        "webhook.removed",
        "webhook.tested",
        "webhook.changed",
        "webhook.changed",
        "webhook.added",
    ]
    assert all(e.campaign_id == campaign_id for e in entries)
    everything = repr(entries)
    assert SECRET not in everything
    assert "very-secret-path" not in everything


async def test_what_is_not_there_is_told(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        await hook(store, campaign_id=7)
    for refused in (
        store.webhook(7),
        store.webhook_secret(7),
        store.change_webhook(7, active=True, now=NOW),
        store.renew_webhook_secret(7, "whsec_new", now=NOW),
        store.remove_webhook(7, now=NOW),
        store.note_webhook_tested(7, TAKEN),
        store.deliveries(7),
        store.redeliver(7, now=NOW),
    ):
        with pytest.raises(NotFound):
            await refused
    assert await store.outgoing(7, now=NOW, limit=1) is None
    await store.note_tries(7, [Tried(1, TAKEN, None)], Health(), now=NOW)


async def three_events(store: SqlStore) -> list[Delivery]:
    """Have three events wait for webhook 1."""
    campaign_id = await draft(store)
    await hook(store)
    for event in (CampaignEvent.STARTED, CampaignEvent.PAUSED, CampaignEvent.RESUMED):
        await store.move_campaign(campaign_id, event, now=NOW)
    return await waiting(store)


async def test_what_came_of_tries_is_kept(store: SqlStore) -> None:
    first, second, third = await three_events(store)
    quiet = Health(1, NOW, NOW + timedelta(seconds=5))
    soon = NOW + timedelta(seconds=3)
    odd = replace(FAILED, answer="nul\0 and half \ud83d")
    await store.note_tries(
        1, [Tried(first.id, TAKEN, None), Tried(second.id, odd, soon)], quiet, now=NOW
    )
    assert await waiting(store) == []
    assert await store.webhooks_ready(now=soon) == []
    later = NOW + timedelta(seconds=5)
    assert await store.webhooks_ready(now=later) == [1]
    outgoing = await store.outgoing(1, now=later, limit=1)
    assert outgoing is not None
    assert (outgoing.health, outgoing.secret) == (quiet, SECRET)
    assert [d.id for d in outgoing.deliveries] == [second.id]
    assert SECRET not in repr(outgoing)
    newest, middle, oldest = await store.deliveries(1)
    assert (newest.id, newest.log, newest.status) == (third.id, (), DeliveryStatus.PENDING)
    assert (middle.tries, middle.due_at, middle.first_try_at) == (1, soon, NOW)
    assert middle.log == (replace(FAILED, answer="nul? and half ?"),)
    assert (oldest.status, oldest.settled_at, oldest.log) == (
        DeliveryStatus.DELIVERED,
        NOW,
        (TAKEN,),
    )
    assert [d.id for d in await store.deliveries(1, status=DeliveryStatus.DELIVERED)] == [first.id]
    assert [d.id for d in await store.deliveries(1, before_id=third.id, limit=1)] == [second.id]


async def test_what_waits_is_known_by_webhook(store: SqlStore) -> None:
    assert await store.webhook_queues() == []
    first, second, third = await three_events(store)
    idle = await hook(store, [EventType.CONTACT_SKIPPED])
    off = await hook(store)
    await store.change_webhook(off.id, active=False, now=NOW)
    assert await store.webhook_queues() == [
        WebhookQueue(1, 3, first.at, None),
        WebhookQueue(idle.id, 0, None, None),
    ]
    later = NOW + timedelta(hours=1)
    await store.move_campaign(1, CampaignEvent.PAUSED, now=later)
    taken = [Tried(one.id, TAKEN, None) for one in (first, second, third)]
    await store.note_tries(1, taken, Health(), now=later)
    queue = (await store.webhook_queues())[0]
    assert queue == WebhookQueue(1, 1, later, None)
    assert queue.age_s(later + timedelta(minutes=2)) == 120
    assert queue.age_s(NOW) == 0
    (last,) = await store.deliveries(1, status=DeliveryStatus.PENDING)
    retry = later + timedelta(hours=2)
    await store.note_tries(1, [Tried(last.id, FAILED, retry)], Health(1, later), now=later)
    # What is tried again later waits all the same.
    assert (await store.webhook_queues())[0] == WebhookQueue(1, 1, later, later)
    await store.change_webhook(1, active=False, now=later)
    assert [queue.webhook_id for queue in await store.webhook_queues()] == [idle.id]


async def test_a_renewed_secret_takes_the_place_of_the_one_before(store: SqlStore) -> None:
    await three_events(store)
    before = await store.webhook(1)
    assert await store.renew_webhook_secret(1, "whsec_another", now=NOW) == before
    assert await store.webhook_secret(1) == "whsec_another"
    outgoing = await store.outgoing(1, now=NOW, limit=9)
    assert outgoing is not None
    assert (outgoing.secret, len(outgoing.deliveries)) == ("whsec_another", 3)
    entries = await store.audit(kind="webhook")
    assert entries[0].action == "webhook.secret_renewed"
    assert "whsec_" not in repr(entries)


async def test_after_an_outage_what_failed_comes_first(store: SqlStore) -> None:
    first, second, third = await three_events(store)
    far = NOW + timedelta(hours=6)
    for failures in (1, 2, 3):
        tried = [Tried(first.id, FAILED, far)]
        await store.note_tries(1, tried, Health(failures, NOW, None), now=NOW)
    assert [d.id for d in await waiting(store)] == [second.id, third.id]
    await store.note_tries(1, [Tried(second.id, TAKEN, None)], Health(), now=NOW)
    assert [d.id for d in await waiting(store)] == [first.id, third.id]


async def test_one_that_fails_for_days_is_switched_off_and_can_be_switched_on(
    store: SqlStore,
) -> None:
    first, second, _ = await three_events(store)
    late = NOW + timedelta(days=3)
    await store.note_tries(1, [Tried(first.id, FAILED, None)], Health(40, NOW, late), now=late)
    webhook = await store.webhook(1)
    assert (webhook.active, webhook.switched_off_at, webhook.failing_since) == (False, late, NOW)
    assert {d.status for d in await store.deliveries(1)} == {DeliveryStatus.GIVEN_UP}
    entry = (await store.audit(kind="webhook"))[0]
    assert (entry.action, entry.actor) == ("webhook.switched_off", "engine")
    assert entry.after["deliveries_given_up"] == 2
    with pytest.raises(Conflict, match="switched off"):
        await store.redeliver(second.id, now=late)
    webhook = await store.change_webhook(1, active=True, now=late)
    assert (webhook.active, webhook.switched_off_at, webhook.failing_since) == (True, None, None)
    again = await store.redeliver(first.id, now=late)
    assert (again.status, again.tries, again.first_try_at) == (DeliveryStatus.PENDING, 0, None)
    assert again.log == (FAILED,)
    assert [d.id for d in await waiting(store)] == [first.id]
    assert [d.event_id for d in await waiting(store)] == [first.event_id]


async def test_what_was_given_up_meanwhile_stays_so(store: SqlStore) -> None:
    first, _, _ = await three_events(store)
    await store.change_webhook(1, active=False, now=NOW)
    retry = NOW + timedelta(seconds=5)
    await store.note_tries(1, [Tried(first.id, FAILED, retry)], Health(1, NOW, retry), now=NOW)
    assert {d.status for d in await store.deliveries(1)} == {DeliveryStatus.GIVEN_UP}
    assert (await store.webhook(1)).failing_since is None
    await store.remove_webhook(1, now=NOW)
    await store.note_tries(1, [Tried(first.id, TAKEN, None)], Health(), now=NOW)
    assert await store.webhooks() == []


async def test_old_deliveries_are_deleted_some_at_a_time(store: SqlStore, url: str) -> None:
    first, second, third = await three_events(store)
    await store.note_tries(
        1,
        [Tried(first.id, TAKEN, None), Tried(second.id, FAILED, None)],
        Health(),
        now=NOW,
    )
    later = NOW + timedelta(seconds=1)

    async def purge(delivered: Any, given_up: Any, limit: int) -> int:
        return await store.purge_deliveries(
            delivered_before=delivered, given_up_before=given_up, limit=limit
        )

    assert await purge(NOW, NOW, 10) == 0
    assert await purge(later, later, 1) == 1
    assert [d.id for d in await store.deliveries(1)] == [third.id, second.id]
    assert await purge(later, NOW, 10) == 0
    assert await purge(later, later, 10) == 1
    assert [d.id for d in await store.deliveries(1)] == [third.id]
    assert sql(url, "SELECT count(*) FROM webhook_try") == [(0,)]
