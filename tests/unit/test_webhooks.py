"""What webhooks are told, how it is signed, when it is tried again, and where it may go."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.model import Attempt, Contact
from callcamp.core.outcome import Disposition
from callcamp.core.states import AttemptStatus, CampaignEvent, ContactStatus
from callcamp.core.targets import check_url, is_public
from callcamp.core.webhooks import (
    AN_OUTAGE,
    EVENT_MEANING,
    FIRST_RETRY_S,
    GIVE_UP_AFTER,
    LONGEST_QUIET_S,
    LONGEST_RETRY_S,
    OF_CAMPAIGN,
    EventType,
    Health,
    attempt_data,
    back_off_s,
    contact_data,
    event_body,
    instant,
    is_refusal,
    next_try,
    signature,
)
from callcamp.engine.webhooks.desk import read_events
from callcamp.errors import InvalidInput
from callcamp.ports import Outgoing

NOW = datetime(2026, 11, 21, 9, 30, 0, 5, tzinfo=UTC)
JITTER = st.floats(0, 1)


def test_every_event_has_a_meaning_and_every_end_of_a_campaign_is_told() -> None:
    assert set(EVENT_MEANING) == set(EventType)
    assert set(OF_CAMPAIGN) == set(CampaignEvent) - {CampaignEvent.QUEUED}


def test_a_signature_is_what_hmac_says_it_is() -> None:
    body = event_body("evt_1", "ping", NOW, {"a": "é"})
    assert body.isascii()
    assert json.loads(body) == {
        "id": "evt_1",
        "type": "ping",
        "at": "2026-11-21T09:30:00.000005Z",
        "data": {"a": "é"},
    }
    code = hmac.new(b"whsec_x", f"{int(NOW.timestamp())}.{body}".encode(), hashlib.sha256)
    assert signature("whsec_x", body, NOW) == f"t={int(NOW.timestamp())},v1={code.hexdigest()}"
    assert signature("whsec_y", body, NOW) != signature("whsec_x", body, NOW)
    assert signature("whsec_x", body, NOW + timedelta(seconds=1)) != signature("whsec_x", body, NOW)


def test_a_signature_that_others_computed() -> None:
    # printf '1700000000.{}' | openssl dgst -sha256 -hmac key
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    assert signature("key", "{}", at) == (
        "t=1700000000,v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
    )


def test_what_is_told_of_a_call_and_a_contact_is_json_with_instants_in_utc() -> None:
    elsewhere = NOW.astimezone()
    attempt = Attempt(
        "a-1",
        1,
        2,
        "+33612345678",
        1,
        AttemptStatus.ENDED,
        1,
        30,
        NOW,
        NOW,
        dialed_at=elsewhere,
        ended_at=NOW,
        disposition=Disposition.BUSY,
        variables={"a": "b"},
    )
    told = json.loads(json.dumps(attempt_data(attempt)))
    assert told["dialed_at"] == told["ended_at"] == "2026-11-21T09:30:00.000005Z"
    assert (told["disposition"], told["success"], told["variables"]) == ("busy", None, {"a": "b"})
    contact = Contact(2, 1, "+33612345678", {}, ContactStatus.PENDING, 1, NOW, None, None, None)
    assert json.loads(json.dumps(contact_data(contact)))["status"] == "pending"
    assert instant(None) is None


@given(st.integers(1, 10_000), JITTER)
def test_the_wait_doubles_within_its_bounds(failures: int, jitter: float) -> None:
    wait = back_off_s(failures, jitter)
    assert FIRST_RETRY_S / 2 <= wait <= LONGEST_RETRY_S
    assert back_off_s(failures + 1, jitter) >= wait
    full = back_off_s(failures, 0)
    assert full / 2 <= wait <= full
    if full * 2 < LONGEST_RETRY_S:
        assert back_off_s(failures + 1, 0) == full * 2


@given(st.lists(JITTER, min_size=40, max_size=40))
def test_an_event_is_tried_for_three_days_and_then_given_up(jitters: list[float]) -> None:
    at, tries = NOW, 0
    for jitter in jitters:
        tries += 1
        again = next_try(NOW, at, tries, jitter)
        if again is None:
            break
        assert again > at
        at = again
    else:
        pytest.fail("tried for ever")
    assert GIVE_UP_AFTER <= at - NOW <= GIVE_UP_AFTER + timedelta(seconds=LONGEST_RETRY_S)
    assert tries < 40


def test_a_receiver_that_refuses_one_event_gets_the_next_and_not_for_ever() -> None:
    assert [is_refusal(s) for s in (None, 200, 302, 400, 404, 410, 500)] == [
        False,
        False,
        False,
        True,
        True,
        True,
        False,
    ]
    assert not any(map(is_refusal, (408, 425, 429)))
    health = Health()
    for failures in range(1, AN_OUTAGE + 1):
        health = health.after(False, NOW, 0, refused=True)
        assert health.failures == failures
        assert (health.quiet_until is None) == (failures < AN_OUTAGE)
    assert health.failing_since == NOW


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 86_400), JITTER), max_size=60))
def test_health_remembers_failures_in_a_row_only(tries: list[tuple[bool, int, float]]) -> None:
    health, at, row = Health(), NOW, list[datetime]()
    for ok, pause_s, jitter in tries:
        at += timedelta(seconds=pause_s)
        health = health.after(ok, at, jitter)
        row = [] if ok else [*row, at]
        assert health.failures == len(row)
        assert health.failing_since == (row[0] if row else None)
        assert health.is_hopeless(at) == bool(row and at - row[0] >= GIVE_UP_AFTER)
        if row:
            assert health.quiet_until is not None
            assert at < health.quiet_until <= at + timedelta(seconds=LONGEST_QUIET_S)
        else:
            assert health == Health()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:a9fe:a9fe",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "192.0.0.192",
        "192.88.99.1",
        "3fff::1",
        "2130706433",
        "0x7f000001",
        "127.1",
        "0177.0.0.1",
        "localhost",
        "",
    ],
)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "93.184.216.34",
        "172.32.0.1",
        "2606:4700:4700::1111",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2002:101:101::1",
    ],
)
def test_addresses_outside_are_public(address: str) -> None:
    assert is_public(address)


_INSIDE = [IPv4Network(n) for n in ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16")]


@given(st.sampled_from(_INSIDE), st.integers(0, 2**16 - 1))
def test_no_writing_of_an_inner_address_is_public(network: IPv4Network, offset: int) -> None:
    address = IPv4Address(int(network.network_address) + offset)
    for text in (str(address), f"::ffff:{address}", f"64:ff9b::{address}", f"::{address}"):
        assert not is_public(text)
    for host in (str(address), f"[::ffff:{address}]", str(int(address)), hex(int(address))):
        with pytest.raises(InvalidInput):
            check_url(f"http://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "https://user:password@example.com/",
        "https://user@example.com/",
        "https://@example.com/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:abc/",
        "http://example.com/#part",
        "http://exa mple.com/",
        "http://example.com/\r\nX-Evil: 1",
        "http://example.com\\@127.0.0.1/",
        "http://exämple.com/",
        "http://[::1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://127.0.0.1/",
        "http://127.0.0.1./",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://1.2.3.4.5/",
        "http://169.254.169.254/latest/meta-data/",
        f"http://example.com/{'a' * 2000}",
    ],
)
def test_addresses_that_are_refused_are_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_url(url)
    assert refused.value.details == {"field": "url", "value": None}
    assert "password" not in refused.value.message.replace("a user or a password", "")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.com/hook?token=a%20b", "example.com"),
        ("http://hooks.example.com:8080", "hooks.example.com"),
        ("https://1.1.1.1/", "1.1.1.1"),
        ("https://[2606:4700:4700::1111]:8443/x", "2606:4700:4700::1111"),
        ("HTTPS://Example.COM/", "example.com"),
    ],
)
def test_addresses_that_are_taken(url: str, host: str) -> None:
    assert check_url(url) == host


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[::1]/", "http://10.0.0.5/x"])
def test_private_addresses_are_taken_when_allowed(url: str) -> None:
    assert check_url(url, allow_private=True)
    with pytest.raises(InvalidInput):
        check_url(url)


@pytest.mark.parametrize("url", ["http://u:p@127.0.0.1/", "http://127.1/", "ftp://127.0.0.1/"])
def test_what_is_allowed_inside_is_no_more_than_addresses(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(url, allow_private=True)


def test_events_are_read_by_name() -> None:
    assert read_events([]) == read_events(["*"]) == frozenset(EventType)
    assert read_events(["attempt.ended"]) == {EventType.ATTEMPT_ENDED}
    with pytest.raises(InvalidInput, match=r"attempt\.ended"):
        read_events(["attempt.started"])


def test_a_secret_is_not_in_what_is_printed() -> None:
    assert {f.name: f.repr for f in fields(Outgoing)}["secret"] is False


def test_every_event_is_on_its_page() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text("utf-8")
    for event, meaning in EVENT_MEANING.items():
        assert f"| `{event.value}` | {meaning} |" in page
