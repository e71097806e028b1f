"""Logging in, staying in, and everything that somebody else might try."""

from __future__ import annotations

import html
import re

import pytest
from access_kit import PASSWORD, add_people, add_tokens, browser_of, browsing

from callcamp.core import totp
from callcamp.core.permissions import Role, TokenScope
from callcamp.engine.commands import utc_now
from callcamp.errors import StoreError
from callcamp.http import stream
from callcamp.http.login import own_path

API = "/api/v1/campaigns"
NEW = "another battery staple horse"


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


async def test_a_page_leads_to_the_log_in_and_the_log_in_back(engine, browser):
    campaign = await engine.campaign()
    path = f"/campaigns/{campaign.id}?phone=%2B1&status=done"
    sent = await browser.get(path)
    assert sent.status == 303
    page = await browser.get(sent.headers["Location"])
    assert page.status == 200
    following = html.unescape(
        re.search(r'name="next" value="([^"]*)"', await page.text())[1]  # type: ignore[index]
    )
    done = await browser.log_in("ada", next=following)
    assert done.status == 303
    assert done.headers["Location"] == path
    text = await browser.text(path)
    assert 'href="/account">ada<' in text
    # The log-in page has nothing more to ask of somebody who is in.
    assert (await browser.get("/login?next=/trunks")).headers["Location"] == "/trunks"


async def test_programs_are_told_what_to_send(browser):
    response = await browser.client.get(API)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="callcamp"'
    assert (await response.json())["error"]["id"] == "log_in_needed"
    # A live stream is asked for by a script: a redirect would make it read a page.
    stream = await browser.client.get("/live", headers={"Accept": "text/event-stream"})
    assert stream.status == 401


async def test_every_log_in_is_a_new_session(engine, browser):
    """Fixation: what a browser had before, from whomever, is worth nothing after."""
    planted = "a" * 43
    browser.client.session.cookie_jar.update_cookies(
        {"callcamp": planted}, browser.client.make_url("/")
    )
    await browser.log_in("ada")
    first = browser.cookie()
    assert first != planted
    assert len(first) >= 43
    assert await engine.access.principal_of_session(planted) is None
    browser.client.session.cookie_jar.clear()
    await browser.log_in("ada")
    second = browser.cookie()
    assert second != first
    # The form tokens of before are no good after.
    assert await engine.access.principal_of_session(first) is not None
    form = re.search(r'name="csrf" value="(\w+)"', await browser.text("/account"))[1]
    browser.client.session.cookie_jar.update_cookies(
        {"callcamp": first}, browser.client.make_url("/")
    )
    stale = await browser.client.post("/logout", data={"csrf": form}, allow_redirects=False)
    assert stale.status == 403
    assert await engine.access.principal_of_session(first) is not None


async def test_logging_in_again_ends_the_session_that_the_browser_had(engine, browser):
    await browser.log_in("ada")
    first = browser.cookie()
    token = re.search(r'name="csrf" value="(\w+)"', await browser.text("/account"))[1]
    fields = {"csrf": token, "name": "sue", "password": PASSWORD}
    await browser.client.post("/login", data=fields, allow_redirects=False)
    assert await engine.access.principal_of_session(first) is None
    assert 'href="/account">sue<' in await browser.text("/")


async def test_cookies_are_for_this_host_and_no_script(browser):
    done = await browser.log_in("ada")
    (cookie,) = [c for c in done.headers.getall("Set-Cookie") if c.startswith("callcamp=")]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    for part in ("Domain", "Expires", "Max-Age", "Secure"):
        assert part not in cookie


