"""The lab itself, on real Asterisk and SIPp: what each callee looks like from outside."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from callcamp.errors import LabError
from callcamp.lab import (
    ALL_BEHAVIOURS,
    Ami,
    LabInfo,
    lab_down,
    lab_status,
    lab_up,
    load_number,
    number_for,
    restart_asterisk,
    stop_asterisk,
    witness,
    witness_mark,
)
from callcamp.lab.ami import Message
from callcamp.lab.info import load_state, save_state
from callcamp.lab.place import cache_folder
from callcamp.lab.process import identify

pytestmark = pytest.mark.asterisk
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
EVENTS = {
    "Newchannel", "Newstate", "DialEnd", "OriginateResponse", "Hangup", "UserEvent",
    "FullyBooted",
}  # fmt: skip


def connect(lab: LabInfo) -> Ami:
    return Ami(lab.ami_host, lab.ami_port, lab.ami_username, lab.ami_secret)


def originate(
    ami: Ami,
    lab: LabInfo,
    number: str,
    attempt: str,
    *variables: str,
    detect: bool = False,
    timeout_ms: int = 8000,
    named: str | None = None,
) -> str:
    return ami.send(
        "Originate",
        r"CHANNEL(hangup_handler_push)=callcamp-hangup\,s\,1",
        f"CC_ATTEMPT={attempt if named is None else named}",
        f"CC_DETECT={int(detect)}",
        f"CC_PROMPT={lab.prompt_sound}",
        f"CC_MACHINE_MESSAGE={lab.machine_message_sound}",
        *variables,
        Channel=f"PJSIP/{number}@{lab.trunk}",
        Context="callcamp-answered",
        Exten="s",
        Priority="1",
        Async="true",
        ChannelId=attempt,
        Timeout=str(timeout_ms),
        CallerID="+33199009999",
    )


def outbox(lab: LabInfo) -> dict[str, str]:
    """Attempt id to evidence, of all that is in AstDB."""
    with connect(lab) as ami:
        try:
            entries = ami.listed("DBGetTree", "DBGetTreeComplete", Family="callcamp")
        except LabError:
            return {}
    return {one["Key"].rpartition("/")[2]: one["Val"] for one in entries}


@dataclass
class Call:
    """All that was seen of one call."""

    number: str
    attempt: str
    events: list[Message] = field(default_factory=list)
    stored: str | None = None

    def one(self, event: str) -> Message:
        found = [one for one in self.events if one.get("Event") == event]
        assert len(found) == 1, (event, self.events)
        return found[0]

    def states(self) -> list[str]:
        return [e["ChannelStateDesc"] for e in self.events if e.get("Event") == "Newstate"]

    @property
    def evidence(self) -> dict[str, str]:
        assert self.stored is not None
        return dict(parse_qsl(self.stored))


def dial(lab: LabInfo, numbers: list[str], *, detect: bool = False) -> dict[str, Call]:
    """Call all numbers at once, wait until every call has ended and report on each."""
    prefix = secrets.token_hex(6)
    with connect(lab) as ami:
        ami.wait_for("FullyBooted", timeout_s=10)
        calls = [Call(number, f"{prefix}-{at:04d}") for at, number in enumerate(numbers)]
        by_action = {originate(ami, lab, c.number, c.attempt, detect=detect): c for c in calls}
        by_id = {call.attempt: call for call in calls}
        until = time.monotonic() + 90
        for wanted in ("Hangup", "OriginateResponse"):
            while time.monotonic() < until and not all(
                any(e.get("Event") == wanted for e in call.events) for call in calls
            ):
                for event in ami.drain(0.1):
                    key = event.get("Uniqueid") or event.get("DestUniqueid") or ""
                    call = by_action.get(event.get("ActionID", "")) or by_id.get(key)
                    if call is not None:
                        call.events.append(event)
                    assert event.get("Event", "UserEvent") in EVENTS
    stored = outbox(lab)
    for call in calls:
        call.stored = stored.get(call.attempt)
        ended = call.one("UserEvent")
        assert ended["UserEvent"] == "CallcampEnded"
        assert (ended["Attempt"], ended["Evidence"]) == (call.attempt, call.stored)
        assert call.evidence["v"] == "1"
        assert float(call.evidence["end"]) > 1.7e9
    return {call.number: call for call in calls}


@pytest.fixture(scope="module")
def lab() -> Iterator[LabInfo]:
    yield lab_up(f"test-lab-{WORKER}")
    lab_down(f"test-lab-{WORKER}")


@pytest.fixture(scope="module")
def round_trip(lab: LabInfo) -> dict[str, Call]:
    """One call to each behaviour, without detection."""
    mark = witness_mark(lab)
    numbers = {one.slug: number_for(one.slug, 42) for one in ALL_BEHAVIOURS}
    calls = dial(lab, list(numbers.values()))
    assert witness(lab, mark) == dict.fromkeys(numbers.values(), 1)
    return {slug: calls[number] for slug, number in numbers.items()}


# slug: DialStatus (None: no DialEnd), Reason, Cause, TechCause; then evidence tech, ringing
REFUSED = {
    "busy": ("BUSY", "0", "17", "486", "486", "0"),
    "declined": ("NOANSWER", "0", "21", "603", "603", "0"),
    "no_answer": (None, "3", "19", "480", "180", "1"),
    "silent_sip": (None, "3", "19", "480", "", "0"),
    "invalid_number": ("NOANSWER", "0", "1", "404", "404", "0"),
    "unavailable": ("NOANSWER", "0", "19", "480", "480", "0"),
    "congestion": ("CONGESTION", "0", "34", "503", "503", "0"),
    "early_media_fail": ("NOANSWER", "0", "1", "404", "404", "0"),
    "sip_403": ("NOANSWER", "0", "21", "403", "403", "0"),
    "sip_408": ("NOANSWER", "0", "18", "408", "408", "0"),
    "sip_410": ("NOANSWER", "0", "22", "410", "410", "0"),
    "sip_484": ("NOANSWER", "0", "28", "484", "484", "0"),
    "sip_488": ("NOANSWER", "0", "58", "488", "488", "0"),
    "sip_500": ("NOANSWER", "0", "38", "500", "500", "0"),
    "sip_600": ("BUSY", "0", "17", "600", "600", "0"),
    "sip_607": ("NOANSWER", "0", "127", "607", "607", "0"),
}
ANSWERED = {
    "person", "presses_key", "long_talk", "late_answer", "hangs_up_at_once", "hangs_up_midway",
    "voicemail",
}  # fmt: skip


def test_the_tables_cover_every_behaviour() -> None:
    assert {*REFUSED, *ANSWERED} == {one.slug for one in ALL_BEHAVIOURS}


@pytest.mark.parametrize("slug", REFUSED)
def test_who_does_not_answer(round_trip: dict[str, Call], slug: str) -> None:
    dial_status, reason, cause, tech_cause, tech, ringing = REFUSED[slug]
    call = round_trip[slug]
    response, hangup = call.one("OriginateResponse"), call.one("Hangup")
    assert (response["Response"], response["Reason"]) == ("Failure", reason)
    assert (hangup["Cause"], hangup["TechCause"]) == (cause, tech_cause)
    if dial_status is None:
        assert not [e for e in call.events if e.get("Event") == "DialEnd"]
    else:
        assert call.one("DialEnd")["DialStatus"] == dial_status
    assert call.states() == (["Ringing"] if ringing == "1" else [])
    evidence = call.evidence
    assert evidence.pop("end")
    expected = {"v": "1", "cause": cause, "tech": tech, "answered": "0", "ringing": ringing}
    assert evidence == {key: value for key, value in expected.items() if value}


@pytest.mark.parametrize("slug", sorted(ANSWERED))
def test_who_answers(round_trip: dict[str, Call], slug: str) -> None:
    call, at_once = round_trip[slug], slug == "hangs_up_at_once"
    callee_ended = slug in {"hangs_up_at_once", "hangs_up_midway"}
    response, hangup = call.one("OriginateResponse"), call.one("Hangup")
    assert (response["Response"], response["Reason"]) == ("Success", "4")
    assert (hangup["Cause"], hangup.get("TechCause")) == ("0" if callee_ended else "16", None)
    assert call.one("DialEnd")["DialStatus"] == "ANSWER"
    assert call.states() == (["Up"] if at_once else ["Ringing", "Up"])
    evidence = call.evidence
    assert float(evidence.pop("answer")) <= float(evidence.pop("end"))
    expected = {"v": "1", "cause": hangup["Cause"], "tech": "200", "answered": "1"}
    if not callee_ended:
        expected["played"] = "prompt"
    if slug == "presses_key":
        expected["dtmf"] = "1"
    assert evidence == expected


def test_detection_tells_people_from_machines(lab: LabInfo) -> None:
    people = [number_for(slug, n) for slug in ("person", "presses_key") for n in range(3)]
    machines = [number_for("voicemail", n) for n in range(3)]
    calls = dial(lab, [*people, *machines, number_for("long_talk")], detect=True)
    for number, call in calls.items():
        verdict = ("MACHINE", "message") if number in machines else ("HUMAN", "prompt")
        assert (call.evidence["amd"], call.evidence["played"]) == verdict
        assert call.evidence["amdcause"].startswith("MAXWORDS-" if number in machines else "HUMAN-")


def test_load_numbers_and_a_second_call_to_one_number(lab: LabInfo) -> None:
    mark = witness_mark(lab)
    numbers = [load_number(n) for n in range(100, 150)]
    calls = dial(lab, numbers)
    dial(lab, numbers[:1])
    assert all(call.evidence["played"] == "prompt" for call in calls.values())
    assert witness(lab, mark) == {**dict.fromkeys(numbers, 1), numbers[0]: 2}


def test_numbers_nobody_has_are_refused_and_hurt_nobody(lab: LabInfo) -> None:
    numbers = ["+33261919900", "123", "+1" + "9" * 40, "+33199001", "abc"]
    for call in dial(lab, numbers).values():
        assert call.evidence["tech"] == "404"
    assert lab_status(lab.name).running


def test_data_of_contacts_is_never_run(lab: LabInfo) -> None:
    """Nor is a strange attempt id, which leaves no trace in the outbox."""
    trap = Path(lab.run_dir) / "trap"
    evil = r"${DB(callcamp/evil)=1}${SHELL(touch /trap)}\,x)]}\"$[1/0]"
    before = outbox(lab)
    number = number_for("hangs_up_at_once", 7)
    with connect(lab) as ami:
        for name in (evil, "", "a/b"):
            originate(ami, lab, number, secrets.token_hex(6), named=name)
            assert ami.wait_for("Hangup", timeout_s=20)
    assert outbox(lab) == before
    calls = [f"CC_VAR_name={evil}", f"CC_CONTACT={evil}", f"CC_CAMPAIGN={evil}"]
    with connect(lab) as ami:
        attempt = secrets.token_hex(6)
        originate(ami, lab, number, attempt, *calls)
        ended = ami.wait_for("UserEvent", timeout_s=20)
    assert set(outbox(lab)) == {*before, attempt}
    assert "evil" not in ended["Evidence"]
    assert not trap.exists()


def test_the_rights_are_what_callcamp_needs_and_not_more(lab: LabInfo) -> None:
    with connect(lab) as ami:
        for action in ("Ping", "CoreStatus", "CoreSettings"):
            assert ami.action(action)["Response"] == "Success"
        entry = {"Family": "callcamp-test", "Key": secrets.token_hex(4)}
        ami.action("DBPut", **entry, Val="1")
        assert ami.listed("DBGet", "DBGetComplete", **entry)[0]["Val"] == "1"
        assert ami.listed("DBGetTree", "DBGetTreeComplete", Family="callcamp-test")
        ami.action("DBDel", **entry)
        ami.action("DBPut", **entry, Val="1")
        ami.action("DBDelTree", Family="callcamp-test")
        ami.action("ModuleCheck", Module="app_amd.so")
        for context in ("callcamp-answered", "callcamp-hangup"):
            assert ami.listed("ShowDialPlan", "ShowDialPlanComplete", Context=context)
        endpoints = ami.listed("PJSIPShowEndpoints", "EndpointListComplete")
        assert lab.trunk in {one["ObjectName"] for one in endpoints}
        assert ami.listed("PJSIPShowEndpoint", "EndpointDetailComplete", Endpoint=lab.trunk)
        assert ami.listed("CoreShowChannels", "CoreShowChannelsComplete") is not None
        ami.action("Setvar", Variable="CC_TEST", Value="1")
        with pytest.raises(LabError, match="No such channel"):
            ami.action("Hangup", Channel="nobody")
        with pytest.raises(LabError, match="Permission denied"):
            ami.action("Command", Command="core show version")


@pytest.mark.strict
def test_an_id_that_begins_a_live_calls_id_places_no_call(lab: LabInfo) -> None:
    """Asterisk compares ids as far as the new one goes: ids of one length are needed."""
    name = secrets.token_hex(6)
    mark = witness_mark(lab)
    with connect(lab) as ami:
        originate(ami, lab, number_for("no_answer", 9), f"{name}10", timeout_ms=3000)
        ami.wait_for("Newchannel", timeout_s=10, Uniqueid=f"{name}10")
        originate(ami, lab, number_for("busy", 9), f"{name}1")
        refused = ami.wait_for("OriginateResponse", timeout_s=10)
        assert (refused["Uniqueid"], refused["Response"]) == (f"{name}1", "Failure")
        ami.wait_for("Hangup", timeout_s=20)
    assert witness(lab, mark) == {number_for("no_answer", 9): 1}


@pytest.fixture
def other(lab: LabInfo) -> Iterator[LabInfo]:
    """A second lab beside the first."""
    yield lab_up(f"test-other-{WORKER}")
    lab_down(f"test-other-{WORKER}")


def test_two_labs_and_their_ends(lab: LabInfo, other: LabInfo) -> None:
    assert lab_up(other.name) == other
    assert {lab.ami_port, lab.sip_port, lab.sipp_port}.isdisjoint(
        {other.ami_port, other.sip_port, other.sipp_port}
    )
    number = number_for("busy", 1)
    mark = witness_mark(lab)
    (call,) = dial(other, [number]).values()
    assert witness(other) == {number: 1}
    assert witness(lab, mark) == {}

    # A clean stop runs the handlers of live calls, and the outbox survives it.
    with connect(other) as ami:
        for at, slug in enumerate(("person", "no_answer", "silent_sip")):
            originate(ami, other, number_for(slug, 2), f"{call.attempt}-cut{at}")
        ami.wait_for("DialEnd", timeout_s=20, DialStatus="ANSWER")
        stop_asterisk(other)
        with pytest.raises(LabError, match="closed"):
            ami.drain(60)
    assert lab_status(other.name).problems == ("Asterisk is stopped.",)
    started = restart_asterisk(other)
    assert (started.ami_port, started.ami_secret) == (other.ami_port, other.ami_secret)
    assert started.asterisk_pid != other.asterisk_pid
    stored = outbox(other)
    cut = [dict(parse_qsl(stored[f"{call.attempt}-cut{at}"])) for at in range(3)]
    assert [one["cause"] for one in cut] == ["0", "0", "0"]
    assert [one["answered"] for one in cut] == ["1", "0", "0"]

    # Everything dies at once, as in a crash: it comes back with its ports and its outbox.
    os.kill(started.asterisk_pid, signal.SIGKILL)
    os.kill(started.sipp_pid, signal.SIGKILL)
    while len(lab_status(other.name).problems) < 2:
        time.sleep(0.05)
    again = lab_up(other.name)
    assert (again.ami_port, again.sip_port, again.sipp_port) == (
        other.ami_port,
        other.sip_port,
        other.sipp_port,
    )
    assert call.attempt in outbox(again)
    assert witness(again)[number] == 1

    # Taken down on purpose it keeps its witness, and starts fresh.
    lab_down(other.name)
    assert not lab_status(other.name).running
    assert witness(again)[number] == 1
    assert witness(lab_up(other.name, go_on=True))[number] == 1
    lab_down(other.name)
    fresh = lab_up(other.name)
    assert witness(fresh) == {}
    assert outbox(fresh) == {}
    assert lab_up(lab.name) == lab


def test_an_old_asterisk_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "asterisk"
    old.write_text("#!/bin/sh\necho Asterisk 16.28.0\n")
    old.chmod(0o755)
    with pytest.raises(LabError, match="18 or later"):
        lab_up("test-old", asterisk_binary=old)
    with pytest.raises(LabError, match="Could not run"):
        lab_up("test-old", asterisk_binary=tmp_path / "none")


def test_an_asterisk_that_does_not_start_leaves_nothing_running(
    lab: LabInfo, tmp_path: Path
) -> None:
    bad = tmp_path / "asterisk"
    bad.write_text("#!/bin/sh\n[ $1 = -V ] && echo Asterisk 22.1.0 || { sleep 0.1; echo oh no; }\n")
    bad.chmod(0o755)
    name = f"test-bad-{WORKER}"
    with pytest.raises(LabError, match=r"did not start: .*oh no"):
        lab_up(name, asterisk_binary=bad)
    status = lab_status(name)
    assert not status.running
    assert status.info is not None
    assert identify(status.info.sipp_pid) is None


def test_a_lab_that_an_older_callcamp_made_is_made_anew(lab: LabInfo) -> None:
    name = f"test-older-{WORKER}"
    try:
        before = lab_up(name)
        state = load_state(name)
        assert state is not None
        save_state(replace(state, recipe="older"))
        after = lab_up(name)
        assert after.asterisk_pid != before.asterisk_pid
        assert (after.ami_port, after.ami_secret) == (before.ami_port, before.ami_secret)
    finally:
        lab_down(name)


def test_an_installed_asterisk(lab: LabInfo, tmp_path: Path) -> None:
    """One outside the lab's root filesystem; here a wrapper sees the host's cache folder."""
    root = Path(str(lab.run_dir).partition("/var/callcamp-lab")[0])
    installed = tmp_path / "asterisk"
    cache = cache_folder()
    installed.write_text(
        f"#!/bin/sh\nmkdir -p {root}{cache}\nexec unshare -m sh -c '"
        f"mount --bind {cache} {root}{cache} && "
        f'exec chroot {root} /usr/sbin/asterisk "$@"\' sh "$@"\n'
    )
    installed.chmod(0o755)
    name = f"test-installed-{WORKER}"
    try:
        info = lab_up(name, asterisk_binary=installed)
        (call,) = dial(info, [number_for("presses_key", 3)]).values()
        assert call.evidence["dtmf"] == "1"
    finally:
        lab_down(name)
