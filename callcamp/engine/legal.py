"""Legal presets from their files: those that come with callcamp, and an admin's own.

A preset is a TOML file; its name is its id. ``docs/compliance.md`` says what it holds. Files
are read strictly: what is not understood is an error, not a silent nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import date, time
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from callcamp.core.addresses import country_where
from callcamp.core.area_names import AREA_NAMES
from callcamp.core.legal import (
    AbandonRule,
    AbandonWindow,
    CallCap,
    CoolOff,
    CoolOffAfter,
    LegalPreset,
    Span,
    WeekHours,
)
from callcamp.core.public_holidays import check_holiday_region
from callcamp.errors import CallcampError, InvalidInput
from callcamp.settings import Settings

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)
_AREA = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")


def load_presets(settings: Settings) -> dict[str, LegalPreset]:
    """Return all legal presets by id: callcamp's, and those of ``legal_dir`` in their place.

    Raises:
        InvalidInput: a file, or the folder, cannot be read; the message names file and field.
    """
    presets = _read_all(resources.files("callcamp").joinpath("legal").iterdir())
    if settings.legal_dir:
        own = Path(settings.legal_dir)
        if not own.is_dir():
            raise InvalidInput(
                f"legal_dir is {settings.legal_dir!r}, which is not a folder; give one with "
                "preset files, or leave it empty.",
                field="legal_dir",
                value=settings.legal_dir,
            )
        added = _read_all(own.iterdir())
        for preset in added.values():
            _check_holidays(own / f"{preset.id}.toml", preset)
        presets |= added
    return dict(sorted(presets.items()))


def _read_all(files: Iterable[Traversable]) -> dict[str, LegalPreset]:
    named = [file for file in files if file.name.endswith(".toml")]
    return {p.id: p for p in map(read_preset, sorted(named, key=lambda file: file.name))}


def read_preset(file: Traversable) -> LegalPreset:
    """Return the preset of one file.

    Raises:
        InvalidInput: it cannot be read; the message names file and field.
    """
    preset_id = file.name.removesuffix(".toml")
    if not _ID.fullmatch(preset_id):
        raise _refused(
            file, "its name", preset_id, "Use small letters, digits and dashes, as in us-tsr.toml"
        )
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(
            f"{file} cannot be read as a legal preset: {error}.", field="legal_dir", value=str(file)
        ) from None
    try:
        return _PresetFile.model_validate(data).preset(preset_id)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        what = first["msg"].removeprefix("Value error, ")
        raise _refused(file, field, first["input"], what) from None


def _refused(file: object, field: str, value: Any, what: str) -> InvalidInput:
    return InvalidInput(f"{file}: {field} is {value!r}. {what}.", field=field, value=str(value))


def _check_holidays(file: Path, preset: LegalPreset) -> None:
    """Make sure that the holidays a preset names are known, so that no call fails on them."""
    for region in preset.holidays:
        wanted = preset.places if region == "{country}" else (region,)
        for place in wanted:
            name = place.partition("-")[0] if region == "{country}" else place
            try:
                check_holiday_region(name)
            except CallcampError as error:
                raise InvalidInput(
                    f"{file}: {error.message}", field="holidays", value=region
                ) from None


def _place(text: str) -> str:
    country, dash, _ = text.partition("-")
    if not country_where(country)[2]:
        raise ValueError("Give a country such as US, or a subdivision such as US-FL")
    known = [area for area in AREA_NAMES if area.startswith(f"{country}-")]
    if dash and (text not in AREA_NAMES if known else not _AREA.fullmatch(text)):
        raise ValueError(f"{country} has no such subdivision; give one such as US-FL")
    return text


def _holiday(text: str) -> str:
    return text if text == "{country}" else _place(text)


def _span(text: str) -> str:
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError("Give hours such as 09:00-17:30; the end of the day is 24:00")
    start, end = text.split("-")
    if start >= end:
        raise ValueError("The end has to be after the start")
    return text


def _in_order(spans: list[str]) -> list[str]:
    if any(before.split("-")[1] > after.split("-")[0] for before, after in pairwise(spans)):
        raise ValueError("Give hours in order; they may not overlap")
    return spans


_Text = Annotated[str, Field(min_length=1)]
_Spans = Annotated[list[Annotated[str, AfterValidator(_span)]], AfterValidator(_in_order)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Hours(_Table):
    monday: _Spans
    tuesday: _Spans
    wednesday: _Spans
    thursday: _Spans
    friday: _Spans
    saturday: _Spans
    sunday: _Spans
    holiday: _Spans | None = None
    holiday_eve: _Spans | None = None

    def week(self) -> WeekHours:
        days = (
            self.monday,
            self.tuesday,
            self.wednesday,
            self.thursday,
            self.friday,
            self.saturday,
            self.sunday,
        )
        return WeekHours(
            tuple(_spans(day) for day in days),
            None if self.holiday is None else _spans(self.holiday),
            None if self.holiday_eve is None else _spans(self.holiday_eve),
        )


def _spans(texts: list[str]) -> tuple[Span, ...]:
    pairs = (text.replace("24:00", "00:00").split("-") for text in texts)
    return tuple(Span(time.fromisoformat(start), time.fromisoformat(end)) for start, end in pairs)


class _Lasting(_Table):
    days: Annotated[int, Field(ge=1, le=3660)] | None = None
    hours: Annotated[int, Field(ge=1, le=8784)] | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> _Lasting:
        if (self.days is None) == (self.hours is None):
            raise ValueError("Give either days or hours")
        return self

    @property
    def seconds(self) -> int:
        return (self.days or 0) * 86400 + (self.hours or 0) * 3600


class _Cap(_Lasting):
    calls: Annotated[int, Field(ge=1)]
    answered_only: bool = False


class _CoolOff(_Lasting):
    after: Annotated[CoolOffAfter, Field(strict=False)]


class _Abandon(_Table):
    cap: Annotated[float, Field(ge=0, le=1)]
    window: Annotated[AbandonWindow, Field(strict=False)]
    days: Annotated[int, Field(ge=1, le=366)] = 30
    connect_within_s: Annotated[float, Field(gt=0, le=60)] = 2.0


class _PresetFile(_Table):
    title: _Text
    places: Annotated[list[Annotated[str, AfterValidator(_place)]], Field(min_length=1)]
    source: _Text
    checked_on: date
    verified: bool = False
    notes: list[_Text] = Field(default_factory=list)
    hours: _Hours | None = None
    holidays: list[Annotated[str, AfterValidator(_holiday)]] = Field(default_factory=list)
    caps: list[_Cap] = Field(default_factory=list)
    cool_offs: list[_CoolOff] = Field(default_factory=list)
    abandon: _Abandon | None = None
    min_ring_s: Annotated[int, Field(ge=1, le=120)] | None = None
    safe_harbour: list[_Text] = Field(default_factory=list)
    opt_out_needed: bool = False
    dnc_max_age_days: Annotated[int, Field(ge=1, le=366)] | None = None
    consent_needed: bool = False
    caller_id_needed: bool = False
    mobile_caller_id: bool = True
    records_kept_days: Annotated[int, Field(ge=1)] | None = None

    def preset(self, preset_id: str) -> LegalPreset:
        rule = self.abandon
        return LegalPreset(
            id=preset_id,
            title=self.title,
            places=tuple(self.places),
            source=self.source,
            checked_on=self.checked_on,
            verified=self.verified,
            notes=tuple(self.notes),
            hours=self.hours.week() if self.hours else None,
            holidays=tuple(self.holidays),
            caps=tuple(CallCap(c.calls, c.seconds, c.answered_only) for c in self.caps),
            cool_offs=tuple(CoolOff(c.after, c.seconds) for c in self.cool_offs),
            abandon=None
            if rule is None
            else AbandonRule(rule.cap, rule.window, rule.days, rule.connect_within_s),
            min_ring_s=self.min_ring_s,
            safe_harbour=tuple(self.safe_harbour),
            opt_out_needed=self.opt_out_needed,
            dnc_max_age_days=self.dnc_max_age_days,
            consent_needed=self.consent_needed,
            caller_id_needed=self.caller_id_needed,
            mobile_caller_id=self.mobile_caller_id,
            records_kept_days=self.records_kept_days,
        )
