"""Uploads and imports: nothing before the confirm, nothing written for strangers."""

from __future__ import annotations

import csv
import errno
import io
import os
import re

import aiohttp
import pytest
from openpyxl import Workbook
from web_fakes import token_in

from callcamp.engine.clock import utc_now
from callcamp.errors import InvalidInput
from callcamp.http.exports import attachment
from callcamp.http.imports import read_mapping
from callcamp.http.progress import Jobs
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


async def test_columns_of_further_numbers_stay_when_the_form_comes_back(client, engine, post, send):
    campaign = await engine.campaign()
    file = "tel,home,work,name\n+12025550101,+12025550102,+12025550103,Ada\n+12025550104,,,Bob\n"
    path = (await send(campaign.id, file)).headers["Location"]
    preset = {"phone": "tel", "variables": {"name": "name"}, "others": ["work", "home"]}
    await engine.store.save_mapping_preset("all", preset, now=utc_now())
    path = (await post(f"{path}/preset", {"preset": "all"})).headers["Location"]
    page = await (await client.get(path)).text()
    ticked = re.findall(r'name="other" value="(\d)" checked', page)
    assert ticked == ["1", "2"]
    assert "+12025550101, +12025550103, +12025550102" in page
    fields = {"phone": "0", "variable": ["", "", "", "name"], "other": ticked}
    path = (await post(f"{path}/mapping", {**fields, "encoding": "cp858"})).headers["Location"]
    report = (await engine.store.contact_import(int(path.rpartition("/")[2]))).report
    assert report["others"] == ["work", "home"]
    assert report["mapping"]["variables"] == {"name": "name"}
    fewer = {**fields, "other": "1", "save_as": "one"}
    path = (await post(f"{path}/mapping", fewer)).headers["Location"].partition("?")[0]
    assert (await engine.store.mapping_presets())[-1].mapping["others"] == ["home"]
    assert (await post(f"{path}/mapping", {**fields, "other": "9"})).status == 400
    assert (await post(f"{path}/confirm")).status == 303
    ada, bob = await engine.store.contacts(campaign.id)
    assert (ada.others, bob.others) == (("+12025550102",), ())


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


async def test_a_file_is_read_as_the_form_says(client, engine, post, send):
    campaign = await engine.campaign()
    content = "tel;prénom\n+12025550101;Zoé,x\n".encode("cp437")
    path = (await send(campaign.id, content)).headers["Location"]
    page = await (await client.get(path)).text()
    assert "is a guess" in page
    assert 'href="#reading">Choose the encoding' in page
    fields = {"phone": "0", "encoding": "cp437", "delimiter": "", "header": ""}
    report = (await engine.store.contact_import(int(path.rpartition("/")[2]))).report
    assert report["columns"][1] != "prénom"
    fields["variable"] = ["", *report["variables"]]
    path = (await post(f"{path}/mapping", fields)).headers["Location"]
    page = await (await client.get(path)).text()
    assert "Zoé,x" in page
    assert "is a guess" not in page
    assert '<option value="cp437" selected>' in page
    # What the form does not send stays; the mapping that was found is found again.
    again = {"phone": "0", "variable": ["", "prenom"], "delimiter": "tab", "header": "no"}
    page = await (
        await client.get((await post(f"{path}/mapping", again)).headers["Location"])
    ).text()
    assert '<option value="cp437" selected>' in page
    assert '<option value="tab" selected>' in page
    assert '<option value="no" selected>' in page
    for field, bad in (("encoding", "hex"), ("encoding", "utf-8"), ("delimiter", "ab")):
        response = await post(f"{path}/mapping", {**again, field: bad})
        assert response.status in {400, 404}, (field, bad)


