"""``callcamp campaign forecast``."""

from __future__ import annotations

from campaign_kit import ALWAYS
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture
from test_cli_campaigns import camp  # noqa: F401 - a fixture


def test_a_draft_is_forecast(camp: Cli) -> None:  # noqa: F811
    camp("campaign", "create", "Spring", *ALWAYS, "--mode", "multi_day", "--prompt", "hello")
    camp("contacts", "add", "1", "2025550101", "2025550102", "2025550103")
    shown = camp("campaign", "forecast", "1", "--answer-rate", "1").out
    assert "3, of which 3 would be called" in shown
    assert "100.0%, given" in shown
    told = camp("campaign", "forecast", "1", "--answer-rate", "1", "--json").json
    assert (told["to_call"], told["calls"]["likely"]) == (3, 3)
    refused = camp("campaign", "forecast", "1", "--agents", "0", code=2)
    assert "agents: 0 is not from 1 to 500" in refused.err
