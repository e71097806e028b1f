"""Files over the API: contacts, people, registers and lists; mappings that are saved."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import FormData

V1 = "/api/v1"
FILE = b"tel;name;city\n0612345678;Ada;Paris\n0612345679;Eve;Rome\nabc;=1+1;Bern\n"
SAMPLE = "+33612345678"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")


def form(content: bytes = FILE, filename: str = "people.csv", **texts: str) -> FormData:
    data = FormData()
    data.add_field("file", content, filename=filename)
    for name, text in texts.items():
        data.add_field(name, text)
    return data


async def _json(response: Any, status: int = 200) -> Any:
    body = await response.json()
    assert response.status == status, body
    return body


async def _error(response: Any, status: int, field: str | None = None) -> dict[str, Any]:
    error = (await _json(response, status))["error"]
    if field is not None:
        assert error["details"]["field"] == field, error
    return error


@pytest.fixture
async def campaign(engine):
    return await engine.campaign(default_region="FR")


async def test_a_file_is_mapped_anew_until_it_fits(client, engine, campaign):
    made = await client.post(f"{V1}/imports", data=form(campaign_id=str(campaign.id)))
    first = await _json(made, 201)
    assert (first["report"]["valid"], first["report"]["invalid"]) == (2, 1)
    mapping = {"phone": "tel", "variables": {"who": "name"}}
    again = await client.post(f"{V1}/imports/{first['id']}/remap", json={"mapping": mapping})
    second = await _json(again, 201)
    assert second["id"] != first["id"]
    assert again.headers["Location"] == f"{V1}/imports/{second['id']}"
    assert second["report"]["variables"] == {"who": "name"}
    # The first one is no more to be confirmed.
    await _error(await client.post(f"{V1}/imports/{first['id']}/confirm"), 404)
    read = await client.post(
        f"{V1}/imports/{second['id']}/remap", json={"header": False, "delimiter": ";"}
    )
    third = await _json(read, 201)
    assert third["report"]["rows"] == 4
    assert third["report"]["options"]["header"] is False
    await _error(
        await client.post(
            f"{V1}/imports/{third['id']}/remap", json={"mapping": {"phone": "nothing"}}
        ),
        400,
        "mapping.phone",
    )
    done = await _json(await client.post(f"{V1}/imports/{third['id']}/confirm"))
    assert done["added"] == 2
    await _error(await client.post(f"{V1}/imports/{third['id']}/remap"), 409)


async def test_a_mapping_is_saved_and_used_by_name(client, engine, campaign):
    saved = {"name": "CRM", "mapping": {"phone": "tel", "variables": {"who": "name"}}}
    assert (await _json(await client.post(f"{V1}/mapping-presets", json=saved)))["name"] == "CRM"
    shown = await _json(await client.get(f"{V1}/mapping-presets/CRM"))
    assert shown["mapping"] == {**saved["mapping"], "rest": False}
    listed = await _json(await client.get(f"{V1}/mapping-presets"))
    assert [one["name"] for one in listed["items"]] == ["CRM"]
    by_name = form(campaign_id=str(campaign.id), preset="CRM")
    made = await _json(await client.post(f"{V1}/imports", data=by_name), 201)
    assert made["report"]["variables"] == {"who": "name"}
    remapped = await client.post(f"{V1}/imports/{made['id']}/remap", json={"preset": "CRM"})
    assert (await _json(remapped, 201))["report"]["variables"] == {"who": "name"}
    both = form(campaign_id=str(campaign.id), preset="CRM", mapping=json.dumps({"phone": "tel"}))
    await _error(await client.post(f"{V1}/imports", data=both), 400, "preset")
    none = form(campaign_id=str(campaign.id), preset="ERP")
    await _error(await client.post(f"{V1}/imports", data=none), 404)
    assert (await client.delete(f"{V1}/mapping-presets/CRM")).status == 204
    await _error(await client.delete(f"{V1}/mapping-presets/CRM"), 404)
    await _error(await client.get(f"{V1}/mapping-presets/CRM"), 404)
    twice = {"name": "x", "mapping": {"phone": "tel", "others": ["tel"]}}
    await _error(await client.post(f"{V1}/mapping-presets", json=twice), 400, "mapping.others")


async def test_rows_left_out_are_had_as_a_file_that_no_spreadsheet_runs(client, campaign):
    sent = form(filename="é'b;.csv", campaign_id=str(campaign.id))
    made = await _json(await client.post(f"{V1}/imports", data=sent), 201)
    response = await client.get(f"{V1}/imports/{made['id']}/errors.csv")
    assert response.status == 200
    assert response.content_type == "text/csv"
    assert response.headers["Content-Disposition"].startswith("attachment; ")
    assert "left%20out.csv" in response.headers["Content-Disposition"]
    text = (await response.read()).decode("utf-8-sig")
    assert "'=1+1" in text
    assert "0612345678" not in text
    await _error(await client.get(f"{V1}/imports/99/errors.csv"), 404)


async def test_a_preview_that_nobody_wants_is_forgotten(client, engine, campaign):
    made = await _json(
        await client.post(f"{V1}/imports", data=form(campaign_id=str(campaign.id))), 201
    )
    where = f"{V1}/imports/{made['id']}"
    assert await _json(await client.delete(where)) == {"deleted": 0}
    for response in (
        await client.get(where),
        await client.delete(where),
        await client.post(f"{where}/confirm"),
    ):
        await _error(response, 404)
    assert not list((engine.settings.data_dir / "imports").iterdir())


async def test_numbers_that_are_there_are_done_with_as_is_asked(client, engine, campaign):
    await client.post(
        f"{V1}/campaigns/{campaign.id}/contacts", json={"phone": SAMPLE, "variables": {"a": "1"}}
    )
    made = await _json(
        await client.post(f"{V1}/imports", data=form(campaign_id=str(campaign.id))), 201
    )
    assert made["report"]["duplicates_in_campaign"] == 1
    where = f"{V1}/imports/{made['id']}/confirm"
    await _error(await client.post(where, json={"on_duplicate": "maybe"}), 400, "on_duplicate")
    done = await _json(await client.post(where, json={"on_duplicate": "update"}))
    assert (done["added"], done["report"]["done"]["updated"]) == (1, 1)
    found = await _json(
        await client.get(f"{V1}/campaigns/{campaign.id}/contacts", params={"phone": SAMPLE})
    )
    assert found["items"][0]["variables"]["city"] == "Paris"


async def test_people_come_from_a_file(client, engine):
    made = await client.post(f"{V1}/directory/imports", data=form(region="fr"))
    preview = await _json(made, 201)
    where = made.headers["Location"]
    assert where == f"{V1}/directory/imports/{preview['id']}"
    assert "token" not in preview["report"]
    assert (preview["report"]["valid"], preview["report"]["in_directory"]) == (2, 0)
    assert await _json(await client.get(where)) == preview
    body = {"mapping": {"phone": "tel", "variables": {"who": "name"}}}
    again = await client.post(f"{where}/remap", json=body)
    await _error(await client.get(where), 404)
    where = again.headers["Location"]
    left_out = await client.get(f"{where}/errors.csv")
    assert "'=1+1" in (await left_out.read()).decode("utf-8-sig")
    assert await _json(await client.post(f"{where}/confirm")) == {"added": 2, "updated": 0}
    await _error(await client.post(f"{where}/confirm"), 404)
    known = await _json(await client.get(f"{V1}/directory/contacts/{SAMPLE}", params={"calls": 1}))
    assert known["person"]["variables"] == {"who": "Ada"}
    assert (await client.delete(where)).status == 204
    await _error(await client.delete(where), 404)
    await _error(await client.post(f"{V1}/directory/imports", data=form(region="x")), 400, "region")
    assert not list((engine.settings.data_dir / "uploads").iterdir())


async def test_a_register_is_given_as_numbers_or_as_a_file(client, engine):
    where = f"{V1}/dnc-lists/bloctel"
    body = {"as_of": YESTERDAY, "phones": ["06 12 34 56 78", "+33612345679"], "region": "FR"}
    assert (await _json(await client.put(where, json=body)))["numbers"] == 2
    wrong = {**body, "phones": [SAMPLE, "hello"]}
    await _error(await client.put(where, json=wrong), 400, "phones[1]")
    late = {**body, "as_of": "2099-01-01T00:00:00Z"}
    await _error(await client.put(where, json=late), 400, "as_of")
    sent = form(as_of=YESTERDAY, region="FR", column="tel")
    done = await _json(await client.put(f"{where}/file", data=sent))
    assert (done["list"]["numbers"], done["rows"], done["refused"]) == (2, 3, 1)
    assert [(p["row"], p["value"]) for p in done["problems"]] == [(4, "abc")]
    listed = await _json(await client.get(f"{V1}/dnc-lists"))
    assert [(one["name"], one["numbers"]) for one in listed["items"]] == [("bloctel", 2)]
    await _error(await client.put(f"{where}/file", data=form()), 400, "as_of")
    await _error(await client.put(f"{where}/file", json={}), 415)
    half = form(b"tel\n0612345678\nx\ny\n", as_of=YESTERDAY, region="FR")
    await _error(await client.put(f"{where}/file", data=half), 400, "file")
    assert (await client.delete(where)).status == 204
    assert not list((engine.settings.data_dir / "uploads").iterdir())


async def test_numbers_of_a_file_must_not_be_called(client, engine, campaign):
    sent = form(region="FR", reason="asked", campaign_id=str(campaign.id))
    done = await _json(await client.post(f"{V1}/suppressions/file", data=sent))
    assert (done["added"], done["refused"]) == (2, 1)
    (first, _) = (await _json(await client.get(f"{V1}/suppressions")))["items"]
    assert (first["reason"], first["source"]) == ("asked", "api")
    assert first["campaign_id"] == campaign.id
    gone = form(region="FR", campaign_id="99")
    await _error(await client.post(f"{V1}/suppressions/file", data=gone), 404)
    over = form(region="FR", expires_at="2020-01-01T00:00:00Z")
    await _error(await client.post(f"{V1}/suppressions/file", data=over), 400, "expires_at")


async def test_the_numbers_of_a_file_get_a_consent(client, engine):
    sent = form(region="FR", scope="sales", source="fair", given_at=YESTERDAY)
    done = await _json(await client.post(f"{V1}/consents/file", data=sent))
    assert (done["recorded"], done["revoked"], done["refused"]) == (2, 0, 1)
    kept = await _json(await client.get(f"{V1}/consents", params={"phone": SAMPLE}))
    assert kept["items"][0]["source"] == "fair"
    await _error(
        await client.post(f"{V1}/consents/file", data=form(region="FR", scope="x")), 400, "source"
    )


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"region": "FR", "column": ""}, "column"),
        ({"region": "France"}, "region"),
        ({"campaign_id": "0"}, "campaign_id"),
        ({"expires_at": "tomorrow"}, "expires_at"),
    ],
)
async def test_forms_that_do_not_fit_are_refused_and_named(client, engine, texts, field):
    await _error(await client.post(f"{V1}/suppressions/file", data=form(**texts)), 400, field)
    assert await engine.store.suppressions() == []
    uploads = engine.settings.data_dir / "uploads"
    assert not uploads.exists() or not list(uploads.iterdir())


async def test_a_text_of_a_form_cannot_be_endless(client, engine):
    long = FormData()
    long.add_field("reason", "x" * 70_000)
    long.add_field("file", FILE, filename="a.csv")
    await _error(await client.post(f"{V1}/suppressions/file", data=long), 413)
    twice = FormData(default_to_multipart=True)
    for _ in range(2):
        twice.add_field("region", "FR")
    await _error(await client.post(f"{V1}/suppressions/file", data=twice), 400, "region")
    empty = FormData(default_to_multipart=True)
    empty.add_field("region", "FR")
    await _error(await client.post(f"{V1}/suppressions/file", data=empty), 400, "file")
    workbook = form(b"PK\x03\x04", filename="a.xlsx", region="FR")
    await _error(await client.post(f"{V1}/suppressions/file", data=workbook), 400)
