"""The doctor: each fault is found, named, and comes with a way to mend it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_runner import Cli
from database_kit import make_database
from test_cli_basics import cli  # noqa: F401 - a fixture

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.model import NewContact, Trunk
from callcamp.core.outcome import Evidence
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import CampaignEvent
from callcamp.engine.doctor import (
    Check,
    Verdict,
    check_facts,
    check_outbox,
    check_schema,
    check_store,
    check_switch,
    check_trunks,
    endpoint_of,
)
from callcamp.errors import BadCredentials, SwitchRefused, SwitchUnavailable
from callcamp.ports import SwitchFacts
from callcamp.store import SqlStore

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WELL = SwitchFacts(
    version="22.10.1~dfsg+~cs6.15.60671435-1",
    started_at=NOW,
    clock_skew_s=0.01,
    modules={"chan_pjsip": True, "app_amd": True},
    contexts={"callcamp-answered": True, "callcamp-hangup": True},
    rights={"originate": True, "reporting": True},
    trunk_known={"carrier": True},
)


class FakeGateway:
    """An Asterisk that is as the test says."""

    def __init__(
        self,
        facts: SwitchFacts = WELL,
        outbox: Sequence[str] = (),
        *,
        on_start: Exception | None = None,
        on_outbox: Exception | None = None,
    ) -> None:
        self._facts, self._waiting = facts, outbox
        self._on_start, self._on_outbox = on_start, on_outbox
        self.asked: Sequence[str] = ()

    async def start(self) -> None:
        if self._on_start:
            raise self._on_start

    async def close(self) -> None: ...

    async def facts(self, endpoints: Sequence[str] = ()) -> SwitchFacts:
        self.asked = endpoints
        return self._facts

    async def outbox(self) -> dict[str, Evidence]:
        if self._on_outbox:
            raise self._on_outbox
        return {attempt_id: Evidence(cause=16) for attempt_id in self._waiting}


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/c.sqlite3"
    make_database(url)
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    store = SqlStore(url)
    await store.open()
    await store.save_trunk("carrier", dial_string="PJSIP/{number}@carrier", cps=5)
    yield store
    await store.close()


async def with_call(store: SqlStore, attempt_id: str) -> None:
    """Leave one call in progress in the store."""
    campaign = await store.create_campaign(CampaignSettings("c", 1, prompt="p"), now=NOW)
    await store.add_contacts(campaign.id, [NewContact("+12025550101")], now=NOW)
    await store.move_campaign(campaign.id, CampaignEvent.STARTED, now=NOW)
    lease = NOW + timedelta(seconds=30)
    assert (
        await store.claim(
            campaign.id,
            [attempt_id],
            places=None,
            judge=RuleSet(campaign.settings).judge,
            look_back_s=0,
            now=NOW,
            lease_until=lease,
        )
    ).claims
    assert await store.mark_dialing([attempt_id], now=NOW) == [attempt_id]


def bad(checks: Sequence[Check]) -> dict[str, Check]:
    for check in checks:
        assert bool(check.mend) is (check.verdict is not Verdict.OK)
    return {check.name: check for check in checks if check.verdict is not Verdict.OK}


async def test_all_is_well(store: SqlStore, url: str) -> None:
    gateway = FakeGateway()
    checks = [await check_schema(url), *await check_store(store, url)]
    checks += await check_switch(gateway, "here:5038", store, now=NOW)  # type: ignore[arg-type]
    assert bad(checks) == {}
    assert gateway.asked == ["carrier"]
    assert {c.name for c in checks} >= {
        *("database", "writing", "integrity", "counts", "log-in", "version", "rights"),
        *("modules", "dialplan", "clock", "trunk carrier", "outbox"),
    }


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"version": "16.30.0"}, "version", "18 or later"),
        ({"version": "certified/13.21-cert6"}, "version", "18 or later"),
        ({"version": ""}, "version", "18 or later"),
        ({"modules": {"app_amd": False, "x": True}}, "modules", "modules_callcamp.conf"),
        ({"contexts": {"callcamp-hangup": False}}, "dialplan", "extensions_callcamp.conf"),
        ({"rights": {"originate": False}}, "rights", "callcamp-rights"),
        ({"clock_skew_s": 45.0}, "clock", "NTP"),
    ],
)
def test_what_fails_about_asterisk(changes: dict[str, Any], name: str, words: str) -> None:
    found = bad(check_facts(replace(WELL, **changes)))
    assert set(found) == {name}
    assert found[name].verdict is Verdict.FAIL
    assert words in found[name].mend


@pytest.mark.parametrize("version", ["18.26.4", "22.10.1", "certified/20.7-cert2", "GIT-23-abc"])
def test_versions_that_will_do(version: str) -> None:
    assert bad(check_facts(replace(WELL, version=version))) == {}


@pytest.mark.parametrize("skew", [None, -2.5])
def test_a_doubtful_clock_is_a_warning(skew: float | None) -> None:
    found = bad(check_facts(replace(WELL, clock_skew_s=skew)))
    assert found["clock"].verdict is Verdict.WARN


@pytest.mark.parametrize(
    ("dials", "endpoint"),
    [
        ("PJSIP/{number}@carrier", "carrier"),
        ("PJSIP/00{number}@my-trunk", "my-trunk"),
        ("PJSIP/carrier/sip:{number}@10.0.0.1:5060", "carrier"),
        ("SIP/carrier/{number}", None),
        ("Local/{number}@out", None),
        ("DAHDI/g1/{number}", None),
    ],
)
def test_endpoints_of_dial_strings(dials: str, endpoint: str | None) -> None:
    assert endpoint_of(dials) == endpoint


def test_trunks_that_asterisk_does_not_know_or_cannot_be_checked() -> None:
    trunks = [Trunk(1, "a", "PJSIP/{number}@nowhere", 5), Trunk(2, "b", "DAHDI/g1/{number}", 5)]
    ends = {t.name: endpoint_of(t.dial_string) for t in trunks}
    found = bad(check_trunks(trunks, ends, replace(WELL, trunk_known={"nowhere": False})))
    assert found["trunk a"].verdict is Verdict.FAIL
    assert found["trunk b"].verdict is Verdict.WARN
    assert bad(check_trunks([], {}, WELL))["trunks"].verdict is Verdict.WARN


async def test_trunks_in_a_database_that_cannot_be_read_are_not_said_to_be_none() -> None:
    gateway: Any = FakeGateway()
    checks = await check_switch(gateway, "here:5038", None, now=NOW)
    assert "log-in" in {c.name for c in checks}
    assert "trunks" not in {c.name for c in checks}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BadCredentials("Authentication failed."), "CALLCAMP_AMI_SECRET"),
        (SwitchUnavailable("Connection refused."), "bindaddr"),
    ],
)
async def test_no_log_in(store: SqlStore, error: Exception, words: str) -> None:
    gateway: Any = FakeGateway(on_start=error)
    (check,) = await check_switch(gateway, "here:5038", store, now=NOW)
    assert (check.name, check.verdict) == ("log-in", Verdict.FAIL)
    assert words in check.mend


async def test_the_outbox(store: SqlStore) -> None:
    await with_call(store, "cc-1")

    async def judge(*waiting: str, now: datetime = NOW, **how: Any) -> Check:
        gateway: Any = FakeGateway(outbox=waiting, **how)
        return await check_outbox(gateway, store, now=now)

    assert (await judge()).verdict is Verdict.OK
    assert (await judge("cc-1")).verdict is Verdict.OK
    old = await judge("cc-1", now=NOW + timedelta(hours=1))
    assert old.verdict is Verdict.WARN
    assert "callcamp serve" in old.mend
    foreign = await judge("cc-1", *(f"cc-x{n}" for n in range(7)))
    assert foreign.verdict is Verdict.WARN
    assert "cc-x0" in foreign.text
    assert "and 2 more" in foreign.text
    refused = await judge(on_outbox=SwitchRefused("Permission denied."))
    assert refused.verdict is Verdict.FAIL


async def test_a_database_that_is_not_there_or_of_another_version(tmp_path: Path, url: str) -> None:
    missing = await check_schema(f"sqlite:///{tmp_path}/none.sqlite3")
    assert missing.verdict is Verdict.FAIL
    assert "callcamp migrate" in missing.mend
    with sqlite3.connect(tmp_path / "c.sqlite3") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    newer = await check_schema(url)
    assert newer.verdict is Verdict.FAIL
    (tmp_path / "junk.sqlite3").write_bytes(b"not a database" * 100)
    junk = await check_schema(f"sqlite:///{tmp_path}/junk.sqlite3")
    assert junk.verdict is Verdict.FAIL
    assert "may write the file and its folder" in junk.mend
    assert (await check_schema("mysql://x/y")).verdict is Verdict.FAIL


async def test_counts_that_drifted_and_rows_that_dangle(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    await with_call(store, "cc-1")
    database = sqlite3.connect(tmp_path / "c.sqlite3")
    with database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("DELETE FROM contact")
    database.close()
    found = bad(await check_store(store, url))
    assert {name: check.verdict for name, check in found.items()} == {
        "integrity": Verdict.FAIL,
        "counts": Verdict.FAIL,
    }


def test_the_command(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("CALLCAMP_AMI_PORT", "9")  # nobody listens on the discard port
    monkeypatch.setenv("CALLCAMP_AMI_CONNECT_TIMEOUT_S", "0.2")
    bare = cli("doctor", "--json", code=1)
    verdicts = {check["name"]: check["verdict"] for check in bare.json["checks"]}
    assert bare.json["ok"] is False
    assert verdicts["settings"] == "warn"
    assert verdicts["database"] == verdicts["log-in"] == "fail"
    cli("init")
    shown = cli("doctor", code=1).out
    assert "To mend it: Start Asterisk" in shown
    (tmp_path / "callcamp.toml").chmod(0o644)
    assert "chmod 600 callcamp.toml" in cli("doctor", code=1).out
    monkeypatch.setattr("callcamp.app.make_gateway", lambda _settings: FakeGateway())
    (tmp_path / "callcamp.toml").chmod(0o600)
    well = cli("doctor", "--json")
    assert well.json["ok"] is True
