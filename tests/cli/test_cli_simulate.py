"""``callcamp simulate``: its JSON, its table, and what it refuses."""

from __future__ import annotations

import pytest
from cli_runner import Cli

SHORT = ("simulate", "--agents", "5", "--hours", "0.2", "--talk-mean-s", "40")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capsys)


def test_programs_get_what_came_out(cli: Cli) -> None:
    asked = (
        *SHORT,
        *("--answer-rate", "0.4", "--ring-mean-s", "9", "--ring-timeout-s", "20"),
        *("--wrap-mean-s", "6", "--seed", "3", "--cap", "0.05", "--method", "predictive"),
    )
    ran = cli(*asked, "--json").json
    assert 0.3 < ran["occupancy"] <= 1
    assert ran["calls"] > ran["answered"] > ran["abandoned"] >= 0
    assert 0 <= ran["abandon_rate"] <= 0.05
    assert ran["worst_excess_calls"] <= 2
    assert cli(*asked, "--json").json == ran


def test_people_get_a_table(cli: Cli) -> None:
    ran = cli(*SHORT, "--method", "progressive")
    for words in ("Occupancy", "Abandoned", "0 of", "progressive", "an hour"):
        assert words in ran.out


def test_a_stated_pickup_rate_is_passed_on(cli: Cli) -> None:
    calls = [
        cli(*SHORT, "--method", "ratio", "--cap", "1", "--pickup-rate", rate, "--json").json[
            "calls"
        ]
        for rate in ("1", "0.25")
    ]
    assert calls[0] < calls[1]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--agents", "0"),
        ("--agents", "x"),
        ("--answer-rate", "1.5"),
        ("--ring-mean-s", "0"),
        ("--ring-timeout-s", "nan"),
        ("--talk-mean-s", "-1"),
        ("--wrap-mean-s", "inf"),
        ("--hours", "0"),
        ("--cap", "2"),
        ("--method", "psychic"),
        ("--pickup-rate", "0"),
    ],
)
def test_wrong_values_are_told(cli: Cli, option: str, value: str) -> None:
    ran = cli("simulate", option, value, "--json", code=2)
    assert ran.json["error"]["id"] == "invalid_input"
    named = option.removeprefix("--").replace("-", "_")
    assert named in ran.json["error"]["message"].replace("-", "_")
