"""Nobody but this machine's own person, and nothing but our own pages."""

from __future__ import annotations

import pytest
from access_kit import browser_of, browsing
from web_fakes import token_in

from callcamp.errors import InvalidInput
from callcamp.http.security import HEADERS, check_bind
from callcamp.settings import Settings

PATHS = [
    "/",
    "/campaigns/new",
    "/trunks",
    "/nothing",
    "/healthz",
    "/api/v1/campaigns",
    "/static/callcamp.css",
]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.8.7"])
def test_loopback_may_be_bound(host):
    check_bind(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", "", "127.1"])
def test_nothing_else_may_be_bound(host):
    with pytest.raises(InvalidInput, match="ssh -L") as caught:
        check_bind(host)
    assert caught.value.details["field"] == "http_host"


@pytest.mark.parametrize("host", ["192.168.1.2", "calls.example.com", "fd00::1"])
def test_with_an_administrator_an_address_may_be_bound(host):
    check_bind(host, has_admin=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_all_addresses_may_be_bound_when_the_names_are_told(host):
    check_bind(host, has_admin=True, allowed_hosts=["calls.example.com"])
    with pytest.raises(InvalidInput, match="http_allowed_hosts") as caught:
        check_bind(host, has_admin=True)
    assert caught.value.details["field"] == "http_allowed_hosts"
    with pytest.raises(InvalidInput, match="callcamp init"):
        check_bind(host, allowed_hosts=["calls.example.com"])


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({"http_allowed_hosts": ["calls.example.com"]}, "calls.example.com", 303),
        ({"http_allowed_hosts": ["calls.example.com"]}, "CALLS.example.com:8080", 303),
        ({"http_allowed_hosts": ["calls.example.com"]}, "evil.example", 403),
        ({"http_allowed_hosts": ["calls.example.com"]}, "x.calls.example.com", 403),
        ({"http_host": "192.168.1.2"}, "192.168.1.2:8080", 303),
        ({"http_host": "0.0.0.0"}, "0.0.0.0", 403),
    ],
)
async def test_only_names_that_were_told_are_answered(engine, settings, host, status):
    headers = {"Host": host, "Accept": "text/html"}
    async with browsing(engine, **settings) as server, browser_of(server) as browser:
        assert (await browser.get("/", headers=headers)).status == status


@pytest.mark.parametrize("proxy", ["proxy.example.com", "10.0.0.0/33", "10.0.0.1/8", ""])
def test_proxies_are_told_by_address(proxy):
    with pytest.raises(ValueError, match="http_trusted_proxies"):
        Settings(http_trusted_proxies=[proxy])


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.2",
        "0.0.0.0",
        "a@localhost",
        "localhost:notaport",
        "localhost:99999",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/campaigns", "/live", "/static/callcamp.css"])