async def test_over_https_cookies_are_secure_and_the_browser_is_told_to_stay(engine, people):
    proxied = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}
    async with (
        browsing(engine, http_trusted_proxies=["127.0.0.0/8"]) as server,
        browser_of(server) as browser,
    ):
        page = await browser.get("/login", headers=proxied)
        form = page.headers["Set-Cookie"]
        assert form.startswith("__Host-callcamp_form=")
        assert "Secure" in form
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        token = re.search(r'name="csrf" value="(\w+)"', await page.text())[1]
        done = await browser.client.post(
            "/login",
            data={"csrf": token, "name": "ada", "password": PASSWORD},
            headers={**proxied, "Cookie": form.partition(";")[0]},
            allow_redirects=False,
        )
        assert done.status == 303
        cookie = done.headers["Set-Cookie"]
        assert cookie.startswith("__Host-callcamp=")
        for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert part in cookie
        assert "Domain" not in cookie
        secret = cookie.partition("=")[2].partition(";")[0]
        named = {**proxied, "Accept": "text/html"}
        seen = {"Cookie": f"__Host-callcamp={secret}"}
        assert (await browser.get("/account", headers={**named, **seen})).status == 200
        # A cookie that any page over http could have set is not taken.
        plain = {"Cookie": f"callcamp={secret}"}
        assert (await browser.get("/account", headers={**named, **plain})).status == 303
        # The audit and the list of sessions know the browser, not the proxy.
        (session,) = await engine.access.sessions(people["ada"])
        assert session.address == "203.0.113.5"


async def test_a_proxy_nobody_trusts_is_not_believed(engine, people):
    told = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}
    async with browsing(engine) as server, browser_of(server) as browser:
        page = await browser.get("/login", headers=told)
        assert "Strict-Transport-Security" not in page.headers
        assert page.headers["Set-Cookie"].startswith("callcamp_form=")
        await browser.post("/login", {"name": "ada", "password": PASSWORD}, headers=told)
        (session,) = await engine.access.sessions(people["ada"])
        assert session.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("198.51.100.7, 203.0.113.5", "203.0.113.5"),
        ("203.0.113.5, 127.0.0.2", "203.0.113.5"),
        ("<script>, 203.0.113.5", "203.0.113.5"),
        ("203.0.113.5, nonsense", "127.0.0.1"),
        ("127.0.0.9", "127.0.0.9"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
async def test_of_what_proxies_say_only_what_trusted_ones_added_counts(
    engine, people, told, address
):
    async with (
        browsing(engine, http_trusted_proxies=["127.0.0.0/8"]) as server,
        browser_of(server) as browser,
    ):
        headers = {"X-Forwarded-For": told}
        await browser.post("/login", {"name": "ada", "password": PASSWORD}, headers=headers)
        (session,) = await engine.access.sessions(people["ada"])
        assert session.address == address


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/campaigns/1?a=b#c", "/campaigns/1?a=b#c"),
        ("/", "/"),
        ("", "/"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("\\\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil.example", "/"),
        (" /x", "/"),
        ("/login?next=/login", "/"),
        ("/logout", "/"),
        ("/" + "a" * 3000, "/"),
        ("/[", "/["),
        ("//[", "/"),
    ],
)
async def test_the_way_after_the_log_in_stays_here(browser, text, path):
    assert own_path(text) == path
    done = await browser.log_in("ada", next=text)
    assert done.status == 303
    assert done.headers["Location"].startswith("/")
    assert "evil" not in done.headers["Location"]
    assert "x=y" not in str(done.headers.getall("Set-Cookie"))


WRONG = [
    ("ada", "wrong password"),
    ("nobody", PASSWORD),
    ("", ""),
    ("ada", ""),
    ("' OR 1=1 --", "' OR 1=1 --"),
    ("ada\x00", PASSWORD),
    ("ada\r\nSet-Cookie: a=b", PASSWORD),
    ("<script>alert(1)</script>", PASSWORD),
    ("a" * 100_000, PASSWORD),
    ("ada", "x" * 100_000),
    ("ądą", "пароль пароль"),
    ("{{ 7*7 }}", "{{ 7*7 }}"),
]


@pytest.mark.parametrize(("name", "password"), WRONG)
async def test_whatever_is_wrong_is_told_in_the_same_words(engine, browser, name, password):
    answer = await browser.log_in(name, password)
    assert answer.status == 403
    text = await answer.text()
    assert "check name, password and one-time code" in text
    assert "<script>alert" not in text
    assert ">49<" not in text
    assert browser.cookie() == ""
    if len(password) > 5:
        assert html.escape(password) not in text.replace(html.escape(name), "")


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"csrf", b"name=%00&password=%ff", b"", b"=" * 5000, b"csrf=\xed\xa0\x80"]
)
async def test_a_log_in_that_is_no_form_is_no_crash(browser, body):
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await browser.client.post("/login", data=body, headers=kind)
    assert response.status in {400, 403}


