"""The preset files: every place of the table has one, and what is wrong in a file is named."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date, time
from pathlib import Path

import pytest
from compliance_kit import DAY

from callcamp.core.legal import AbandonRule, AbandonWindow, CallCap, CoolOff, CoolOffAfter, Span
from callcamp.core.public_holidays import check_holiday_region
from callcamp.engine.legal import load_presets, read_preset
from callcamp.errors import InvalidInput
from callcamp.settings import Settings

OURS = load_presets(Settings())
EVERY_DAY = ("08:00-21:00",) * 7


def hours_of(name: str) -> tuple[str, ...]:
    week = OURS[name].hours
    assert week is not None
    return tuple(
        " ".join(
            f"{s.start:%H:%M}-{'24:00' if s.end == time(0) else format(s.end, '%H:%M')}"
            for s in day
        )
        for day in week.weekdays
    )


def test_every_preset_of_the_table_is_there_with_source_and_date() -> None:
    assert set(OURS) == {
        *("us-tsr", "us-tcpa", "us-tcpa-exempt", "us-reg-f", "us-fl", "us-ok", "us-wa", "us-md"),
        *("us-ct", "us-al", "us-la", "us-ri", "us-tx", "uk-ofcom", "uk-pecr", "fr", "de", "es"),
        *("it", "ca", "in", "au", "au-research"),
    }
    for preset in OURS.values():
        assert preset.source
        assert preset.checked_on == date(2026, 11, 21)
        assert any("no legal advice" in note for note in preset.notes)
        # What nobody read in the primary text says so.
        assert preset.verified or any("To be verified" in note for note in preset.notes)
        for region in preset.holidays:
            names = {p[:2] for p in preset.places} if region == "{country}" else {region}
            assert all(check_holiday_region(name) for name in names)


def test_those_that_were_read_in_the_primary_text() -> None:
    assert {name for name, preset in OURS.items() if preset.verified} == {
        *("us-tsr", "us-reg-f", "uk-ofcom", "fr", "de", "es", "it", "au", "au-research")
    }


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("us-tsr", EVERY_DAY),
        ("us-tcpa", EVERY_DAY),
        ("us-reg-f", EVERY_DAY),
        ("us-fl", ("08:00-20:00",) * 7),
        ("us-ok", ("08:00-20:00",) * 7),
        ("us-wa", ("08:00-20:00",) * 7),
        ("us-md", ("08:00-20:00",) * 7),
        ("us-ct", ("09:00-20:00",) * 7),
        ("us-al", (*("08:00-20:00",) * 6, "")),
        ("us-la", (*("08:00-20:00",) * 6, "")),
        ("us-ri", (*("09:00-18:00",) * 5, *("10:00-17:00",) * 2)),
        ("us-tx", (*("09:00-21:00",) * 6, "12:00-21:00")),
        ("fr", (*("10:00-13:00 14:00-20:00",) * 5, "", "")),
        ("de", (*("08:00-20:00",) * 6, "")),
        ("es", (*("09:00-21:00",) * 5, "", "")),
        ("it", (*("09:00-20:00",) * 5, "10:00-19:00", "")),
        ("ca", (*("09:00-21:30",) * 5, *("10:00-18:00",) * 2)),
        ("in", ("09:00-21:00",) * 7),
        ("au", (*("09:00-20:00",) * 5, "09:00-17:00", "")),
        ("au-research", (*("09:00-20:30",) * 5, *("09:00-17:00",) * 2)),
    ],
)
def test_hours(name: str, hours: tuple[str, ...]) -> None:
    assert hours_of(name) == hours


def test_holidays_are_closed_where_the_table_says_so() -> None:
    closed = {name for name, p in OURS.items() if p.hours and p.hours.holiday == ()}
    assert closed == {"fr", "de", "es", "it", "au", "au-research", "us-al", "us-la"}
    eve = OURS["it"].hours
    assert eve is not None
    assert eve.holiday_eve == (Span(time(10), time(19)),)


@pytest.mark.parametrize(
    ("name", "abandon"),
    [
        ("us-tsr", AbandonRule(0.03, AbandonWindow.ROLLING_DAYS, 30, 2.0)),
        ("us-tcpa", AbandonRule(0.03, AbandonWindow.ROLLING_DAYS, 30, 2.0)),
        ("uk-ofcom", AbandonRule(0.03, AbandonWindow.CALENDAR_DAY, 30, 2.0)),
        ("it", AbandonRule(0.03, AbandonWindow.CALENDAR_DAY, 30, 3.0)),
        ("ca", AbandonRule(0.05, AbandonWindow.CALENDAR_MONTH, 30, 2.0)),
    ],
)
def test_abandoned_calls(name: str, abandon: AbandonRule) -> None:
    assert OURS[name].abandon == abandon


def test_caps_and_cool_offs() -> None:
    assert {name: p.caps for name, p in OURS.items() if p.caps} == {
        "us-tcpa-exempt": (CallCap(3, 30 * DAY),),
        "us-reg-f": (CallCap(7, 7 * DAY),),
        "us-fl": (CallCap(3, DAY),),
        "us-ok": (CallCap(3, DAY),),
        "fr": (CallCap(4, 30 * DAY),),
        "de": (CallCap(3, DAY),),
    }
    assert {name: p.cool_offs for name, p in OURS.items() if p.cool_offs} == {
        "us-reg-f": (CoolOff(CoolOffAfter.CONVERSATION, 7 * DAY),),
        "uk-ofcom": (
            CoolOff(CoolOffAfter.ABANDONED, 3 * DAY),
            CoolOff(CoolOffAfter.MACHINE, DAY),
        ),
        "fr": (CoolOff(CoolOffAfter.REFUSAL, 60 * DAY),),
        "it": (CoolOff(CoolOffAfter.ABANDONED, 5 * DAY),),
    }


def test_what_else_the_table_asks_for() -> None:
    assert {n for n, p in OURS.items() if p.min_ring_s == 15} == {
        *("us-tsr", "us-tcpa", "uk-ofcom", "de")
    }
    assert {n: p.dnc_max_age_days for n, p in OURS.items() if p.dnc_max_age_days} == {
        **dict.fromkeys(("us-tsr", "us-tcpa", "ca"), 31),
        "uk-pecr": 28,
    }
    assert {n for n, p in OURS.items() if p.consent_needed} == {"fr", "de", "es"}
    assert {n for n, p in OURS.items() if p.opt_out_needed} == {"us-tcpa", "us-tcpa-exempt"}
    assert {n for n, p in OURS.items() if not p.mobile_caller_id} == {"es"}
    years = {n: round(p.records_kept_days / 365) for n, p in OURS.items() if p.records_kept_days}
    assert years == {"us-tsr": 5, "de": 5, "ca": 3}
    assert {n for n, p in OURS.items() if p.safe_harbour} == {"us-tsr", "us-tcpa", "uk-ofcom"}


# An admin's own files

WHOLE = """
title = "House rules"
places = ["US-FL", "GB"]
source = "our lawyer"
checked_on = 2026-11-21
safe_harbour = ["our name"]
holidays = ["GB-SCT"]
min_ring_s = 20

