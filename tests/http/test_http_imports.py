"""Uploads and imports: nothing before the confirm, nothing written for strangers."""

from __future__ import annotations

import csv
import io

import aiohttp
import pytest
from web_fakes import token_in

from callcamp.errors import InvalidInput
from callcamp.http.exports import attachment
from callcamp.http.imports import read_mapping
from callcamp.http.uploads import clean_name

FILE = """phone_number;First name;city
+12025550101;Ada;Paris
(202) 555-0102;<script>alert(1)</script>;"=1+1"
12;Bad;Lyon
+12025550101;Twice;Nice
"""


@pytest.fixture
async def send(client):
    """Upload a file as the page's form does."""

    async def send_file(campaign_id, content=FILE, filename="list.csv", *, token=True, **headers):
        form = aiohttp.FormData(quote_fields=False)
        if token:
            form.add_field("csrf", token_in(await (await client.get("/trunks")).text()))
        form.add_field("file", content, filename=filename, content_type="text/csv")
        return await client.post(
            f"/campaigns/{campaign_id}/imports",
            data=form,
            allow_redirects=False,
            headers=headers,
        )

    return send_file


def uploads(engine):
    return list((engine.settings.data_dir / "uploads").glob("*"))


async def test_preview_confirm_undo(client, engine, post, send):
    campaign = await engine.campaign()
    response = await send(campaign.id)
    assert response.status == 303
    path = response.headers["Location"]
    page = await (await client.get(path)).text()
    assert "Confirm: import 2 contacts" in page
    assert page.count('data-label="Why"') == 2
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert (await engine.store.counts(campaign.id)).total == 0
    assert uploads(engine) == []

    assert (await post(f"{path}/confirm")).status == 303
    assert "2 contacts were added" in await (await client.get(path)).text()
    assert (await engine.store.counts(campaign.id)).total == 2
    listed = await (await client.get(f"/campaigns/{campaign.id}")).text()
    assert "list.csv" in listed
    assert "Ada" in listed
    assert (await post(f"{path}/confirm")).status == 409

    assert (await post(f"{path}/undo")).status == 303
    assert (await engine.store.counts(campaign.id)).total == 0
    assert "was undone" in await (await client.get(path)).text()


async def test_the_script_is_told_where_to_go(engine, send):
    campaign = await engine.campaign()
    response = await send(campaign.id, Accept="application/json")
    assert (await response.json())["location"].startswith("/imports/")