async def test_files_and_lists_in_the_log_in_are_no_crash(browser):
    token = re.search(r'name="csrf" value="(\w+)"', await browser.text("/login"))[1]
    from aiohttp import FormData

    form = FormData()
    form.add_field("csrf", token)
    form.add_field("name", b"ada", filename="x.txt")
    form.add_field("password", b"x", filename="y.txt")
    assert (await browser.client.post("/login", data=form)).status == 403


async def test_a_log_in_needs_the_token_of_its_form(browser):
    fields = {"name": "ada", "password": PASSWORD}
    response = await browser.client.post("/login", data=fields, allow_redirects=False)
    assert response.status == 403
    assert browser.cookie() == ""


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
async def test_another_site_can_use_nobodys_session(engine, browser, headers):
    await browser.log_in("ada")
    campaign = await engine.campaign(contacts=1)
    for path, fields in (
        ("/users", {"name": "eve", "password": NEW, "role": "admin"}),
        ("/account/tokens", {"name": "eve", "scope": "admin"}),
        (f"/campaigns/{campaign.id}/start", {}),
        ("/logout", {}),
    ):
        response = await browser.post(path, fields, on="/account", headers=headers)
        assert response.status == 403
    assert len(await engine.access.users()) == 4
    assert await engine.access.tokens() == []
    assert (await engine.store.campaign(campaign.id)).status.value == "draft"
    assert browser.cookie()


async def test_a_browser_uses_the_api_only_with_the_token_of_its_page(engine, browser):
    campaign = await engine.campaign(contacts=1)
    await browser.log_in("ada")
    path = f"{API}/{campaign.id}/start"
    client = browser.client
    assert (await client.get(API)).status == 200
    token = re.search(r'name="csrf" value="(\w+)"', await browser.text("/account"))[1]
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "é"}):
        response = await client.post(path, headers=headers)
        assert response.status in {400, 403}
    assert (await engine.store.campaign(campaign.id)).status.value == "draft"
    assert (await client.post(path, headers={"X-CSRF-Token": token})).status == 200


async def test_a_program_needs_no_form_token_and_its_cookies_are_not_read(engine, people, browser):
    campaign = await engine.campaign(contacts=1)
    tokens = await add_tokens(engine, people["ada"])
    await browser.log_in("ada")
    client, path = browser.client, f"{API}/{campaign.id}/start"
    # The cookie is ada's, who may; the token may not, and it is the one that counts.
    reading = {"Authorization": f"Bearer {tokens['read']}"}
    assert (await client.post(path, headers=reading)).status == 403
    assert (await client.get(API, headers={"Authorization": "Bearer ccp_wrong"})).status == 401
    managing = {"Authorization": f"Bearer {tokens['manage']}"}
    assert (await client.post(path, headers=managing)).status == 200


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Bearer ccp_",
        "Bearer ccp_' OR 1=1",
        "Bearer " + "x" * 5000,
        "bearer é",
        "Basic YWRhOnBhc3N3b3Jk",
        "Digest x",
    ],
)
async def test_a_token_that_is_none_opens_nothing(browser, value):
    response = await browser.client.get(API, headers={"Authorization": value})
    assert response.status == 401
    text = await response.text()
    assert "ccp_" not in text


async def test_two_tokens_are_none(engine, people, browser):
    good = (await add_tokens(engine, people["ada"]))["admin"]
    headers = [("Authorization", f"Bearer {good}"), ("Authorization", "Bearer x")]
    response = await browser.client.get(API, headers=headers)
    assert response.status in {400, 401}


