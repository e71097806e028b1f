"""``callcamp agent phones``."""

from __future__ import annotations

from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture
from test_cli_lists import camp, with_campaign  # noqa: F401 - fixtures


def test_phones_are_listed_without_and_printed_for_asterisk_with_passwords(camp: Cli) -> None:  # noqa: F811
    assert "No agent has a phone" in camp("agent", "phones").out
    camp("agent", "add", "anna", "--phone", "browser")
    camp("agent", "add", "bob", "--phone", "sip", "--address", "desk-7")
    camp("agent", "add", "gone")
    camp("agent", "change", "gone", "--inactive")
    listed = camp("agent", "phones", "--json").json["items"]
    assert listed == [
        {"agent": "anna", "kind": "browser", "endpoint": "anna"},
        {"agent": "bob", "kind": "sip", "endpoint": "desk-7"},
    ]
    printed = camp("agent", "phones", "--asterisk").out
    sections = camp("agent", "phones", "--asterisk", "--json").json["pjsip"]
    assert printed == sections
    heads = [line for line in printed.splitlines() if line.startswith("[")]
    assert heads[0] == "[anna](callcamp-browser)"
    assert "[desk-7](callcamp-desk)" in heads
    assert len(heads) == 6
    [anna, bob] = [line for line in printed.splitlines() if line.startswith("password = ")]
    assert anna != bob
    assert anna.split()[-1] not in camp("agent", "phones").out
