"""Webhooks from the command line."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture
from test_cli_lists import camp, with_campaign  # noqa: F401 - fixtures

from callcamp.core.states import CampaignEvent
from callcamp.engine.clock import utc_now
from callcamp.engine.webhooks import Deliverer, Sender
from callcamp.store import SqlStore


class _Take(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body)["type"])  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(b"\x1b[31mred")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Take) as one:
        one.got, one.status = [], 200  # type: ignore[attr-defined]
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture
def hooked(camp: Cli, server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: F811
    monkeypatch.setenv("CALLCAMP_WEBHOOK_ALLOW_PRIVATE", "true")
    return f"http://127.0.0.1:{server.server_port}/hook"


def start_and_deliver(folder: Path) -> None:
    """Start the campaign, and do once what the engine does all the time."""

    async def work() -> None:
        store = SqlStore(f"sqlite:///{folder}/callcamp-data/callcamp.sqlite3")
        await store.open()
        try:
            await store.move_campaign(1, CampaignEvent.STARTED, now=utc_now())
            async with Sender(allow_private=True) as sender:
                await Deliverer(store, sender).deliver(1)
        finally:
            await store.close()

    asyncio.run(work())


def test_webhooks_from_first_to_last(
    camp: Cli,  # noqa: F811
    hooked: str,
    server: HTTPServer,
    tmp_path: Path,
) -> None:
    assert "No webhooks" in camp("webhook", "list").out
    made = camp("webhook", "add", hooked, "--event", "campaign.started", "--json").json
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["campaign.started"]
    listed = camp("webhook", "list")
    assert hooked in listed.out
    assert made["secret"] not in listed.out
    assert "secret" not in camp("webhook", "list", "--json").json["items"][0]
    assert "No deliveries" in camp("webhook", "deliveries", "1").out
    start_and_deliver(tmp_path)
    (delivery,) = camp("webhook", "deliveries", "1", "--json").json["items"]
    assert (delivery["status"], delivery["type"]) == ("delivered", "campaign.started")
    shown = camp("webhook", "deliveries", "1", "--status", "delivered").out
    assert "answered 200" in shown
    assert "sent again" in camp("webhook", "redeliver", "1").out
    assert camp("webhook", "redeliver", "1", "--json").json["status"] == "pending"
    assert camp("webhook", "list", "--json").json["items"][0]["waiting"] == 1
    assert "WAITING" in camp("webhook", "list").out
    tested = camp("webhook", "test", "1")
    assert "answered 200" in tested.out
    assert "\x1b" not in tested.out
    assert camp("webhook", "test", "1", "--json").json["ok"] is True
    server.status = 500  # type: ignore[attr-defined]
    assert camp("webhook", "test", "1", "--json", code=1).json["status"] == 500
    assert server.got == ["campaign.started", "ping", "ping", "ping"]  # type: ignore[attr-defined]
    assert "is off" in camp("webhook", "change", "1", "--off").out
    assert "no" in camp("webhook", "list").out
    assert "switched off" in camp("webhook", "redeliver", "1", code=1).err
    changed = camp("webhook", "change", "1", "--on", "--event", "*", "--json").json
    assert (changed["active"], len(changed["events"])) == (True, 13)
    audit = camp("audit", "--json").out
    assert made["secret"] not in audit
    assert camp("webhook", "remove", "1", "--json").json == {"id": 1, "deleted": True}
    assert camp("webhook", "remove", "1", "--json", code=1).json["error"]["id"] == "not_found"


def test_a_secret_is_shown_once_to_people_too(
    camp: Cli,  # noqa: F811
    hooked: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = camp("webhook", "add", hooked, "--campaign", "1")
    assert "all events" in ran.out
    assert "Secret: whsec_" in ran.out
    assert "not shown again" in ran.err
    first = ran.out.partition("Secret: ")[2].strip()
    renewed = camp("webhook", "renew-secret", "1", "--yes")
    second = renewed.out.partition("Secret: ")[2].strip()
    assert second.startswith("whsec_")
    assert second != first
    assert "not shown again" in renewed.err
    third = camp("webhook", "renew-secret", "1", "--yes", "--json").json["secret"]
    assert third.startswith("whsec_")
    assert third not in {first, second}
    kept = camp("audit", "--json").out
    assert "webhook.secret_renewed" in kept
    assert "whsec_" not in kept
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    # Whoever does not say yes keeps the secret that the receiver has.
    assert "Renew the secret" in camp("webhook", "renew-secret", "1", code=1).err
    assert camp("audit", "--json").out == kept
    assert "Deleted webhook 1" in camp("webhook", "remove", "1").out
    assert "no webhook 1" in camp("webhook", "renew-secret", "1", "--yes", code=1).err


@pytest.mark.parametrize(
    "arguments",
    [
        ("http://127.0.0.1:9/",),
        ("http://169.254.169.254/latest",),
        ("http://localhost/",),
        ("file:///etc/passwd",),
        ("https://1.1.1.1/", "--event", "no.such"),
    ],
)
def test_what_may_not_be_told_is_refused(camp: Cli, arguments: tuple[str, ...]) -> None:  # noqa: F811
    ran = camp("webhook", "add", *arguments, "--json", code=2)
    assert ran.json["error"]["id"] == "invalid_input"
    assert camp("webhook", "list", "--json").json == {"items": []}
