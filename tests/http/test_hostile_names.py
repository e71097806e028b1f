"""Names and data that want to be more than text: on pages, in files, in headers, in the API."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shlex

import pytest
from access_kit import add_people, add_tokens, browser_of, browsing
from aiohttp import FormData

from callcamp.http.rest.table import REST_ROUTES

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


SQL = (
    "' OR 1=1 --",
    "1; DROP TABLE contact; --",
    "1 UNION SELECT secret FROM webhook",
    "%' OR '%'='",
    "1) OR (1=1",
    "\\' OR 1=1 --",
)


async def test_no_query_is_sql(client, engine, campaign):
    """Every parameter of every list is a value: refused, or found nowhere."""
    number, upload = campaign
    described = await (await client.get("/api/openapi.json")).json()
    before = (await (await client.get(f"{API}/campaigns/{number}/contacts")).json())["items"]
    asked = 0
    for path, does in described["paths"].items():
        names = [p["name"] for p in does.get("get", {}).get("parameters", []) if p["in"] == "query"]
        if "live" in path:
            continue
        there = path.replace("{campaign_id}", str(number)).replace("{import_id}", str(upload))
        for name in names:
            for value in SQL:
                answer = await client.get(there, params={name: value})
                assert answer.status in {200, 400, 404}, (there, name, value, answer.status)
                asked += 1
                text = await answer.text()
                assert "SELECT" not in text.replace(value, "").replace(html.escape(value), "")
                if answer.status == 200 and answer.content_type == "application/json":
                    assert not (await answer.json()).get("items"), (there, name, value)
    assert asked > 100
    for value in SQL:
        for route in REST_ROUTES:
            if route.method == "GET" and "{name}" in route.template:
                answer = await client.get(route.template.replace("{name}", value))
                assert answer.status == 404, (route.template, value)
    after = (await (await client.get(f"{API}/campaigns/{number}/contacts")).json())["items"]
    assert after == before


async def test_the_line_on_a_campaigns_page_works_as_it_stands(engine):
    """Seed A's call, copied from the page; only the token is filled in."""
    people = await add_people(engine)
    tokens = await add_tokens(engine, people["ada"])
    campaign = await engine.campaign("Spring")
    async with browsing(engine) as server, browser_of(server) as browser:
        await browser.log_in("ada")
        page = await browser.text(f"/campaigns/{campaign.id}")
        (line,) = re.findall(r"<code>(curl .*?)</code>", page, re.DOTALL)
        program, url, *options = shlex.split(html.unescape(line))
        assert program == "curl"
        assert options[0::2] == ["-H", "-H", "-d"]
        authorization, kind, body = options[1::2]
        assert authorization == "Authorization: Bearer <token>"
        assert list(json.loads(body)) == ["phoneLine", "content"]
        headers = dict(
            one.replace("<token>", tokens["contacts"]).split(": ", 1)
            for one in (authorization, kind)
        )
        sent = await browser.client.session.post(url, data=body, headers=headers)
        assert sent.status == 201, await sent.text()
        (contact,) = await engine.store.contacts(campaign.id)
        wanted = json.loads(body)
        assert contact.phone == wanted["phoneLine"]
        assert contact.variables == wanted["content"]["inputVariables"]