async def test_an_untouched_preset_survives_another_way_of_reading(client, engine, post, send):
    preset = {"phone": "phone_number", "variables": {"x": "not there"}, "rest": True}
    await engine.store.save_mapping_preset("all", preset, now=utc_now())
    campaign = await engine.campaign()
    path = (await send(campaign.id)).headers["Location"]
    path = (await post(f"{path}/preset", {"preset": "all"})).headers["Location"]
    fields = {"phone": "0", "variable": ["", "First_name", "city"]}
    path = (await post(f"{path}/mapping", {**fields, "encoding": "cp858"})).headers["Location"]
    page = await (await client.get(path)).text()
    assert "no column &#39;not there&#39;" in page
    assert '<option value="cp858" selected>cp858</option>' in page, "also when it is not listed"
    fields["variable"][1] = "given"
    response = await post(f"{path}/mapping", {**fields, "encoding": "hex"})
    assert response.status == 400
    assert "no encoding of text" in await response.text()


async def test_another_sheet_brings_its_own_columns(client, engine, post, send):
    campaign = await engine.campaign()
    book = Workbook()
    evil = "<b>two"
    for sheet, rows in (
        (book.active, [("tel", "name"), ("+12025550101", "Ada")]),
        (book.create_sheet(evil), [("who", "mobile"), ("Bob", "+12025550102")]),
        (book.create_sheet("none"), [("a", "b"), ("x", "y")]),
    ):
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    path = (await send(campaign.id, out.getvalue(), "a.xlsx")).headers["Location"]
    page = await (await client.get(path)).text()
    assert '<option value="1">&lt;b&gt;two</option>' in page
    assert 'name="encoding"' not in page
    # The person had changed the mapping; the new sheet has no such phone column.
    fields = {"phone": "0", "variable": ["", "given"], "sheet": "1"}
    path = (await post(f"{path}/mapping", fields)).headers["Location"]
    page = await (await client.get(path)).text()
    assert '<option value="1" selected>&lt;b&gt;two</option>' in page
    assert "+12025550102" in page
    refused = await post(f"{path}/mapping", {**fields, "save_as": "x"})
    assert refused.status == 303, "these columns fit"
    path = refused.headers["Location"].partition("?")[0]
    assert (await post(f"{path}/mapping", {**fields, "sheet": "9"})).status == 400
    response = await post(f"{path}/mapping", {**fields, "sheet": "2", "save_as": "y"})
    assert response.status == 400, "a mapping that does not fit is not saved"
    assert [p.name for p in await engine.store.mapping_presets()] == ["x"]
    kept = {"phone": "1", "variable": ["who", ""], "sheet": "2"}
    path = (await post(f"{path}/mapping", kept)).headers["Location"]
    assert path.endswith("?choose=phone")


async def test_presets_are_saved_used_and_deleted(client, engine, post, send):
    campaign = await engine.campaign()
    path = (await send(campaign.id)).headers["Location"]
    assert "Saved mapping" not in await (await client.get(path)).text()
    fields = {"phone": "0", "variable": ["", "given", ""]}
    for name in ("", " ", "a\u202eb", "x" * 65):
        response = await post(f"{path}/mapping", {**fields, "save_as": name, "save": "1"})
        assert response.status == 400
        assert "1 to 64 printable characters" in await response.text()
    evil = "<b>'x'"
    response = await post(f"{path}/mapping", {**fields, "save_as": f" {evil} "})
    page = await (await client.get(response.headers["Location"])).text()
    assert "The mapping was saved" in page
    assert "<option selected>&lt;b&gt;&#39;x&#39;</option>" in page
    (preset,) = await engine.store.mapping_presets()
    assert preset.name == evil
    variables = {"given": "First name"}
    assert preset.mapping == {"phone": "phone_number", "variables": variables, "rest": False}

    path = (await send(campaign.id)).headers["Location"]
    path = (await post(f"{path}/preset", {"preset": evil})).headers["Location"]
    page = await (await client.get(path)).text()
    assert 'value="given"' in page
    assert "Not used: city" in page
    other = (await send(campaign.id, "tel,name\n+12025550101,A\n")).headers["Location"]
    response = await post(f"{other}/preset", {"preset": evil})
    assert response.status == 400
    assert "no column &#39;phone_number&#39;" in await response.text()
    assert (await post(f"{other}/preset", {"preset": "x"})).status == 404
    assert (await post(f"{path}/preset/delete", {"preset": evil})).status == 303
    assert (await post(f"{path}/preset/delete", {"preset": evil})).status == 404
    assert await engine.store.mapping_presets() == []


