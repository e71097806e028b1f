"""What every store promises of deleting a campaign."""

from __future__ import annotations

import pytest
from records_kit import OTHER, PHONE, opted_out
from store_kit import NOW, draft, running, sql
from test_webhooks_contract import hook

from callcamp.core.model import NewContact
from callcamp.core.states import CampaignEvent
from callcamp.errors import Conflict, NotFound
from callcamp.store import SqlStore
from callcamp.store.tables import metadata


def left_of(url: str, campaign_id: int) -> dict[str, int]:
    """Return how many rows of a campaign there are, by table, those without any left out."""
    found = {}
    for table in metadata.sorted_tables:
        if "campaign_id" in table.c and table.name != "audit":
            n = sql(url, f"SELECT count(*) FROM {table.name} WHERE campaign_id = {campaign_id}")
            found[table.name] = n[0][0]
    found["campaign"] = sql(url, f"SELECT count(*) FROM campaign WHERE id = {campaign_id}")[0][0]
    return {name: n for name, n in found.items() if n}


async def test_a_draft_is_deleted_with_all_that_is_its_own(store: SqlStore, url: str) -> None:
    other, campaign_id = await draft(store), await draft(store)
    await store.add_contacts(other, [NewContact(PHONE)], now=NOW)
    people = [NewContact(PHONE, {"a": "b"}, others=(OTHER,)), NewContact("+33612345677")]
    await store.add_contacts(campaign_id, people, now=NOW)
    await store.create_import(campaign_id, "people.csv", {}, now=NOW)
    await store.suppress([opted_out(OTHER, campaign_id=campaign_id)], now=NOW)
    await store.suppress([opted_out(OTHER)], now=NOW)
    before = left_of(url, other)
    assert {"campaign", "contact", "contact_import", "suppression"} <= set(
        left_of(url, campaign_id)
    )
    await store.delete_campaign(campaign_id, now=NOW)
    assert left_of(url, campaign_id) == {}
    assert left_of(url, other) == before
    assert sql(url, "SELECT count(*) FROM contact_number") == [(0,)]
    assert [one.campaign_id for one in await store.suppressions()] == [None]
    for call in (store.campaign, store.counts):
        with pytest.raises(NotFound):
            await call(campaign_id)
    with pytest.raises(NotFound):
        await store.delete_campaign(campaign_id, now=NOW)
    # What was done is not forgotten, and nobody gets the number again.
    (deleted, *_earlier) = await store.audit(campaign_id=campaign_id)
    assert (deleted.action, deleted.before["contacts"]) == ("campaign.deleted", 2)
    assert await draft(store) > campaign_id


async def test_a_campaign_of_which_there_is_something_to_tell_stays(
    store: SqlStore, url: str
) -> None:
    started = await running(store, 2)
    await store.move_campaign(started, CampaignEvent.STOPPED, now=NOW)
    queued = await draft(store)
    await store.move_campaign(queued, CampaignEvent.QUEUED, now=NOW)
    hooked = await draft(store)
    await hook(store, campaign_id=hooked)
    for campaign_id, why in ((started, "canceled"), (queued, "queued"), (hooked, "webhook")):
        before = left_of(url, campaign_id)
        with pytest.raises(Conflict, match=why):
            await store.delete_campaign(campaign_id, now=NOW)
        assert left_of(url, campaign_id) == before
    # Canceled before it ever ran: nothing to tell.
    await store.move_campaign(queued, CampaignEvent.STOPPED, now=NOW)
    await store.delete_campaign(queued, now=NOW)
    assert left_of(url, queued) == {}
