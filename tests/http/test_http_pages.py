"""The pages as a browser without scripts sees them."""

from __future__ import annotations

import html

import pytest

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.plan import Plan
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus
from callcamp.engine.clock import utc_now
from callcamp.engine.live import LiveCallView
from callcamp.errors import StoreError

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; alert(1); '",
    "{{ 7*7 }}",
    "javascript:alert(1)",
    "</tbody></table><h1>x",
    "&lt;b&gt; <b>",
]

FORM = {
    "name": "Spring",
    "trunk_id": "1",
    "concurrency": "5",
    "ring_timeout_s": "25",
    "default_region": "fr",
    "start": "08:30",
    "end": "19:00",
    "zone": "Europe/Paris",
    "weekday": ["0", "4"],
    "mode": "multi_day",
    "max_attempts": "2",
    "retry_delay": "1.5",
    "retry_on": ["busy"],
    "prompt": "hello",
    "machine_message": "",
    "caller_id": "",
    "description": "",
}


async def text(client, path, status=200):
    response = await client.get(path)
    body = await response.text()
    assert response.status == status, body
    return body


async def test_the_list_has_title_cards_and_rows(client, engine):
    campaign = await engine.campaign("Spring", 3)
    await engine.campaign("Autumn")
    await engine.commands.start(campaign.id)
    page = await text(client, "/")
    assert "<h1>Call Campaigns</h1>" in page
    for label in ("Total Campaigns", "Running now", "Calls completed", "Success rate"):
        assert label in page
    assert page.index("Autumn") < page.index("Spring")
    assert 'class="badge running"' in page
    assert f'formaction="/campaigns/{campaign.id}/pause"' in page


async def test_an_empty_list_says_what_to_do(client):
    page = await text(client, "/")
    assert "No campaigns yet" in page
    assert 'href="/campaigns/new"' in page


async def test_the_campaign_page_shows_counts_rates_hold_and_calls(client, engine):
    campaign = await engine.campaign("Spring", 3, concurrency=2)
    await engine.commands.start(campaign.id)
    engine.live.note_plan(campaign.id, Plan(0, Reason.CONCURRENCY))
    engine.live.put(
        LiveCallView("a", campaign.id, 1, "+12025550000", AttemptStatus.RINGING, utc_now())
    )
    page = await text(client, f"/campaigns/{campaign.id}")
    for label in ("Pending", "In progress", "Completed", "Failed", "Skipped", "Canceled"):
        assert f"<dt>{label}" in page
    for label in ("Completion rate", "Success rate", "Answer rate", "Reachability"):
        assert label in page
    assert "All of its call slots (2) are in use." in page
    assert "Ringing" in page
    assert "data-since" in page


async def test_a_closed_window_says_when_it_opens(client, engine):
    campaign = await engine.campaign("Spring", 1)
    await engine.commands.start(campaign.id)
    opens = utc_now()
    engine.live.note_plan(campaign.id, Plan(0, Reason.OUTSIDE_HOURS, opens))
    page = await text(client, f"/campaigns/{campaign.id}")
    assert "Outside its calling hours" in page
    assert opens.isoformat(timespec="seconds") in page


async def test_a_lost_link_is_a_banner_with_its_reason(client, engine):
    engine.link_up, engine.link_problem = False, "Connection refused <b>"
    for path in ("/", "/trunks"):
        page = await text(client, path)
        assert "No link to Asterisk" in page
        assert "Connection refused &lt;b&gt;" in page


