"""One's own account, and where people begin."""

from __future__ import annotations

import html
import re

import pytest
import segno
from access_kit import PASSWORD, add_people, browser_of, browsing

from callcamp.core import totp
from callcamp.core.permissions import Permission
from callcamp.engine.clock import utc_now
from callcamp.http.context import HOMES
from callcamp.http.routes import homes


@pytest.fixture
async def people(engine):
    return await add_people(engine)


@pytest.fixture
async def server(engine, people):
    async with browsing(engine) as server:
        yield server


@pytest.fixture
async def browser(server):
    async with browser_of(server) as browser:
        yield browser


def code_of(secret: str) -> str:
    plain = totp.decoded(secret)
    assert plain is not None
    return totp.code_at(plain, int(utc_now().timestamp()) // totp.STEP_S)


async def with_codes(engine, user_id: int) -> None:
    secret, _ = await engine.access.begin_totp(user_id)
    await engine.access.confirm_totp(user_id, secret, code_of(secret))


async def test_codes_are_turned_off_with_the_password_alone(engine, people, browser):
    await browser.log_in("ada")
    await with_codes(engine, people["ada"])
    for fields in ({}, {"password": ""}, {"password": "wrong"}):
        refused = await browser.post("/account/codes/disable", fields, on="/account")
        assert refused.status == 400
        assert "That is not your password" in await refused.text()
        assert (await engine.store.user(people["ada"])).has_totp
    done = await browser.post("/account/codes/disable", {"password": PASSWORD}, on="/account")
    assert done.status == 303
    assert not (await engine.store.user(people["ada"])).has_totp


async def test_guessing_the_password_on_the_page_is_throttled(engine, people, browser):
    await browser.log_in("ada")
    await with_codes(engine, people["ada"])
    for _ in range(6):
        last = await browser.post("/account/codes/disable", {"password": "wrong"}, on="/account")
    assert "Too many log-ins failed" in await last.text()
    last = await browser.post("/account/codes/disable", {"password": PASSWORD}, on="/account")
    assert last.status == 429
    assert int(last.headers["Retry-After"]) >= 1
    assert (await engine.store.user(people["ada"])).has_totp


async def test_a_mistyped_code_is_no_reason_to_begin_again(engine, people, browser):
    await browser.log_in("ada")
    page = await (await browser.post("/account/codes/begin", on="/account")).text()
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)[1]
    fields = {"secret": secret, "code": "abcdef"}
    again = await browser.post("/account/codes/confirm", fields, on="/account")
    text = html.unescape(await again.text())
    assert again.status == 400
    assert f'id="totp-secret">{secret}<' in text
    assert f"otpauth://totp/callcamp:ada?secret={secret}&" in text
    # What nobody gave out is not shown back.
    fields = {"secret": "<b>no</b>", "code": "123456"}
    again = await browser.post("/account/codes/confirm", fields, on="/account")
    assert "<b>no" not in html.unescape(await again.text())


def modules_of(svg: str) -> list[list[bool]]:
    """Read the dark modules out of the strokes of a drawn code, its light edge included."""
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])
    rows = [[False] * size for _ in range(size)]
    x, y = 0, 0.0
    strokes = re.search(r'<path stroke="#000" d="([^"]+)"', svg)[1]
    for kind, numbers in re.findall(r"([Mmh])([-0-9. ]+)", strokes):
        values = [float(n) for n in numbers.split()]
        if kind == "h":
            for column in range(x, x + int(values[0])):
                rows[int(y)][column] = True
            x += int(values[0])
        elif kind == "M":
            x, y = int(values[0]), values[1]
        else:
            x, y = x + int(values[0]), y + values[1]
    return rows


async def test_a_phone_reads_the_secret_from_the_page(engine, people, browser):
    await browser.log_in("ada")
    assert "<svg" not in await browser.text("/account")
    response = await browser.post("/account/codes/begin", on="/account")
    page = await response.text()
    assert response.headers["Cache-Control"] == "no-store"
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)[1]
    (drawn,) = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    assert 'role="img"' in drawn
    assert "<title>" in drawn
    # What the policy would not let be, or would make the page carry elsewhere.
    assert not re.search(r"style|script|href|url\(|\bon[a-z]+=", drawn)
    rows = modules_of(drawn)
    wanted = segno.make_qr(totp.uri(secret, "ada"), error="m").matrix
    other = segno.make_qr(totp.uri("A" * len(secret), "ada"), error="m").matrix
    inner = [row[4:-4] for row in rows[4:-4]]
    assert inner == [[bool(module) for module in row] for row in wanted]
    assert inner != [[bool(module) for module in row] for row in other]
    assert sum(map(sum, rows)) == sum(map(sum, inner))
    # It is in that one answer only.
    for path in ("/account", "/users"):
        text = await browser.text(path)
        assert secret not in text
        assert "<svg" not in text


async def test_forms_tell_password_managers_whose_password_they_ask_for(engine, people, browser):
    await browser.log_in("ada")
    await with_codes(engine, people["ada"])
    for path, most in (("/account", 2), ("/users", 5)):
        text = await browser.text(path)
        forms = [
            f for f in re.findall(r"<form.*?</form>", text, re.DOTALL) if 'type="password"' in f
        ]
        assert len(forms) == most
        for form in forms:
            assert re.search(r'autocomplete="(current|new)-password"', form)
            # The form for a new account has the name in sight.
            assert 'autocomplete="username"' in form or '<label>Name <input name="name"' in form


async def test_everybody_begins_where_they_may_see_something(browser):
    there = dict(browser.client.server.app[HOMES])
    of_agents = "/agent" if "/agent" in there else "/account"
    for name, home in (("ada", "/"), ("sue", "/"), ("max", "/"), ("kim", of_agents)):
        for following in ("", "/", "//evil.example"):
            browser.client.session.cookie_jar.clear()
            done = await browser.log_in(name, next=following)
            assert done.headers["Location"] == home
        assert (await browser.get("/login")).headers["Location"] == home
        assert f'class="brand" href="{home}"' in await browser.text("/account")
    # An agent who types the address alone, too; a program is told.
    first = await browser.get("/")
    assert (first.status, first.headers["Location"]) == (303, of_agents)
    told = await browser.get("/", headers={"Accept": "application/json"})
    assert told.status == 403
    browser.client.session.cookie_jar.clear()
    # Whoever was sent to the log-in from somewhere goes back there, and is told if they may not.
    done = await browser.log_in("kim", next="/trunks")
    assert done.headers["Location"] == "/trunks"
    refused = await browser.get("/trunks")
    assert refused.status == 403
    assert f'href="{of_agents}">Go on<' in await refused.text()


def test_the_first_pages_are_pages_that_there_are():
    assert homes()[0] == ("/", Permission.VIEW)
    assert homes()[-1] == ("/account", Permission.OWN_ACCOUNT)


async def test_the_header_shows_what_one_may_see(browser):
    shown = {
        "ada": {"Campaigns", "Trunks", "Webhooks", "Users"},
        "max": {"Campaigns"},
        "kim": set(),
    }
    for name, links in shown.items():
        browser.client.session.cookie_jar.clear()
        await browser.log_in(name)
        nav = re.search(r"<nav.*?</nav>", await browser.text("/account"), re.DOTALL)[0]
        there = set(re.findall(r">([^<]+)</a>", nav))
        assert links == there & {"Campaigns", "Trunks", "Webhooks", "Users"}