async def test_a_rebound_name_gets_nothing(client, host, path):
    response = await client.get(path, headers={"Host": host})
    assert response.status in {400, 403}
    text = await response.text()
    assert "csrf" not in text
    assert "Campaigns" not in text


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8080", "[::1]:8080"])
async def test_own_names_are_answered(client, host):
    assert (await client.get("/", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_change_nothing(client, engine, post, headers):
    campaign = await engine.campaign(contacts=1)
    for path in (f"/campaigns/{campaign.id}/start", f"/api/v1/campaigns/{campaign.id}/start"):
        assert (await post(path, headers=headers)).status == 403
    assert (await engine.store.campaign(campaign.id)).status.value == "draft"


async def test_our_own_pages_do(client, engine, post):
    campaign = await engine.campaign(contacts=1)
    own = str(client.make_url("/")).rstrip("/")
    headers = {"Origin": own, "Sec-Fetch-Site": "same-origin"}
    assert (await post(f"/campaigns/{campaign.id}/start", headers=headers)).status == 303


async def test_a_form_needs_its_token(client, engine):
    campaign = await engine.campaign(contacts=1)
    path = f"/campaigns/{campaign.id}/start"
    token = token_in(await (await client.get("/")).text())
    for sent in ({}, {"csrf": ""}, {"csrf": "é"}, {"csrf": token[:-1]}, {"csrf": "0" * 64}):
        response = await client.post(path, data=sent)
        assert response.status == 403
        assert "Load the page again" in await response.text()
    client.session.cookie_jar.clear()
    assert (await client.post(path, data={"csrf": token})).status == 403
    assert (await engine.store.campaign(campaign.id)).status.value == "draft"


async def test_the_cookie_is_for_this_site_and_not_for_scripts(client):
    cookie = (await client.get("/")).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("path", PATHS)
async def test_headers_are_on_every_answer(client, path):
    response = await client.get(path)
    for name, value in HEADERS.items():
        assert response.headers[name] == value
    assert response.headers["Cache-Control"] in {"no-store", "no-cache"}


async def test_pages_carry_no_script_or_style_of_their_own(client, engine):
    campaign = await engine.campaign(contacts=2)
    for path in ("/", f"/campaigns/{campaign.id}", "/campaigns/new", "/trunks"):
        text = await (await client.get(path)).text()
        assert "style=" not in text
        assert "<style" not in text
        assert " onclick" not in text
        assert text.count("<script") == text.count('<script src="/static/')


@pytest.mark.parametrize(
    "path",
    [
        "/static/../templates/base.html",
        "/static/%2e%2e/templates/base.html",
        "/static/..%2ftemplates/base.html",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/",
        "/static/" + "a" * 5000,
        "/static/%00",
    ],
)
async def test_static_files_stay_in_their_folder(client, path):
    from yarl import URL

    url = URL(str(client.make_url("/"))[:-1] + path, encoded=True)
    response = await client.session.get(url)
    assert response.status in {403, 404}


async def test_a_form_too_large_is_refused(client, post):
    response = await post("/trunks", {"name": "x" * 300_000})
    assert response.status == 413


async def test_a_crash_tells_a_reference_and_nothing_else(client, engine, monkeypatch):
    async def crash(*_):
        raise RuntimeError("secret /etc/path")

    monkeypatch.setattr(engine.commands, "all_stats", crash)
    page = await client.get("/")
    assert page.status == 500
    assert "secret" not in await page.text()
    api = await client.get("/api/v1/campaigns")
    assert api.status == 500
    error = (await api.json())["error"]
    assert error["id"] == "internal"
    assert len(error["details"]["reference"]) == 8
    assert "secret" not in error["message"]


@pytest.mark.parametrize("path", ["/trunks", "/campaigns/1/imports", "/campaigns/1/start"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"csrf=\xff"),
        ("application/x-www-form-urlencoded; charset=bogus", b"csrf=x"),
        ("application/x-www-form-urlencoded; charset=hex", b"csrf=x"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"csrf=x"),
        ("multipart/form-data", b"csrf=x"),
        ("multipart/form-data; boundary=", b"csrf=x"),
        ("multipart/form-data; boundary=x", b"csrf=x"),
        ("multipart/form-data; boundary=x", b"--x\r\nno colon\r\n\r\nabc\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            (
                b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n'
                b"Content-Transfer-Encoding: bogus\r\n\r\nabc\r\n--x--\r\n"
            ),
        ),
        (
            "multipart/form-data; boundary=x",
            (
                b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n'
                b"Content-Encoding: gzip\r\n\r\nabc\r\n--x--\r\n"
            ),
        ),
        (
            "multipart/form-data; boundary=x",
            (
                b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n'
                b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n--y--\r\n--x--\r\n"
            ),
        ),
    ],
)
async def test_a_body_that_is_no_form_is_no_crash(client, engine, path, kind, body):
    await engine.campaign()
    response = await client.post(path, data=body, headers={"Content-Type": kind})
    assert response.status in {400, 403}