async def test_guessing_tokens_is_stopped_and_told_for_how_long(engine, people, browser):
    good = (await add_tokens(engine, people["ada"]))["read"]
    seen = set()
    for n in range(40):
        headers = {"Authorization": f"Bearer ccp_{n:043}"}
        response = await browser.client.get(API, headers=headers)
        seen.add(response.status)
        if response.status == 429:
            break
    assert seen == {401, 429}
    assert int(response.headers["Retry-After"]) >= 1
    assert (await response.json())["error"]["id"] == "too_many_logins"
    # Bad ones stay refused, and a good one holds: it was never guessed, and a whole office may
    # share the address of whoever guesses.
    right = {"Authorization": f"Bearer {good}"}
    for _ in range(3):
        assert (await browser.client.get(API, headers=right)).status == 200
        again = await browser.client.get(API, headers=headers)
        assert again.status == 429
        assert API not in await again.text()
    audited = [entry.action for entry in await engine.store.audit()]
    assert audited.count("token.refused") == 20


async def test_guessing_passwords_is_stopped_and_told_for_how_long(browser):
    statuses = [(await browser.log_in("ada", f"guess number {n}")).status for n in range(8)]
    assert statuses[0] == 403
    assert statuses[-1] == 429
    answer = await browser.log_in("ada")
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert browser.cookie() == ""
    # The others are not kept out by it.
    assert (await browser.log_in("sue")).status == 303


async def test_logging_out_ends_the_session_itself(engine, browser):
    await browser.log_in("ada")
    secret = browser.cookie()
    done = await browser.post("/logout", on="/account")
    assert done.status == 303
    assert done.headers["Location"] == "/login?bye=out"
    assert browser.cookie() == ""
    assert await engine.access.principal_of_session(secret) is None
    assert "You are logged out." in await browser.text("/login?bye=out")


async def test_a_live_page_ends_with_its_session(engine, browser, monkeypatch):
    monkeypatch.setattr(stream, "CHECK_S", 0.0)
    await engine.campaign()
    await browser.log_in("ada")
    async with browser.client.get("/live") as live:
        await live.content.readuntil(b"event: regions")
        await engine.access.log_out(browser.cookie())
        await engine.campaign("Another")
        engine.live.touch()
        await live.content.read()  # comes to its end


async def test_logging_out_everywhere_ends_all(engine, server, browser):
    async with browser_of(server) as other, browser_of(server) as sue:
        for one, name in ((browser, "ada"), (other, "ada"), (sue, "sue")):
            await one.log_in(name)
        await browser.post("/account/log-out-everywhere", on="/account")
        assert (await other.get("/account")).status == 303
        assert (await browser.get("/account")).status == 303
        assert (await sue.get("/account")).status == 200


async def test_whoever_is_switched_off_is_out_at_once(engine, people, server, browser):
    async with browser_of(server) as sue:
        await sue.log_in("sue")
        token, _ = await engine.access.create_token(people["sue"], "t", {TokenScope.READ}, None)
        headers = {"Authorization": f"Bearer {token}"}
        assert (await browser.client.get(API, headers=headers)).status == 200
        await browser.log_in("ada")
        fields = {"role": "supervisor"}  # a box that is not ticked is not sent
        done = await browser.post(f"/users/{people['sue']}", fields, on="/account")
        assert done.status == 303
        assert (await sue.get("/account")).status == 303
        assert (await sue.log_in("sue")).status == 403
        browser.client.session.cookie_jar.clear()
        assert (await browser.client.get(API, headers=headers)).status == 401


async def test_a_password_is_changed_by_whoever_knows_it(engine, people, browser):
    await browser.log_in("ada")
    for old, new, again in (
        ("wrong password", NEW, NEW),
        (PASSWORD, NEW, NEW + "x"),
        (PASSWORD, "short", "short"),
    ):
        fields = {"old": old, "new": new, "again": again}
        refused = await browser.post("/account/password", fields, on="/account")
        assert refused.status == 400
        text = await refused.text()
        assert 'role="alert"' in text
        assert NEW not in text
    fields = {"old": PASSWORD, "new": NEW, "again": NEW}
    done = await browser.post("/account/password", fields, on="/account")
    assert done.headers["Location"] == "/login?bye=password"
    assert (await browser.get("/account")).status == 303
    assert (await browser.log_in("ada")).status == 403
    assert (await browser.log_in("ada", NEW)).status == 303


