"""The generated SIPp scenario."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from callcamp.errors import LabError
from callcamp.lab import ALL_BEHAVIOURS, PHONE_KINDS, TALKS, agents
from callcamp.lab.audio import sound_files
from callcamp.lab.invites import read_callers, read_calls, size
from callcamp.lab.scenario import render


@pytest.fixture
def scenario() -> ET.Element:
    return ET.fromstring(render("/sounds"))


@pytest.fixture
def phones() -> ET.Element:
    return ET.fromstring(agents.render("/sounds"))


@pytest.mark.parametrize("name", ["scenario", "phones"])
def test_every_jump_has_its_label_and_every_label_once(
    name: str, request: pytest.FixtureRequest
) -> None:
    scenario: ET.Element = request.getfixturevalue(name)
    labels = [one.get("id") for one in scenario.iter("label")]
    assert len(labels) == len(set(labels))
    jumps = {
        value
        for element in scenario.iter()
        for name in ("next", "ontimeout")
        if (value := element.get(name))
    }
    assert jumps == set(labels)


def test_every_behaviour_is_reachable(scenario: ET.Element) -> None:
    tests = {int(one.get("value", "")) for one in scenario.iter("test")}
    assert tests == {int(one.code) for one in (*ALL_BEHAVIOURS, *TALKS)}


def test_every_sound_that_is_played_is_made(scenario: ET.Element) -> None:
    played = {one.get("rtp_stream", "").split(",")[0] for one in scenario.iter("exec")}
    assert {Path(sound).name for sound in played} <= set(sound_files())
    assert {str(Path(sound).parent) for sound in played} == {"/sounds"}


def test_nobody_pauses(scenario: ET.Element, phones: ET.Element) -> None:
    """SIPp answers a CANCEL or BYE that comes during a pause by itself, and wrongly."""
    assert not [*scenario.iter("pause"), *phones.iter("pause")]


def test_every_kind_of_phone_is_played(phones: ET.Element) -> None:
    labels = {one.get("id") for one in phones.iter("label")}
    assert {kind.slug or "plain" for kind in PHONE_KINDS} <= labels


def test_phones_have_endpoints_and_others_have_none() -> None:
    sections = re.findall(r"^\[([\w-]+)\]$", agents.endpoints(5060), flags=re.MULTILINE)
    assert len(sections) == len(set(sections)) == sum(kind.count for kind in PHONE_KINDS)
    assert agents.agent_interface(40) == "PJSIP/agent-40"
    assert agents.agent_interface(2, "silent").removeprefix("PJSIP/") in sections
    for index, slug in ((0, ""), (41, ""), (1, "nix")):
        with pytest.raises(LabError):
            agents.agent_interface(index, slug)


def test_talks_are_spread_as_promised() -> None:
    assert sum(talk.talk_s for talk in TALKS) / len(TALKS) == pytest.approx(12.0, rel=0.02)
    assert sum(talk.ring_s for talk in TALKS) / len(TALKS) == pytest.approx(4.0, rel=0.02)
    assert len({talk.ring_s for talk in TALKS}) == len(TALKS)


def test_every_status_line_has_a_reason() -> None:
    lines = re.findall(r"^SIP/2\.0 .*$", render("/s"), flags=re.MULTILINE)
    assert len(lines) > 20
    assert all(re.fullmatch(r"SIP/2\.0 \d{3} [A-Za-z ]+", line) for line in lines)


def test_witness_counts_calls_not_retransmissions(tmp_path: Path) -> None:
    log = tmp_path / "invites.log"
    assert read_calls(log) == {}
    assert size(log) == 0
    log.write_text(
        "INVITE +33261911000 a@1 2026-01-01\n"
        "INVITE +33261911000 a@1 2026-01-01\n"
        "INVITE +33261913000 b@1 2026-01-01\n"
        "something else\n"
    )
    assert read_calls(log) == {"+33261911000": 1, "+33261913000": 1}
    mark = size(log)
    with log.open("a") as file:
        file.write("INVITE +33261911000 c@1 2026-01-01\n")
    assert read_calls(log) == {"+33261911000": 2, "+33261913000": 1}
    assert read_calls(log, mark) == {"+33261911000": 1}


def test_witness_tells_which_number_was_shown(tmp_path: Path) -> None:
    log = tmp_path / "invites.log"
    assert read_callers(log) == {}
    log.write_text(
        "INVITE +33261911000 a@1 from=+33535301000 2026-01-01\n"
        "INVITE +33261911000 a@1 from=+33535301000 2026-01-01\n"
        "INVITE +33261911000 b@1 from= 2026-01-01\n"
        "INVITE +33261913000 c@1 2026-01-01 of an older log\n"
    )
    assert read_callers(log) == {"+33261911000": ["+33535301000", ""], "+33261913000": [""]}
    assert read_calls(log) == {"+33261911000": 2, "+33261913000": 1}
