"""Values on their way into the database and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, time, timedelta, timezone
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.model import CampaignSettings, DailyWindow, RetryPolicy
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


settings_values = st.builds(
    CampaignSettings,
    name=st.text(),
    trunk_id=st.integers(1, 2**62),
    retry=st.builds(
        RetryPolicy,
        st.integers(1, 100),
        st.integers(0, 86400),
        st.frozensets(st.sampled_from(Disposition)),
    ),
    window=st.builds(
        DailyWindow, st.times(), st.times(), st.text(), st.frozensets(st.integers(0, 6))
    ),
    caller_id=st.none() | st.text(),
    detect_machines=st.booleans(),
)


@given(settings_values)
def test_settings_survive_json(settings: CampaignSettings) -> None:
    assert decode_settings(json.loads(to_json(encode_settings(settings)))) == settings


def test_settings_of_another_version_are_read() -> None:
    raw = encode_settings(CampaignSettings("x", 1, concurrency=9))
    del raw["window"], raw["retry"]["delay_s"]
    raw["from_the_future"] = 1
    assert decode_settings(raw) == CampaignSettings("x", 1, concurrency=9)


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