@pytest.mark.parametrize("what", ["preset", "preset/delete", "mapping", "confirm"])
async def test_nothing_is_done_without_the_token(client, engine, send, what):
    campaign = await engine.campaign()
    path = (await send(campaign.id)).headers["Location"]
    assert (await client.post(f"{path}/{what}", data={"preset": "x"})).status == 403


async def test_a_program_is_told_what_is_wrong_in_json(engine, post, send):
    campaign = await engine.campaign()
    path = (await send(campaign.id)).headers["Location"]
    response = await post(f"{path}/mapping", {"phone": "9"}, headers={"Accept": "application/json"})
    assert (response.status, (await response.json())["error"]["id"]) == (400, "invalid_input")


async def test_how_far_a_job_is_can_be_asked(client, engine, post, send, monkeypatch):
    key, seen = "0123456789abcdef" * 2, []
    campaign = await engine.campaign()
    path = (await send(campaign.id)).headers["Location"]
    confirm = engine.imports.confirm

    async def asked(*arguments, on_progress, **more):
        async def ask():
            seen.append(await (await client.get(f"/progress/{key}")).json())

        await ask()
        for fraction, rows in ((0.25, 1234), (7.0, 2000)):
            on_progress(fraction, rows)
            await ask()
        page = await (await client.get(path)).text()
        assert f'data-follow="{key}"' in page
        assert "Confirm: import" not in page
        return await confirm(*arguments, on_progress=on_progress, **more)

    monkeypatch.setattr(engine.imports, "confirm", asked)
    assert (await post(f"{path}/confirm?job={key}")).status == 303
    assert [job["text"] for job in seen] == [
        "Importing…",
        "Importing: 25 % · 1\u202f234 rows",
        "Importing: 100 % · 2\u202f000 rows",
    ]
    assert [job["fraction"] for job in seen] == [None, 0.25, 1.0]
    assert await (await client.get(f"/progress/{key}")).json() == {"going": False}
    assert (await client.get("/progress/x")).status == 404


def test_jobs_with_the_same_or_no_key_do_not_meet():
    jobs = Jobs()
    key = "a" * 32
    with (
        jobs.begin(key, "One", 1) as one,
        jobs.begin(key, "Two") as two,
        jobs.begin("<x>", "Three"),
    ):
        one(0.5, 1)
        two(0.1, 2)
        assert jobs.job(key).what == "One"
        assert jobs.job("<x>") is None
        assert jobs.key_of_import(1) == key
        assert jobs.key_of_import(2) is None
    assert jobs.job(key) is None


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
    ticked = MultiDict([("phone", "1"), ("other", "0"), ("other", "1"), ("other", "2")])
    assert read_mapping(ticked, ["x", "tel", "y"], ["y"]).others == ("y", "x")
    too_many = MultiDict([("phone", "0"), *(("other", str(n)) for n in range(1, 11))])
    with pytest.raises(InvalidInput, match="columns of further numbers"):
        read_mapping(too_many, [f"c{n}" for n in range(11)])
    twice = MultiDict([("phone", "1"), ("variable", "a"), ("variable", ""), ("variable", "a")])
    with pytest.raises(InvalidInput, match="both"):
        read_mapping(twice, ["x", "tel", "y"])


async def test_a_full_disk_is_told_and_leaves_nothing(engine, send, monkeypatch):
    campaign = await engine.campaign()
    opened = os.fdopen

    def full(*arguments):
        file = opened(*arguments)

        class Full:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, _chunk):
                raise OSError(errno.ENOSPC, "No space left on device")

        return Full()

    monkeypatch.setattr("callcamp.http.uploads.os.fdopen", full)
    response = await send(campaign.id, Accept="application/json")
    monkeypatch.undo()
    assert response.status == 503
    assert "No space left" in (await response.json())["error"]["message"]
    assert uploads(engine) == []