[hours]
monday = ["00:00-24:00"]
tuesday = ["09:00-12:30", "12:30-17:00"]
wednesday = []
thursday = []
friday = []
saturday = []
sunday = []
holiday_eve = ["10:00-11:00"]

[[caps]]
calls = 2
hours = 36
answered_only = true

[[cool_offs]]
after = "refusal"
days = 1

[abandon]
cap = 0
window = "calendar_day"
"""


def write(folder: Path, text: str, name: str = "house.toml") -> Settings:
    (folder / name).write_text(text, encoding="utf-8")
    return Settings(legal_dir=str(folder))


def test_files_of_an_admin_are_added(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("no preset", encoding="utf-8")
    presets = load_presets(write(tmp_path, WHOLE))
    assert set(presets) == {*OURS, "house"}
    assert list(presets) == sorted(presets)
    house = presets["house"]
    assert house.hours is not None
    assert house.hours.weekdays[0] == (Span(time(0), time(0)),)
    assert house.hours.weekdays[1] == (
        Span(time(9), time(12, 30)),
        Span(time(12, 30), time(17)),
    )
    assert house.hours.weekdays[2:] == ((),) * 5
    assert (house.hours.holiday, house.hours.holiday_eve) == (None, (Span(time(10), time(11)),))
    assert house.caps == (CallCap(2, 36 * 3600, answered_only=True),)
    assert house.cool_offs == (CoolOff(CoolOffAfter.REFUSAL, DAY),)
    assert house.abandon == AbandonRule(0.0, AbandonWindow.CALENDAR_DAY)
    assert (house.min_ring_s, house.verified, house.mobile_caller_id) == (20, False, True)


def test_a_file_of_the_same_name_takes_the_place_of_ours(tmp_path: Path) -> None:
    presets = load_presets(write(tmp_path, WHOLE, "fr.toml"))
    assert presets["fr"].title == "House rules"
    assert presets.keys() == OURS.keys()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('title = "House rules"', "", "title"),
        ('title = "House rules"', 'title = ""', "title"),
        ('title = "House rules"', 'titel = "x"\ntitle = "y"', "titel"),
        ('places = ["US-FL", "GB"]', "places = []", "places"),
        ('"US-FL"', '"US-FO"', "places.0"),
        ('"US-FL"', '"XX"', "places.0"),
        ('"GB"]', '"GB-"]', "places.1"),
        ('"GB"]', '"Britain"]', "places.1"),
        ("checked_on = 2026-11-21", 'checked_on = "today"', "checked_on"),
        ("min_ring_s = 20", 'min_ring_s = "20"', "min_ring_s"),
        ("min_ring_s = 20", "min_ring_s = 0", "min_ring_s"),
        ("min_ring_s = 20", "verified = 1", "verified"),
        ('monday = ["00:00-24:00"]', "", "hours.monday"),
        ('"00:00-24:00"', '"9-17"', "hours.monday.0"),
        ('"00:00-24:00"', '"17:00-09:00"', "hours.monday.0"),
        ('"00:00-24:00"', '"09:00-25:00"', "hours.monday.0"),
        ('"12:30-17:00"', '"12:00-17:00"', "hours.tuesday"),
        ("calls = 2", "calls = 0", "caps.0.calls"),
        ("hours = 36", "hours = 36\ndays = 1", "caps.0"),
        ("hours = 36", "", "caps.0"),
        ('"refusal"', '"lunch"', "cool_offs.0.after"),
        ("cap = 0", "cap = 3", "abandon.cap"),
        ('"calendar_day"', '"calendar_year"', "abandon.window"),
        ('"GB-SCT"', '"GB-XXX"', "holidays"),
        ('"GB-SCT"', '"Scotland"', "holidays.0"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in WHOLE
    with pytest.raises(InvalidInput) as caught:
        load_presets(write(tmp_path, WHOLE.replace(old, new)))
    assert str(tmp_path / "house.toml") in caught.value.message
    assert named in caught.value.message
    assert caught.value.details["field"] == named


def test_holidays_of_a_country_that_has_none_known_are_refused(tmp_path: Path) -> None:
    text = WHOLE.replace('"GB"]', '"AC"]').replace('"GB-SCT"', '"{country}"')
    with pytest.raises(InvalidInput, match="AC"):
        load_presets(write(tmp_path, text))


@pytest.mark.parametrize("text", ["title = ", "\x00"])
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"house\.toml cannot be read"):
        load_presets(write(tmp_path, text))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "house.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(InvalidInput, match=r"house\.toml cannot be read"):
        read_preset(tmp_path / "house.toml")


@pytest.mark.parametrize("name", ["House.toml", "my house.toml", "-.toml", ".toml"])
def test_a_name_that_is_no_id_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="its name"):
        load_presets(write(tmp_path, WHOLE, name))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="legal_dir"):
        load_presets(Settings(legal_dir=str(tmp_path / "nothing")))


def test_the_example_of_the_page_is_a_preset(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "compliance.md"
    (example,) = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    preset = load_presets(write(tmp_path, example))["house"]
    # Every field of a preset is in it.
    for field in fields(preset):
        assert field.name == "id" or re.search(rf"\b{field.name}\b", example), field.name
    assert preset.caps == (CallCap(3, DAY),)
