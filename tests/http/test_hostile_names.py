"""Names and data that want to be more than text: on pages, in files, in headers, in the API."""

from __future__ import annotations

import csv
import io

import pytest
from aiohttp import FormData

API = "/api/v1"
TAG = "<img src=x onerror=alert(1)>"
NAME = f"\"'>{TAG}"
ROWS = f"phone,{TAG}\n+33612345679,{TAG}\nnone,=1+1\n"


async def _made(client, path, body):
    answer = await client.post(API + path, json=body)
    assert answer.status in {200, 201}, await answer.text()
    return await answer.json()


@pytest.fixture
async def campaign(client, engine):
    trunk = await _made(
        client, "/trunks", {"name": NAME, "dial_string": f"PJSIP/{{number}}@{TAG}", "cps": 5}
    )
    settings = {"name": NAME, "description": NAME, "trunk_id": trunk["id"]}
    made = await _made(client, "/campaigns", {"settings": settings})
    variables = {"first": TAG, "sum": "=1+1", "at": "@SUM(1)", "minus": "-1+1|calc"}
    await _made(
        client,
        f"/campaigns/{made['id']}/contacts",
        {"phone": "+33612345678", "variables": variables},
    )
    await _made(client, "/filters", {"name": NAME, "conditions": ["first is set"]})
    form = FormData()
    form.add_field("campaign_id", str(made["id"]))
    form.add_field("file", ROWS.encode(), filename=f"{TAG}.csv")
    sent = await client.post(f"{API}/imports", data=form)
    assert sent.status == 201, await sent.text()
    return made["id"], (await sent.json())["id"]


async def test_no_page_shows_a_name_as_markup(client, campaign):
    number, upload = campaign
    one = f"/campaigns/{number}"
    pages = ["/", one, f"{one}/edit", f"{one}/stop", f"{one}/contacts", f"{one}/contacts/delete"]
    pages += [f"/imports/{upload}", "/trunks", "/campaigns/new", "/api", "/login"]
    pages += [f"{one}?phone=%22%3E%3Cimg%20src=x%3E", "/%3Cimg%20src=x%3E"]
    pages += ["/login?next=%22%3E%3Cimg%20src=x%3E", "/login?bye=%3Cimg%20src=x%3E"]
    shown = 0
    for path in pages:
        text = await (await client.get(path, headers={"Accept": "text/html"})).text()
        assert "<img src=x" not in text, path
        shown += "&lt;img src=x" in text
    assert shown >= 4


async def test_the_api_answers_nothing_that_a_browser_takes_for_a_page(client, campaign):
    number, upload = campaign
    for path in (f"/campaigns/{number}", f"/imports/{upload}", f"/campaigns/{TAG}", "/filters"):
        answer = await client.get(API + path, headers={"Accept": "text/html"})
        assert answer.content_type == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_no_cell_of_a_file_is_a_formula_and_no_name_breaks_its_header(client, campaign):
    number, upload = campaign
    for path in (f"/campaigns/{number}/export.csv", f"/imports/{upload}/errors.csv"):
        answer = await client.get(path)
        said = answer.headers["Content-Disposition"]
        assert said.startswith("attachment; ")
        assert "<" not in said
        text = (await answer.read()).decode("utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [cell for cell in cells if cell[:1] in {"=", "@"} or cell.startswith("-1+")]


@pytest.mark.parametrize(
    "phone",
    ["+33612345678\r\nAction: Originate", "${SHELL(id)}", "+33612345678&Local/x@y", "'; DROP--"],
)
async def test_no_order_hides_in_a_number(client, engine, campaign, phone):
    number, _ = campaign
    answer = await client.post(f"{API}/campaigns/{number}/contacts", json={"phone": phone})
    assert answer.status == 400
    listed = await (await client.get(f"{API}/campaigns/{number}/contacts")).json()
    assert len(listed["items"]) == 1


@pytest.mark.parametrize(
    "variables",
    [{"a,b": "x"}, {"CALLERID(num)": "x"}, {"x": "a\r\nAction: Originate"}, {"x": "\0"}],
)
async def test_no_order_hides_in_a_variable(client, engine, campaign, variables):
    number, _ = campaign
    body = {"phone": "+33612345670", "variables": variables}
    answer = await client.post(f"{API}/campaigns/{number}/contacts", json=body)
    assert answer.status == 400
    assert (await answer.json())["error"]["details"]["field"].startswith("variables")
