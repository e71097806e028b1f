"""The pure parts of the simulated switch: bytes, callees, dialplan, AstDB, clock, witness."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.outcome import parse_evidence
from callcamp.errors import InvalidInput
from callcamp.switch.simulated import CalleeModel, CalleeScript, script_for
from callcamp.switch.simulated.astdb import AstDb
from callcamp.switch.simulated.callee import MACHINE, lognormal
from callcamp.switch.simulated.dialplan import CallEnd, attempt_of, course, evidence_line
from callcamp.switch.simulated.timeline import Timeline
from callcamp.switch.simulated.wire import Action, ActionReader, split_arguments, variables_of
from callcamp.switch.simulated.witness import Witness

# What Asterisk 22.10.1 made of `Variable: T=<text>`, read back with Getvar.
MEASURED = [
    ("A,B=2", ["A", "B=2"]),
    ("A\\,B=3", ["A,B=3"]),
    ('"quoted, B2=4"', ["quoted, B2=4"]),
    ('say "hi" \\ back', ["say hi  back"]),
    ("a\\\\b", ["a\\b"]),
    ("(x,B5=1)", ["(x,B5=1)"]),
    ("[y,B6=1", ["[y,B6=1"]),
    ("${EPOCH}", ["${EPOCH}"]),
    ("é ünïcode 漢", ["é ünïcode 漢"]),
    ("a=b=c", ["a=b=c"]),
    ("x;y|z", ["x;y|z"]),
    ("", [""]),
    ("back\\", ["back"]),
]


@pytest.mark.parametrize(("text", "arguments"), MEASURED)
def test_arguments_are_split_as_asterisk_splits_them(text: str, arguments: list[str]) -> None:
    assert split_arguments(text) == arguments


@given(st.text(st.characters(exclude_characters="\r\n\0")))
def test_a_value_with_every_special_character_escaped_stays_one_value(text: str) -> None:
    escaped = "".join("\\" + c if c in '\\",()[]' else c for c in text)
    assert split_arguments(escaped) == [text]


def test_variables_are_set_last_first_so_that_the_first_of_two_wins() -> None:
    action = Action((("Variable", "A=1,B=2"), ("Variable", "A=3"), ("Variable", "none")))
    assert variables_of(action) == [("A", "3"), ("B", "2"), ("A", "1")]
    assert dict(variables_of(action)) == {"A": "1", "B": "2"}


@given(st.integers(1, 40))
def test_actions_come_out_whole_however_the_bytes_are_cut(size: int) -> None:
    data = b"Action: Ping\r\nActionID: \xc3\xa9\r\n\r\nAction: Foo\nX:  y\n\n\r\n"
    reader = ActionReader()
    actions = [a for at in range(0, len(data), size) for a in reader.feed(data[at : at + size])]
    assert [a.headers for a in actions] == [
        (("Action", "Ping"), ("ActionID", "é")),
        (("Action", "Foo"), ("X", "y")),
        (),
    ]
    assert actions[0].get("actionid") == "é"


def test_a_carriage_return_alone_ends_no_line() -> None:
    (action,) = ActionReader().feed(b"Action: Ping\rActionID: 1\r\n\r\n")
    assert action.headers == (("Action", "PingActionID: 1"),)


def test_too_long_lines_and_too_many_headers_are_refused() -> None:
    reader = ActionReader()
    (long,) = reader.feed(b"Action: Ping\r\nX: " + b"y" * 1020 + b"\r\n\r\n")
    (many,) = reader.feed(b"Action: Ping\r\n" + b"X: y\r\n" * 128 + b"\r\n")
    (fits,) = reader.feed(
        b"Action: Ping\r\nX: " + b"y" * 1019 + b"\r\n" + b"X: y\r\n" * 126 + b"\r\n"
    )
    assert long.problem == "Failed to parse message: line too long"
    assert many.problem == "Too many lines in message or allocation failure"
    assert fits.problem is None


def test_a_population_has_its_shares() -> None:
    model = CalleeModel(answer=0.5, busy=0.2, machine=0.4, amd_error=0.0, silent=0.1)
    random = Random(7)
    drawn = [model.draw(random) for _ in range(4000)]
    codes = Counter(script.sip_code for script in drawn)
    assert codes[200] / 4000 == pytest.approx(0.5, abs=0.03)
    assert codes[486] / 4000 == pytest.approx(0.2, abs=0.03)
    answered = [script for script in drawn if script.sip_code == 200]
    machines = sum(script.amd == "MACHINE" for script in answered)
    assert machines / len(answered) == pytest.approx(0.4, abs=0.04)
    silent = [s for s in drawn if s.sip_code is None and not s.rings]
    assert len(silent) / 4000 == pytest.approx(0.1, abs=0.02)


def test_the_same_chance_draws_the_same_callee() -> None:
    model = CalleeModel()
    assert [model.draw(Random(n)) for n in range(50)] == [model.draw(Random(n)) for n in range(50)]


@pytest.mark.parametrize(
    "fields", [{"answer": 1.2}, {"busy": -0.1}, {"answer": 0.9, "busy": 0.9}, {"ring_cv": -1.0}]
)
def test_an_impossible_population_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        CalleeModel(**fields)


def test_lognormal_has_its_mean_and_no_spread_without_cv() -> None:
    random = Random(1)
    mean = sum(lognormal(random, 12.0, 0.5) for _ in range(5000)) / 5000
    assert mean == pytest.approx(12.0, rel=0.05)
    assert lognormal(random, 3.0, 0.0) == 3.0


def test_an_unknown_behaviour_has_no_script() -> None:
    assert script_for("dances") is None
    assert script_for("anything", 503) == script_for("other", 503)


@pytest.mark.parametrize(
    ("script", "variables", "seconds", "known"),
    [
        (CalleeScript(), {"CC_DETECT": "1", "CC_PROMPT": "p"}, 10.5, {"CC_PLAYED": "prompt"}),
        (CalleeScript(keys="42"), {"CC_PROMPT": "p"}, 3.5, {"CC_DTMF": "4", "CC_PLAYED": "prompt"}),
        (MACHINE, {"CC_DETECT": "1", "CC_MACHINE_MESSAGE": "m"}, 16.0, {"CC_PLAYED": "message"}),
        (MACHINE, {"CC_DETECT": "1", "CC_PROMPT": "p"}, 3.3, {"CC_AMD": "MACHINE"}),
        (MACHINE, {"CC_PROMPT": "p"}, 8.5, {"CC_PLAYED": "prompt"}),
        (CalleeScript(), {}, 0.0, {}),
    ],
)
def test_an_answered_call_takes_the_dialplans_course(
    script: CalleeScript, variables: dict[str, str], seconds: float, known: dict[str, str]
) -> None:
    taken = course(script, variables)
    assert taken.ends_at_s == pytest.approx(seconds)
    assert not taken.callee_ends
    assert known.items() <= taken.known_at(seconds).items()


def test_who_hangs_up_early_has_heard_nothing_to_its_end() -> None:
    taken = course(CalleeScript(talk_s=1.5), {"CC_DETECT": "1", "CC_PROMPT": "p"})
    assert (taken.ends_at_s, taken.callee_ends) == (1.5, True)
    assert taken.known_at(1.5) == {"CC_AMD": "HANGUP"}
    assert taken.known_at(0.001) == {}


def test_the_line_is_what_the_core_reads() -> None:
    end = CallEnd(cause=16, last_sip=200, state="Up", answered_at=1000.0, ended_at=1010.5)
    variables = {"CC_AMD": "HUMAN", "CC_AMD_CAUSE": "HUMAN-1200-1200", "CC_DTMF": "#"}
    read = parse_evidence(evidence_line(end, variables))
    assert (read.cause, read.sip_code, read.answered, read.talk_s) == (16, 200, True, 10.5)
    assert (read.amd_status, read.amd_cause, read.dtmf) == ("HUMAN", "HUMAN-1200-1200", "#")
    assert read.rang is None


@pytest.mark.parametrize(
    ("last_sip", "state", "rang"),
    [(None, "Down", False), (180, "Ringing", True), (183, "Down", True), (486, "Down", False)],
)
def test_the_line_says_whether_it_rang(last_sip: int | None, state: str, rang: bool) -> None:
    assert parse_evidence(evidence_line(CallEnd(19, last_sip, state, None, 5.0), {})).rang is rang


@pytest.mark.parametrize("bad", ["", "a b", "a,b", "ü", "a/b"])
def test_an_attempt_id_with_other_characters_is_not_written(bad: str) -> None:
    assert attempt_of({"CC_ATTEMPT": bad}) is None


def test_a_crash_can_cost_astdb_its_last_second() -> None:
    now = 0.0
    db = AstDb(lambda: now)
    db.put("f", "old", "1")
    db.put("f", "gone", "1")
    now = 5.0
    db.put("f", "old", "2")
    db.put("f", "new", "1")
    db.delete("f", "gone")
    db.crash(lose_recent=True)
    assert db.tree("f", "") == [("/f/gone", "1"), ("/f/old", "1")]
    db.put("f", "new", "1")
    db.crash(lose_recent=False)
    assert db.get("f", "new") == "1"
    assert db.delete_tree("f", "") == 3
    assert not db.delete("f", "old")


def test_a_tree_is_a_tree_and_no_prefix() -> None:
    db = AstDb(lambda: 0.0)
    db.put("call", "a", "1")
    db.put("callcamp", "a", "2")
    assert db.tree("call", "") == [("/call/a", "1")]
    assert len(db.tree("", "")) == 2


async def test_simulated_time_keeps_order_and_exact_instants() -> None:
    timeline = Timeline(speed=1000)
    timeline.start()
    seen: list[tuple[str, float]] = []
    done = asyncio.Event()

    def note(name: str) -> None:
        seen.append((name, timeline.now))

    def first() -> None:
        note("first")
        timeline.after(1.0, note, "nested")

    timeline.after(2.0, note, "second")
    timeline.after(2.0, note, "third")
    timeline.after(1.0, first)
    timeline.after(1.5, note, "never").cancel()
    timeline.after(50.0, done.set)
    await asyncio.wait_for(done.wait(), 10)
    timeline.stop()
    assert seen == [("first", 1.0), ("second", 2.0), ("third", 2.0), ("nested", 2.0)]


def test_time_does_not_stand_still() -> None:
    with pytest.raises(InvalidInput):
        Timeline(speed=0)


def test_the_witness_knows_peaks_per_trunk_and_second() -> None:
    now = 0.0
    witness = Witness(lambda: now, lambda: now * 10)
    for number in ("1", "2", "1"):
        witness.placed(number, "a")
    now = 0.5
    witness.placed("3", "b")
    witness.ended("a")
    now = 1.0
    witness.placed("4", "a")
    assert witness.calls() == {"1": 2, "2": 1, "3": 1, "4": 1}
    assert witness.peaks().max_per_second == 4
    assert witness.peaks().max_per_simulated_second == 3
    assert (witness.peaks().max_live, witness.peaks().live) == (4, 4)
    assert witness.peaks("b").calls == 1
    assert witness.peaks("none").calls == 0
    witness.all_ended()
    assert (witness.peaks().live, witness.peaks("a").live) == (0, 0)
