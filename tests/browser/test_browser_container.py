"""The files of ``docker/`` as they are: a browser on the street talks with Asterisk in its box.

Nobody on the street knows the containers' addresses: ports are published, as a container engine
does it, and all that Asterisk, callcamp and the proxy know comes from compose's files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from browser_kit import chromium, new_context
from container_kit import (
    DOCKER,
    HOST,
    POD,
    SECRET,
    STREET,
    TOP,
    Containers,
    composed,
    containers,
    wait_until,
)
from desk_phone_kit import DeskPhone
from phone_kit import FAKE_MEDIA, packets_flow, state_is
from playwright.async_api import BrowserContext, Page, async_playwright

from callcamp.errors import LabError
from callcamp.lab.rootfs import ensure_rootfs

pytestmark = [pytest.mark.browser, pytest.mark.asterisk, pytest.mark.timeout(240)]

PASSWORD = "a-long-password-of-anna"
TURN_SECRET = "a-secret-of-the-relay"
NAME = "calls.test"


def not_tested(reason: str) -> None:
    """Skip loudly; in CI fail."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    warnings.simplefilter("default")
    warnings.warn(f"NOT TESTED, {reason}", stacklevel=1)
    pytest.skip(f"NOT TESTED, {reason}")


@pytest.fixture
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    for tool in ("socat", "nft", "ip", "openssl", "nsenter"):
        if shutil.which(tool) is None:
            not_tested(f"there is no {tool} (Debian: socat nftables iproute2 openssl)")
    try:
        root = ensure_rootfs()
    except LabError as error:
        not_tested(f"there is no lab: {error.message}")
    if subprocess.run(["unshare", "--net", "--mount", "true"], check=False).returncode:
        not_tested("namespaces may not be made here")
    # Every folder above must be open to Asterisk's user.
    base = Path(tmp_path_factory.mktemp("box"))
    for folder in (base, base.parent):
        folder.chmod(0o755)
    with containers(base, root) as found:
        yield found


def certificate(box: Containers, name: str) -> None:
    """Put a self-made certificate where compose.wss.yaml says, for Asterisk's group alone."""
    key, chain = box.certs / "privkey.pem", box.certs / "fullchain.pem"
    made = f"-days 2 -subj /CN={name} -keyout {key} -out {chain}"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes {made}"
    subprocess.run(command.split(), check=True, capture_output=True)
    os.chown(key, 0, 10001)
    key.chmod(0o640)


def up(box: Containers, whole: dict[str, Any]) -> None:
    """Start what every set of services has, and give anna and bert their phones."""
    box.publish(whole["services"]["pod"])
    box.asterisk(whole["services"]["asterisk"])
    service = whole["services"]["callcamp"]
    box.callcamp(service, "callcamp", "migrate")
    box.callcamp(service, "callcamp", "agent", "add", "anna", "--phone", "browser")
    box.callcamp(service, "callcamp", "agent", "add", "bert", "--phone", "sip")
    box.callcamp(service, str(DOCKER / "callcamp/phones.sh"))
    box.cli("module reload res_pjsip.so")
    box.serve(service)
    box.leads("pod", 8081, "127.0.0.1:8080")


@asynccontextmanager
async def browsing(box: Containers, *flags: str) -> AsyncIterator[BrowserContext]:
    """Yield a Chromium on the street."""
    wrapper = box.folder / "chromium"
    inside = " ".join(box.inside("street", [chromium()]))
    wrapper.write_text(f'#!/bin/sh\nexec {inside} "$@"\n')
    wrapper.chmod(0o755)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(wrapper), args=[*FAKE_MEDIA, *flags]
        )
        yield await new_context(browser, ignore_https_errors=True)
        await browser.close()


def called(box: Containers, endpoint: str) -> None:
    """Let Asterisk call a phone and send back what it says."""
    script = (
        "from callcamp.lab import Ami\n"
        f"with Ami('127.0.0.1', 5038, 'callcamp', {SECRET!r}) as ami:\n"
        f"    ami.action('Originate', Channel='PJSIP/{endpoint}', Application='Echo', Async='true')"
    )
    subprocess.run(box.inside("pod", [sys.executable, "-c", script]), check=True)


async def talks(box: Containers, page: Page, meanwhile: Callable[[], bool] = lambda: True) -> None:
    """Let the phone of a page be called; sound must go both ways."""
    await state_is(page, "ready")
    called(box, "anna")
    await state_is(page, "in_call")
    await packets_flow(page)
    wait_until("what has to be seen in a call", meanwhile)
    await page.get_by_role("button", name="Hang up").click()
    await state_is(page, "ready")