@pytest.mark.parametrize("evil", HOSTILE)
async def test_hostile_text_stays_text(client, engine, evil):
    campaign = await engine.campaign(evil, description=evil)
    await engine.add(campaign.id, 2, **{"v": evil, evil: "x"})
    await engine.store.create_import(campaign.id, evil, {}, now=utc_now())
    for path in ("/", f"/campaigns/{campaign.id}", f"/campaigns/{campaign.id}/edit"):
        page = await text(client, path)
        assert (
            html.escape(evil, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
            in page
        )
        if "<" in evil or '"' in evil:
            assert evil not in page
    query = {"phone": evil, "status": evil}
    response = await client.get(f"/campaigns/{campaign.id}", params=query)
    if "<" in evil:
        assert evil not in await response.text()


async def test_a_campaign_is_created_as_a_draft(client, engine, post):
    await engine.campaign()
    response = await post("/campaigns/new", FORM)
    assert response.status == 303
    campaign = await engine.store.campaign(int(response.headers["Location"].split("/")[-1]))
    settings = campaign.settings
    assert campaign.status.value == "draft"
    assert (settings.name, settings.concurrency, settings.default_region) == ("Spring", 5, "FR")
    assert settings.window.weekdays == {0, 4}
    assert settings.window.zone == "Europe/Paris"
    assert settings.retry.delay_s == 90
    assert {d.value for d in settings.retry.retry_on} == {"busy"}
    assert settings.machine_message is None
    assert not settings.detect_machines


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "name is"),
        ("concurrency", "0", "concurrency is 0"),
        ("concurrency", "-1", "whole number"),
        ("concurrency", "١٢", "whole number"),
        ("ring_timeout_s", "1e9", "whole number"),
        ("zone", "Mars/Base", "no time zone"),
        ("zone", "../../etc/passwd", "no time zone"),
        ("start", "25:00", "give a time"),
        ("start", "09:00+01:00", "give a time"),
        ("default_region", "ZZ", "not a country"),
        ("retry_delay", "nan", "give a number"),
        ("retry_delay", "inf", "give a number"),
        ("max_attempts", "999", "max_attempts is 999"),
        ("retry_on", ["busy", "answered_person"], "Nothing can be retried"),
        ("weekday", ["9"], "not a day"),
        ("trunk_id", "77", "trunk"),
        ("trunk_id", "x", "whole number"),
        ("description", "x" * 2001, "longer than"),
        ("prompt", "a\nb", "name of a sound"),
    ],
)
async def test_a_bad_field_is_said_and_nothing_typed_is_lost(engine, post, field, value, words):
    await engine.campaign()
    response = await post("/campaigns/new", {**FORM, field: value})
    page = await response.text()
    assert response.status == 400
    assert words in html.unescape(page)
    assert 'value="Europe/Paris"' in page or field == "zone"
    assert len(await engine.store.campaigns()) == 1


async def test_without_a_trunk_the_form_says_so(client):
    assert "no trunk yet" in await text(client, "/campaigns/new")


async def test_buttons_work_without_scripts(client, engine, post):
    campaign = await engine.campaign(contacts=1)
    for action, status in (
        ("start", "running"),
        ("pause", "paused"),
        ("resume", "running"),
        ("stop", "canceled"),
    ):
        response = await post(f"/campaigns/{campaign.id}/{action}")
        assert response.status == 303
        assert response.headers["Location"] == f"/campaigns/{campaign.id}"
        assert (await engine.store.campaign(campaign.id)).status.value == status


async def test_buttons_answer_the_script_in_words(client, engine, post):
    campaign = await engine.campaign("Spring", 1)
    accept = {"Accept": "application/json"}
    response = await post(f"/campaigns/{campaign.id}/start", headers=accept)
    assert (await response.json())["message"] == "Spring is running."
    again = await post(f"/campaigns/{campaign.id}/start", headers=accept)
    assert again.status == 409
    assert (await again.json())["error"]["id"] == "illegal_transition"


async def test_stop_asks_first(client, engine):
    campaign = await engine.campaign(contacts=1)
    page = await text(client, f"/campaigns/{campaign.id}/stop")
    assert "Stopping is final" in page
    assert (await engine.store.campaign(campaign.id)).status.value == "draft"


async def test_all_contacts_of_a_draft_can_be_deleted(client, engine, post):
    campaign = await engine.campaign(contacts=3)
    path = f"/campaigns/{campaign.id}/contacts/delete"
    assert path in await text(client, f"/campaigns/{campaign.id}")
    assert "All 3 contacts" in await text(client, path)
    assert (await engine.store.counts(campaign.id)).total == 3
    assert (await post(path)).status == 303
    assert (await engine.store.counts(campaign.id)).total == 0
    await engine.add(campaign.id, 1)
    await engine.commands.start(campaign.id)
    assert (await post(path)).status == 409


async def test_start_names_all_that_is_missing(client, engine, post):
    campaign = await engine.campaign(prompt=None)
    response = await post(f"/campaigns/{campaign.id}/start")
    page = await response.text()
    assert response.status == 409
    assert "<li>it has no contacts</li>" in page
    assert "<li>it has no prompt" in page


