"""Logs hold no secret, no whole number, and say which call they are about."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from callcamp.app import run_engine
from callcamp.cli.logs import set_up_logs
from callcamp.cli.redact import HIDDEN, Redactor
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow, RetryPolicy
from callcamp.core.model import NewContact
from callcamp.core.states import CampaignStatus
from callcamp.engine.clock import Clock
from callcamp.engine.tokens import PREFIX
from callcamp.http.app import make_app
from callcamp.settings import Settings
from callcamp.store import migrate
from callcamp.switch.simulated import SimulatedSwitch

SECRET = "s3cret-of-the-manager"
TOKEN = f"{PREFIX}AAAAbbbbCCCCdddd1111222233334444"


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def redacted(**event: Any) -> dict[str, Any]:
    settings = Settings(
        ami_secret=SecretStr(SECRET), database_url="postgresql://me:pass%2Dword@host/db"
    )
    return dict(Redactor(settings)(None, "info", event))


@pytest.mark.parametrize(
    "text",
    [
        f"Login with {SECRET} failed",
        "postgresql://me:pass%2Dword@host/db cannot be reached",
        "the server refused pass-word",
        "http://someone:hunter22@proxy.example/ said no",
        f"a token {TOKEN} came",
        f"Authorization: Bearer {TOKEN}",
        "Authorization: Basic dXNlcjpodW50ZXIyMg==",
        "Cookie: callcamp=hunter22abcdef",
        "password=hunter22&next=/",
        "whsec_AAAAbbbbCCCCdddd1111 signs",
    ],
)
def test_a_secret_in_running_text_is_hidden(text: str) -> None:
    said = json.dumps(redacted(event=text, nested={"deep": [text]}))
    assert HIDDEN in said
    for secret in (SECRET, "pass%2Dword", "pass-word", "hunter22", TOKEN, "dXNl", "whsec_AAAA"):
        assert secret not in said


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "ami_secret",
        "token",
        "session_token",
        "Cookie",
        "csrf",
        "Authorization",
        "authorisation",
        "api_key",
        "totp",
        "signature",
    ],
)
def test_a_secret_is_hidden_by_its_name(name: str) -> None:
    event = redacted(**{name: "x", "deep": {name: ["x", 5]}})
    assert event == {name: HIDDEN, "deep": {name: HIDDEN}}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("calling +33612345678 now", "calling ***5678 now"),
        ("PJSIP/33612345678@carrier", "PJSIP/***5678@carrier"),
        ("PJSIP/+33612345678@carrier", "PJSIP/***5678@carrier"),
        ("0612345678 is suppressed", "***5678 is suppressed"),
        ("+1 is a country", "+1 is a country"),
        ("2026-11-21T12:00:00.123456+00:00", "2026-11-21T12:00:00.123456+00:00"),
        ("127.0.0.1:50381", "127.0.0.1:50381"),
        ("attempt cc-019a81234567-0000012345678", "attempt cc-019a81234567-0000012345678"),
        ("campaign 12345", "campaign 12345"),
    ],
)
def test_numbers_keep_their_last_digits(text: str, kept: str) -> None:
    assert redacted(event=text)["event"] == kept


def test_values_that_are_no_texts_stay() -> None:
    event = {"campaign": 7, "link_up": True, "age_s": 1.5, "none": None, "token_id": 3}
    assert redacted(**event) == event
    assert redacted(number="0612", phones=["+33612345678"]) == {
        "number": "0612",
        "phones": ["***5678"],
    }


def test_words_about_secrets_stay() -> None:
    for text in ("The password is too short.", "Make another token.", "basic rules", "no secret"):
        assert redacted(event=text)["event"] == text


def test_an_admin_may_want_whole_numbers() -> None:
    redact = Redactor(Settings(log_numbers=True, ami_secret=SecretStr(SECRET)))
    assert redact.text("+33612345678") == "+33612345678"
    assert redact.text(SECRET) == HIDDEN
    assert redact(None, "info", {"phone": "0612345678"}) == {"phone": "0612345678"}


@pytest.mark.parametrize("as_json", [True, False])
def test_an_exception_holds_no_secret(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    set_up_logs(Settings(ami_secret=SecretStr(SECRET), log_json=as_json))
    try:
        raise ValueError(f"{SECRET} of +33612345678")
    except ValueError:
        structlog.get_logger("callcamp.x").exception("crashed")
        logging.getLogger("library").exception("crashed with %s", SECRET)
    err = capsys.readouterr().err
    assert err.count("ValueError") >= 2
    assert SECRET not in err
    assert "33612345678" not in err
    assert "***5678" in err


async def _run(settings: Settings, switch: SimulatedSwitch, speed: float) -> int:
    async with run_engine(settings, Clock(speed)) as engine:
        async with TestClient(TestServer(make_app(engine, settings))) as client:
            # Whatever it answers: nothing of it may come into the log.
            for headers in (
                {"Authorization": f"Bearer {TOKEN}"},
                {"Cookie": "callcamp=hunter22hunter22"},
            ):
                await (await client.get("/campaigns/999", headers=headers)).read()
            await client.post("/login", data={"name": "root", "password": "hunter22hunter22"})
            trunk = await engine.commands.save_trunk(
                "carrier", dial_string="PJSIP/{number}@carrier", cps=1000
            )
            campaign = await engine.commands.create_campaign(
                CampaignSettings(
                    name="logged",
                    trunk_id=trunk.id,
                    concurrency=30,
                    ring_timeout_s=20,
                    window=DailyWindow(time(0), time(0), weekdays=frozenset(range(7))),
                    mode=CampaignMode.MULTI_DAY,
                    prompt="hello",
                    retry=RetryPolicy(max_attempts=2, delay_s=1),
                )
            )
            people = [NewContact(f"+3361200{n:04d}", {"name": "Zoë"}) for n in range(60)]
            await engine.store.add_contacts(campaign.id, people, now=engine.clock.now())
            await engine.commands.start(campaign.id)
            while (await engine.store.campaign(campaign.id)).status is not CampaignStatus.COMPLETED:
                await engine.live.wait(engine.live.version)
        return campaign.id


async def test_the_log_of_a_whole_run_holds_no_secret_and_no_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    speed = 40.0
    async with SimulatedSwitch(secret=SECRET, seed=3, speed=speed) as switch:
        settings = Settings(
            database_url=f"sqlite:///{tmp_path / 'run.sqlite3'}",
            data_dir=tmp_path,
            ami_host=switch.host,
            ami_port=switch.port,
            ami_secret=SecretStr(SECRET),
            http_port=0,
            log_json=True,
            log_level="debug",
        )
        migrate(settings.database_url)
        set_up_logs(settings)
        campaign_id = await _run(settings, switch, speed)
        numbers = {number.lstrip("+") for number in switch.witness()}
    err = capsys.readouterr().err
    assert len(numbers) == 60
    assert SECRET not in err
    assert "hunter22" not in err
    assert not [number for number in numbers if number in err]
    assert not re.search(r"ccp_|whsec_|argon2", err)
    lines = [json.loads(line) for line in err.splitlines()]
    ended = [line for line in lines if line["event"] == "call_ended"]
    assert len(ended) >= 60
    for line in ended:
        assert line["campaign"] == campaign_id
        assert line["contact"]
        assert line["attempt"].startswith("cc")
        assert line["disposition"]
    assert {line["contact"] for line in ended} == set(range(1, 61))
    # Every line about a call names all three, so that one look finds all that is said of it.
    names = {"campaign", "contact", "attempt"}
    about = [line for line in lines if {"contact", "attempt"} & line.keys()]
    assert all(names <= line.keys() for line in about)
    sent = [line for line in about if line["event"] == "call_sent"]
    assert {line["attempt"] for line in sent} == {line["attempt"] for line in ended}
    assert {line["campaign"] for line in about} == {campaign_id}


async def test_requests_that_are_no_http_do_not_fill_the_log(capsys: Any) -> None:
    async def answer(_request: web.Request) -> web.Response:
        raise AssertionError("nothing can be asked so")

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server:
        # Afterwards: the client's own set-up must not be taken for the logs of callcamp.
        set_up_logs(Settings())
        host, port = str(server.host), server.port
        for line in (b"X-Bad\r\n", b"Content-Length: -1\r\n", b"Content-Encoding: br\r\n"):
            reader, writer = await asyncio.open_connection(host, port)
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
            writer.write(head + line + b"Content-Type: a/b\r\n\r\n")
            assert b" 40" in await reader.read(20)
            writer.close()
    said = capsys.readouterr().err
    assert "Error handling request" in said
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 3
