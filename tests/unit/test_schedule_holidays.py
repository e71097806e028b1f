"""Public holidays: dates from the laws, names, and regions that do not exist."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from callcamp.core.schedule import check_holiday_region, holiday_name, is_holiday
from callcamp.errors import InvalidInput


@pytest.mark.parametrize(
    ("region", "day", "name"),
    [
        ("FR", date(2026, 7, 14), "National Day"),
        ("FR", date(2026, 7, 15), None),
        ("US", date(2026, 11, 26), "Thanksgiving Day"),
        ("DE-BY", date(2026, 1, 6), "Epiphany"),
        ("DE", date(2026, 1, 6), None),
        ("GB-SCT", date(2026, 11, 30), "Saint Andrew's Day"),
        ("GB", date(2026, 11, 30), None),
    ],
)
def test_dates_and_names(region: str, day: date, name: str | None) -> None:
    assert is_holiday(region, day) is (name is not None)
    found = holiday_name(region, day)
    assert (found is None) if name is None else (found is not None and name in found)


def test_a_holiday_on_a_weekend_is_also_the_day_on_which_it_is_observed() -> None:
    # 2026-07-04 is a Saturday.
    assert is_holiday("US", date(2026, 7, 4))
    assert is_holiday("US", date(2026, 7, 3))


def test_a_sunday_is_no_public_holiday_by_itself() -> None:
    for region in ("SE", "NO"):
        assert not is_holiday(region, date(2026, 3, 8))


@pytest.mark.parametrize(
    ("text", "region"), [("fr", "FR"), (" us-ca ", "US-CA"), ("FR-57", "FR-57")]
)
def test_a_region_is_written_in_one_way(text: str, region: str) -> None:
    assert check_holiday_region(text) == region


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "give a country such as FR"),
        ("France", "give a country such as FR"),
        ("FRA", "give a country such as FR"),
        ("FR-Zone A", "give a country such as FR"),
        ("UK", "no public holidays are known for country 'UK'"),
        ("XX", "no public holidays are known for country 'XX'"),
        ("DE-XX", "give one of BB, BE"),
        ("PR-CA", "give PR alone"),
    ],
)
def test_an_unknown_region_is_refused(text: str, says: str) -> None:
    for call in (
        lambda: check_holiday_region(text),
        lambda: is_holiday(text, date(2026, 1, 1)),
        lambda: holiday_name(text, date(2026, 1, 1)),
    ):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert says in caught.value.message
        assert caught.value.details == {"field": "holidays", "value": text}


def test_names_are_english_whatever_the_environment_speaks_and_nothing_is_imported_early() -> None:
    script = (
        "import sys; from datetime import date; import callcamp.core.schedule as s;"
        "early = 'holidays' in sys.modules;"
        "print(early, s.holiday_name('FR', date(2026, 7, 14)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={"LANGUAGE": "fr", "LC_ALL": "fr_FR.UTF-8"},
    )
    assert done.stdout.split("\n")[0] == "False National Day", done.stderr