async def test_a_phone_talks_over_asterisks_own_tls(box: Containers) -> None:
    certificate(box, HOST)
    url = f"wss://{HOST}:8089/ws"
    env = {"CALLCAMP_AGENT_ADDRESS": HOST, "CALLCAMP_PHONE_WS_URL": url}
    up(box, composed("compose.wss.yaml", **env))
    # The pages' proxy is elsewhere: here, a way from the browser's own loopback.
    box.leads("host", 8080, f"{POD}:8081")
    box.leads("street", 8080, f"{HOST}:8080")
    async with browsing(box, "--ignore-certificate-errors") as context:
        page = await context.new_page()
        refused: list[str] = []
        page.on("console", lambda m: m.type == "error" and refused.append(m.text))
        answer = await page.goto("http://127.0.0.1:8080/agent/phone?agent=anna")
        assert answer is not None
        assert f"connect-src 'self' wss://{HOST}:8089" in answer.headers["content-security-policy"]
        await talks(box, page)
        assert refused == []
        certificate(box, "renewed.test")
        box.cli("module reload http")
        shown = box.run("street", f"openssl s_client -connect {HOST}:8089 </dev/null 2>&1 || true")
        assert "CN = renewed.test" in shown or "CN=renewed.test" in shown


async def test_pages_and_phone_over_the_proxy_and_sound_over_turn(box: Containers) -> None:
    """The proxy of compose.https.yaml; then a street whose firewall lets no UDP out."""
    for tool in ("caddy", "turnserver"):
        if shutil.which(tool) is None:
            not_tested(f"there is no {tool} (Debian: caddy coturn)")
    whole = composed(
        "compose.https.yaml",
        "compose.turn.yaml",
        CALLCAMP_HOST=NAME,
        CALLCAMP_TLS=f"{box.certs}/fullchain.pem {box.certs}/privkey.pem",
        CALLCAMP_AGENT_ADDRESS=HOST,
        CALLCAMP_PHONE_ICE_SERVERS=f'["turn:{NAME}:3478?transport=tcp"]',
    )
    certificate(box, NAME)
    (box.folder / "turn_secret").write_text(TURN_SECRET)
    up(box, whole)
    service = whole["services"]["callcamp"]
    (box.folder / "password").write_text(PASSWORD)
    for name, role in (("chief", "admin"), ("anna", "agent")):
        words = ("user", "add", name, "--role", role)
        box.callcamp(service, "callcamp", *words, "--password-file", str(box.folder / "password"))
    environment = whole["services"]["https"]["environment"]
    box.start(
        "https",
        box.inside("pod", ["caddy", "run", "--config", str(DOCKER / "Caddyfile")]),
        env={**environment, "HOME": str(box.folder), "XDG_DATA_HOME": str(box.folder)},
    )
    box.listens("pod", 443)
    run = box.folder / "turn"
    run.mkdir()
    secret = str(box.folder / "turn_secret")
    box.start(
        "turn",
        box.inside("pod", ["sh", str(DOCKER / "turn.sh")]),
        env={"CALLCAMP_RUN_DIR": str(run), "CALLCAMP_TURN_SECRET_FILE": secret},
    )

    def at_3478() -> bool:
        """Say whether somebody is connected with the relay over TCP."""
        return bool(re.search(r":0D96 \S+ 01 ", box.run("pod", "cat /proc/net/tcp")))

    mapped = f"--host-resolver-rules=MAP {NAME} {HOST}"
    async with browsing(box, "--ignore-certificate-errors", mapped) as context:
        page = await context.new_page()
        refused: list[str] = []
        page.on("console", lambda m: m.type == "error" and refused.append(m.text))
        await page.goto(f"https://{NAME}/agent/phone")
        await page.get_by_label("Name").fill("anna")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await talks(box, page)
        box.run("street", "nft add table ip fire")
        box.run("street", "nft 'add chain ip fire out { type filter hook output priority 0; }'")
        box.run("street", "nft add rule ip fire out ip protocol udp drop")
        await page.reload()
        await talks(box, page, at_3478)
        assert refused == []
    for name in ("callcamp", "turn", "https", "asterisk"):
        assert TURN_SECRET not in box.said(name)
        assert SECRET not in box.said(name)


def told(invitation: str, address: str, port: int) -> None:
    """Check that somebody is told to answer, and to send sound, to an address."""
    assert f"c=IN IP4 {address}\r\n" in invitation
    assert re.search(f"Contact: <sip:[^>]*@{address}:{port}>", invitation)


def test_providers_and_desk_phones_are_told_the_addresses_that_they_know(box: Containers) -> None:
    provider = "198.51.100.1"
    whole = composed(CALLCAMP_EXTERNAL_ADDRESS=provider, CALLCAMP_AGENT_ADDRESS=HOST)
    example = (TOP / "asterisk/pjsip_callcamp_example.conf").read_text()
    trunk = example.replace("sip.example.net:5060", f"{STREET}:5060")
    (box.folder / "upper/etc/asterisk/callcamp_trunks.conf").write_text(trunk)
    up(box, whole)
    phones = (box.phones / "pjsip_callcamp_phones.conf").read_text()
    password = phones.partition("username = bert\npassword = ")[2].partition("\n")[0]
    with DeskPhone(box, "bert", 5061) as phone:
        assert phone.register(password) == "SIP/2.0 200 OK"
        assert phone.heard("OPTIONS ")[1] == (HOST, 5061)
        called(box, "bert")
        invitation, sender = phone.heard("INVITE sip:bert@")
        assert sender == (HOST, 5061)
        told(invitation, HOST, 5061)
        called(box, "33155500000@my-trunk")
        invitation, sender = phone.heard("INVITE sip:33155500000@")
        assert sender[1] != 5061
        told(invitation, provider, 5060)
