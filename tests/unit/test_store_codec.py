"""Values on their way into the database and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, time, timedelta, timezone
from enum import StrEnum

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from settings_values import FULL, settings_values

from callcamp.core.campaign_settings import CampaignSettings, DailyWindow, HoursRule, RetryPolicy
from callcamp.core.outcome import Disposition, Evidence
from callcamp.errors import InvalidInput
from callcamp.store.codec import (
    decode,
    decode_settings,
    encode,
    encode_evidence,
    encode_settings,
)
from callcamp.store.columns import from_us, maybe_instant, maybe_us, plain_text, to_json, to_us

zones = st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
instants = st.datetimes(timezones=zones).filter(lambda d: 1900 < d.year < 2200)


@given(instants)
def test_instants_are_exact(instant: datetime) -> None:
    assert from_us(to_us(instant)) == instant
    assert from_us(to_us(instant)).tzinfo is UTC


@given(instants, instants)
def test_instants_sort_as_numbers(a: datetime, b: datetime) -> None:
    assert (a < b) == (to_us(a) < to_us(b))


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(TypeError):
        to_us(datetime(2026, 1, 1))  # noqa: DTZ001


def test_missing_instants_stay_missing() -> None:
    assert maybe_us(None) is maybe_instant(None) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(settings_values)
@example(FULL)
def test_settings_survive_json(value: CampaignSettings) -> None:
    read = decode_settings(json.loads(to_json(encode_settings(value))))
    assert read == value
    assert isinstance(read.pool.rest_under, float)
    assert all(isinstance(d, Disposition) for d in (*read.retry.delays_s, *read.retry.retry_on))
    assert all(isinstance(one, HoursRule) for one in read.hours)


def test_every_setting_is_written() -> None:
    """None of them can be lost unnoticed for being as by default."""
    written, default = encode_settings(FULL), encode_settings(CampaignSettings("x", 1))
    assert written.keys() == {one.name for one in fields(CampaignSettings)}
    assert [name for name in written if written[name] == default[name]] == []


def test_an_instant_of_any_zone_is_written_in_utc() -> None:
    paris = datetime(2026, 12, 24, 10, tzinfo=timezone(timedelta(hours=1)))
    raw = encode_settings(CampaignSettings("x", 1, starts_at=paris))
    assert raw["starts_at"] == "2026-12-24T09:00:00+00:00"
    starts_at = decode_settings(raw).starts_at
    assert starts_at == paris
    assert starts_at.utcoffset() == timedelta(0)  # type: ignore[union-attr]


def test_settings_of_another_version_are_read() -> None:
    raw = encode_settings(CampaignSettings("x", 1, concurrency=9))
    del raw["window"], raw["retry"]["delay_s"]
    raw["from_the_future"] = 1
    assert decode_settings(raw) == CampaignSettings("x", 1, concurrency=9)


# As version 0.1 wrote it, before there was a rule book.
OLD = """{"name":"Spring","trunk_id":1,"concurrency":20,"ring_timeout_s":30,"retry":
{"max_attempts":2,"delay_s":600,"retry_on":["busy","no_answer"]},"window":{"start":"08:30:00",
"end":"18:00:00","zone":"Europe/Paris","weekdays":[0,1,2,3,4]},"default_region":"FR",
"caller_id":null,"prompt":"demo/hello","machine_message":null,"detect_machines":true,
"description":""}"""


def test_what_an_older_version_wrote_gets_the_defaults() -> None:
    assert decode_settings(json.loads(OLD)) == CampaignSettings(
        name="Spring",
        trunk_id=1,
        concurrency=20,
        retry=RetryPolicy(2, 600, frozenset({Disposition.BUSY, Disposition.NO_ANSWER})),
        window=DailyWindow(time(8, 30), time(18), "Europe/Paris", frozenset(range(5))),
        default_region="FR",
        prompt="demo/hello",
    )


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    at: time
    colours: tuple[Colour, ...] = ()


@dataclass(frozen=True)
class Outer:
    inner: Inner | None = None
    by_name: dict[str, Inner] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def test_shapes_that_settings_may_get_later() -> None:
    inner = Inner(time(9, 30), (Colour.RED,))
    value = Outer(inner, {"a": inner}, ["x"])
    assert decode(Outer, json.loads(json.dumps(encode(value)))) == value
    assert decode(Outer, encode(Outer())) == Outer()


def test_evidence_keeps_what_is_known_only() -> None:
    assert encode_evidence(Evidence()) == {}
    assert encode_evidence(Evidence(cause=0, answered=False)) == {"cause": 0, "answered": False}
    full = Evidence(**{f.name: 1 for f in fields(Evidence)})  # type: ignore[arg-type]
    assert encode_evidence(full).keys() == {f.name for f in fields(Evidence)}


@given(st.text(st.characters()))
def test_json_is_ascii_whatever_the_text(text: str) -> None:
    assert to_json({text: text}).isascii()


@pytest.mark.parametrize("text", ["a\0", "\ud800", "x\udfff"])
def test_texts_that_an_engine_cannot_keep_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        plain_text(text, "name")
    json.dumps(caught.value.as_dict()).encode()