async def test_one_time_codes_are_set_up_and_asked_for(engine, people, browser):
    await browser.log_in("ada")
    page = await (await browser.post("/account/codes/begin", on="/account")).text()
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)[1]
    assert f"secret={secret}" in html.unescape(page)
    assert not (await engine.store.user(people["ada"])).has_totp
    for wrong in ("", "12345", "abcdef"):
        fields = {"secret": secret, "code": wrong}
        assert (await browser.post("/account/codes/confirm", fields, on="/account")).status == 400
    plain = totp.decoded(secret)
    code = totp.code_at(plain, int(utc_now().timestamp()) // 30)
    fields = {"secret": secret, "code": code}
    done = await browser.post("/account/codes/confirm", fields, on="/account")
    assert done.status == 303
    assert (await engine.store.user(people["ada"])).has_totp
    assert secret not in await browser.text("/account")
    await browser.post("/logout", on="/account")
    asked = await browser.log_in("ada")
    assert asked.status == 403
    text = await asked.text()
    assert "one-time code" in text
    assert re.search(r'name="code"[^>]* required', text)
    assert browser.cookie() == ""


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "</td><h1>x"]


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_of_tokens_are_text(engine, people, browser, name):
    await browser.log_in("ada")
    made = await browser.post("/account/tokens", {"name": name, "scope": "read"}, on="/account")
    for page in (await made.text(), await browser.text("/account"), await browser.text("/users")):
        assert html.escape(name, quote=True).replace("&#x27;", "&#39;") in page.replace(
            "&#34;", "&quot;"
        )
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert ">49<" not in page
        assert "</td><h1>" not in page


@pytest.mark.parametrize("name", [*HOSTILE, "a b", "ada", "ADA", "", "x" * 65, "a\r\nb", "ądą\x00"])
async def test_names_of_accounts_that_could_harm_are_refused_as_text(engine, browser, name):
    await browser.log_in("ada")
    fields = {"name": name, "password": NEW, "role": "admin"}
    refused = await browser.post("/users", fields, on="/account")
    assert refused.status == 400
    page = await refused.text()
    assert 'role="alert"' in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "</td><h1>" not in page
    assert len(await engine.access.users()) == 4


async def test_browsers_names_are_text(engine, people, server, browser):
    agent = '<script>alert(1)</script>"><b>' + "x" * 500
    fields = {"name": "ada", "password": PASSWORD}
    await browser.post("/login", fields, headers={"User-Agent": agent})
    page = await browser.text("/account")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "x" * 201 not in page


async def test_a_token_is_shown_once_and_is_no_more_than_its_maker(engine, people, browser):
    await browser.log_in("sue")
    made = await browser.post(
        "/account/tokens", {"name": "crm", "scope": "read", "days": "30"}, on="/account"
    )
    token = re.search(r'id="token">(ccp_[^<]+)<', await made.text())[1]
    assert made.headers["Cache-Control"] == "no-store"
    assert token not in await browser.text("/account")
    (kept,) = await engine.access.tokens(people["sue"])
    assert kept.expires_at is not None
    for fields in (
        {"name": "more", "scope": "admin"},
        {"name": "more", "scope": "manage"},
        {"name": "more", "scope": "everything"},
        {"name": "more", "scope": ""},
        {"name": "", "scope": "read"},
        {"name": "crm", "scope": "read"},
        {"name": "more", "scope": "read", "days": "0"},
        {"name": "more", "scope": "read", "days": "-1"},
        {"name": "more", "scope": "read", "days": "9" * 30},
        {"name": "more", "scope": "read", "days": "²"},
    ):
        refused = await browser.post("/account/tokens", fields, on="/account")
        assert refused.status == 400, fields
        assert 'role="alert"' in await refused.text()
    assert len(await engine.access.tokens()) == 1


async def test_nobody_revokes_the_token_of_another_but_an_administrator(
    engine, people, server, browser
):
    _, token = await engine.access.create_token(people["ada"], "t", {TokenScope.READ}, None)
    await browser.log_in("max")
    mine = f"/account/tokens/{token.id}/revoke"
    assert (await browser.post(mine, on="/account")).status == 404
    (kept,) = await engine.access.tokens()
    assert kept.revoked_at is None
    async with browser_of(server) as ada:
        await ada.log_in("ada")
        assert (await ada.post(f"/users/tokens/{token.id}/revoke", on="/users")).status == 303
    (kept,) = await engine.access.tokens()
    assert kept.revoked_at is not None