async def test_editing_goes_through_the_same_form(client, engine, post):
    campaign = await engine.campaign("Spring")
    page = await text(client, f"/campaigns/{campaign.id}/edit")
    assert 'value="Spring"' in page
    path = f"/campaigns/{campaign.id}/edit"
    response = await post(path, {**FORM, "name": "Summer", "version": campaign.version})
    assert response.status == 303
    assert (await engine.store.campaign(campaign.id)).settings.name == "Summer"
    stale = await post(path, {**FORM, "name": "Winter", "version": campaign.version})
    assert stale.status == 409
    bad = await post(path, {**FORM, "concurrency": "0", "version": campaign.version})
    assert bad.status == 400


async def test_a_running_campaign_is_not_edited(client, engine, post):
    campaign = await engine.campaign(contacts=1)
    await engine.commands.start(campaign.id)
    response = await post(f"/campaigns/{campaign.id}/edit", {**FORM, "version": campaign.version})
    assert response.status == 409
    assert "Only draft and paused campaigns can be edited" in await response.text()


async def test_contacts_are_paged_and_searched(client, engine):
    campaign = await engine.campaign(contacts=120)
    path = f"/campaigns/{campaign.id}/contacts"
    first = await text(client, path)
    assert first.count("+1202555") == 50
    assert "after=" in first
    last = (await engine.store.contacts(campaign.id, limit=100))[-1]
    rest = await text(client, f"{path}?after={last.id}")
    assert rest.count("+1202555") == 20
    assert "Next page" not in rest
    for phone in ("+12025550007", "(202) 555-0007"):
        response = await client.get(path, params={"phone": phone})
        assert (await response.text()).count("+12025550007") == 1
    assert "No contact matches" in await text(client, f"{path}?status=failed")
    assert (await text(client, f"{path}?status=bogus&after=zz")).count("+1202555") == 50
    nonsense = await client.get(path, params={"phone": "call me"})
    assert "not a phone number" in await nonsense.text()


async def test_trunks_are_added_and_refused(client, engine, post):
    good = {"name": "a", "dial_string": "PJSIP/{number}@a", "cps": "2.5", "max_channels": ""}
    assert (await post("/trunks", good)).status == 303
    assert "PJSIP/{number}@a" in await text(client, "/trunks")
    for change, words in (
        ({"dial_string": "x"}, "dial_string is"),
        ({"cps": "0"}, "cps is"),
        ({"cps": "many"}, "Calls per second"),
        ({"max_channels": "x"}, "Most calls at once"),
        ({"name": ""}, "name is"),
    ):
        response = await post("/trunks", {**good, **change})
        assert response.status == 400
        assert words in await response.text()
    assert len(await engine.store.trunks()) == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/campaigns/99", 404),
        ("/campaigns/0", 404),
        ("/campaigns/99/live", 404),
        ("/campaigns/x", 404),
        ("/campaigns/999999999999999999999", 404),
        ("/campaigns/99/start", 405),
        ("/imports/99", 404),
        ("/nothing", 404),
    ],
)
async def test_what_is_not_there_is_a_page_too(client, path, status):
    page = await text(client, path, status)
    assert 'href="/"' in page


async def test_a_failing_database_is_said(client, engine, monkeypatch):
    async def fail(*_):
        raise StoreError("The database is locked.")

    monkeypatch.setattr(engine.commands, "all_stats", fail)
    assert "The database is locked." in await text(client, "/", 503)


async def test_the_form_shows_what_was_saved(engine):
    from callcamp.http.forms import CampaignForm

    campaign = await engine.campaign("x", concurrency=7)
    assert CampaignForm.of(campaign.settings).settings() == campaign.settings
    assert CampaignForm(name="x", trunk_id="1").settings() == CampaignSettings("x", 1)


async def test_what_a_page_changes_is_audited_as_done_there(client, engine, post):
    await post(
        "/campaigns/new", {**FORM, "trunk_id": str((await engine.campaign()).settings.trunk_id)}
    )
    newest = (await engine.commands.audit(limit=1))[0]
    assert (newest.action, newest.actor) == ("campaign.created", "page:127.0.0.1")