async def test_the_rows_left_out_can_be_taken_home(client, engine, send):
    campaign = await engine.campaign()
    path = (await send(campaign.id, filename="Liste été.csv")).headers["Location"]
    response = await client.get(f"{path}/errors.csv")
    assert response.status == 200
    disposition = response.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "filename*=UTF-8''Liste%20%C3%A9t%C3%A9%20-%20left%20out.csv" in disposition
    rows = list(csv.reader(io.StringIO((await response.read()).decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == ["4", "5"]


async def test_another_mapping_is_another_preview(client, engine, post, send):
    campaign = await engine.campaign()
    path = (await send(campaign.id)).headers["Location"]
    fields = {"phone": "0", "variable": ["", "given_name", ""]}
    response = await post(f"{path}/mapping", fields)
    assert response.status == 303
    again = response.headers["Location"]
    assert again != path
    page = await (await client.get(again)).text()
    assert 'value="given_name"' in page
    assert "Not used: city" in page
    assert (await post(f"{again}/confirm")).status == 303
    contacts = await engine.store.contacts(campaign.id)
    assert contacts[0].variables == {"given_name": "Ada"}
    wrong = await post(f"{again}/mapping", fields)
    assert wrong.status == 409


async def test_without_a_likely_phone_column_it_is_asked_for(client, engine, post, send):
    campaign = await engine.campaign()
    rows = "a,b\nx,1\n" + "x,+12025550101\n" + "x,n/a\n" * 5
    path = (await send(campaign.id, rows)).headers["Location"]
    page = await (await client.get(path)).text()
    assert "Say below which one holds them" in page
    assert "Confirm: import 0 contacts" in page
    response = await post(f"{path.partition('?')[0]}/mapping", {"phone": "1"})
    again = await (await client.get(response.headers["Location"])).text()
    assert "Confirm: import 1 contact<" in again


async def test_a_mapping_that_cannot_be_is_said(client, engine, post, send):
    campaign = await engine.campaign()
    path = (await send(campaign.id)).headers["Location"]
    response = await post(f"{path}/mapping", {"phone": "9"})
    assert response.status == 400
    assert "which column holds the phone number" in await response.text()
    assert "Confirm: import 2 contacts" in await (await client.get(path)).text()


async def test_contacts_of_a_draft_can_be_replaced(client, engine, post, send):
    campaign = await engine.campaign(contacts=3)
    path = (await send(campaign.id)).headers["Location"]
    assert "Replace all 3" in await (await client.get(path)).text()
    assert (await post(f"{path}/confirm", {"replace": "1"})).status == 303
    assert (await engine.store.counts(campaign.id)).total == 2


async def test_without_the_token_nothing_is_written(engine, send):
    campaign = await engine.campaign()
    assert (await send(campaign.id, token=False)).status == 403
    assert not (engine.settings.data_dir / "uploads").exists()
    assert await engine.store.imports(campaign.id) == []


async def test_a_token_after_the_file_is_too_late(client, engine):
    campaign = await engine.campaign()
    form = aiohttp.FormData()
    form.add_field("file", FILE, filename="list.csv")
    form.add_field("csrf", token_in(await (await client.get("/trunks")).text()))
    response = await client.post(f"/campaigns/{campaign.id}/imports", data=form)
    assert response.status == 403
    assert not (engine.settings.data_dir / "uploads").exists()


@pytest.mark.parametrize("declared", [True, False])
async def test_too_much_is_refused_and_not_kept(client, engine, declared):
    campaign = await engine.campaign()
    token = token_in(await (await client.get("/trunks")).text())
    head = (
        '--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n'
        f"{token}\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
    ).encode()
    body = head + b"1" * (3 << 20) + b"\r\n--b--\r\n"

    async def stream():
        for start in range(0, len(body), 1 << 16):
            yield body[start : start + (1 << 16)]

    response = await client.post(
        f"/campaigns/{campaign.id}/imports",
        data=io.BytesIO(body) if declared else stream(),
        headers={
            "Content-Type": "multipart/form-data; boundary=b",
            "Accept": "application/json",
        },
    )
    assert response.status == 413
    assert (await response.json())["error"]["details"]["limit"] == 2 << 20
    assert uploads(engine) == []


@pytest.mark.parametrize(
    ("content", "filename", "words"),
    [
        (b"", "a.csv", "is empty"),
        (b"x", "a.exe", "kind that cannot be imported"),
        (b"x", "", "Choose a file"),
        (b"%PDF-1.4 nothing", "a.csv", "PDF"),
        (b"PK\x03\x04 broken", "a.xlsx", ""),
    ],
)
async def test_what_is_no_list_is_said(engine, send, content, filename, words):
    campaign = await engine.campaign()
    response = await send(campaign.id, content, filename, Accept="application/json")
    assert response.status == 400
    assert words in (await response.json())["error"]["message"]
    assert uploads(engine) == []
    assert await engine.store.imports(campaign.id) == []


async def test_a_form_that_is_no_upload(engine, post, client):
    campaign = await engine.campaign()
    assert (await post(f"/campaigns/{campaign.id}/imports")).status == 400
    empty = aiohttp.FormData()
    empty.add_field("csrf", token_in(await (await client.get("/trunks")).text()))
    empty.add_field("other", b"x", filename="x")
    response = await client.post(f"/campaigns/{campaign.id}/imports", data=empty)
    assert response.status == 400
    assert "Choose a file" in await response.text()


async def test_a_campaign_that_is_over_takes_no_contacts(client, engine, send):
    campaign = await engine.campaign(contacts=1)
    await engine.commands.start(campaign.id)
    await engine.commands.stop(campaign.id)
    assert (await send(campaign.id)).status == 409
    page = await (await client.get(f"/campaigns/{campaign.id}")).text()
    assert "CSV contacts are locked for this campaign" in page


async def test_a_foreign_report_is_still_shown(client, engine):
    from callcamp.engine.commands import utc_now

    campaign = await engine.campaign()
    made = await engine.store.create_import(campaign.id, "old.csv", {}, now=utc_now())
    response = await client.get(f"/imports/{made.id}")
    assert response.status == 200
    assert (await client.get(f"/imports/{made.id}/errors.csv")).status == 404


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("list.csv", "list.csv"),
        ("../../etc/list.CSV", "list.CSV"),
        ("C:\\Users\\x\\list.xlsx", "list.xlsx"),
        ("a\r\nSet-Cookie: x=1.csv", "aSet-Cookie: x=1.csv"),
        ("été \u202e.csv", "été .csv"),
        ("x" * 300 + ".csv", "x" * 196 + ".csv"),
    ],
)
def test_names_of_files(name, clean):
    assert clean_name(name) == clean


@pytest.mark.parametrize("name", ["", "/", "..", "a.exe", "a", ".csv/", "csv"])
def test_names_that_are_refused(name):
    with pytest.raises(InvalidInput):
        clean_name(name)


@pytest.mark.parametrize("name", ['a"b.csv', "a\r\nX: y.csv", "été.csv", "a/b\\c.csv", "a;b.csv"])
def test_no_name_breaks_the_header(name):
    header = attachment(name)
    assert "\r" not in header
    assert "\n" not in header
    assert header.isascii()
    assert header.count('"') == 2
    assert "/" not in header.removeprefix("attachment")


def test_mapping_goes_by_place_not_by_name():
    from multidict import MultiDict

    data = MultiDict([("phone", "1"), ("variable", "a"), ("variable", "b"), ("variable", " ")])
    mapping = read_mapping(data, ["x", "tel", "y"])
    assert (mapping.phone, mapping.variables) == ("tel", {"a": "x"})
    for bad in ("", "3", "-1", "x", "٣"):
        with pytest.raises(InvalidInput):
            read_mapping(MultiDict([("phone", bad)]), ["x", "tel", "y"])
    twice = MultiDict([("phone", "1"), ("variable", "a"), ("variable", ""), ("variable", "a")])
    with pytest.raises(InvalidInput, match="both"):
        read_mapping(twice, ["x", "tel", "y"])