async def test_administrators_add_change_and_reset(engine, people, server, browser):
    await browser.log_in("ada")
    fields = {"name": "Joe", "password": NEW, "role": "supervisor", "manages_campaigns": "1"}
    assert (await browser.post("/users", fields, on="/users")).status == 303
    joe = next(u for u in await engine.access.users() if u.name == "joe")
    assert (joe.role, joe.manages_campaigns, joe.active) == (Role.SUPERVISOR, True, True)
    path = f"/users/{joe.id}"
    assert (await browser.post(path, {"role": "agent", "active": "1"}, on="/users")).status == 303
    assert (await engine.store.user(joe.id)).role is Role.AGENT
    assert (await browser.post(path, {"role": "king", "active": "1"}, on="/users")).status == 400
    async with browser_of(server) as other:
        assert (await other.log_in("joe", NEW)).status == 303
        reset = {"password": PASSWORD}
        assert (await browser.post(f"{path}/password", reset, on="/users")).status == 303
        assert (await other.get("/account")).status == 303
        assert (await other.log_in("joe")).status == 303
        assert (await browser.post(f"{path}/log-out", on="/users")).status == 303
        assert (await other.get("/account")).status == 303
    short = await browser.post(f"{path}/password", {"password": "short"}, on="/users")
    assert short.status == 400
    # Nobody locks everybody out.
    own = f"/users/{people['ada']}"
    assert (await browser.post(own, {"role": "agent", "active": "1"}, on="/users")).status == 400
    assert (await browser.post("/users/999", {"role": "agent"}, on="/users")).status == 404


async def test_the_first_account_is_not_made_in_a_browser(engine):
    async with browsing(engine) as server, browser_of(server) as browser:
        assert "callcamp init" in await browser.text("/users")
        assert "callcamp init" in await browser.text("/login")
        fields = {"name": "eve", "password": NEW, "role": "admin"}
        assert (await browser.post("/users", fields, on="/users")).status == 403
    assert await engine.access.users() == []


async def test_changes_are_audited_as_their_maker(engine, people, browser):
    campaign = await engine.campaign(contacts=1)
    token = (await add_tokens(engine, people["ada"]))["manage"]
    await browser.log_in("max")
    await browser.post(f"/campaigns/{campaign.id}/start", on="/account")
    headers = {"Authorization": f"Bearer {token}"}
    await browser.client.post(f"{API}/{campaign.id}/pause", headers=headers)
    actors = {e.action: e.actor for e in await engine.store.audit(campaign_id=campaign.id)}
    assert actors["campaign.started"] == "user:max"
    assert actors["campaign.paused"] == "token:manage"


async def test_strangers_do_not_learn_why_asterisk_is_away(engine, browser):
    engine.link_up, engine.link_problem = False, "No answer from pbx.internal:5038."
    for path in ("/login", "/nothing"):
        assert "pbx.internal" not in await (await browser.get(path)).text()
    await browser.log_in("kim")
    assert "pbx.internal" not in await browser.text("/account")
    browser.client.session.cookie_jar.clear()
    await browser.log_in("sue")
    assert "pbx.internal" in await browser.text("/")


async def test_the_process_is_alive_also_without_its_database(engine, browser, monkeypatch):
    await browser.log_in("ada")

    async def broken(*_a, **_kw):
        raise StoreError("The database is away.")

    monkeypatch.setattr(engine.access, "principal_of_session", broken)
    assert (await browser.client.get("/healthz")).status == 200
    assert (await browser.client.get("/static/callcamp.css")).status == 200
    page = await browser.get("/account")
    assert page.status == 503
    assert (await browser.client.get(API)).status == 503


async def test_pages_of_accounts_carry_no_script_or_style_of_their_own(browser):
    login = await browser.text("/login")
    await browser.log_in("ada")
    for text in (login, await browser.text("/account"), await browser.text("/users")):
        assert "style=" not in text
        assert "<style" not in text
        assert " onclick" not in text
        assert text.count("<script") == text.count('<script src="/static/')
