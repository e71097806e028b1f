"""Conditions: how facts are compared, what is refused, how they are written and read."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.compare import FactValue, as_text, satisfies
from callcamp.core.facts import FACTS, FactKind, call_facts, contact_facts
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.policies import (
    Action,
    ActionKind,
    ActionRule,
    Condition,
    Match,
    Operator,
    Scope,
)
from callcamp.core.rule_text import describe, describe_action, describe_rule, parse_condition
from callcamp.core.rules import check_condition, check_conditions, check_rule, holds, matches
from callcamp.errors import InvalidInput

D = Disposition
O = Operator  # noqa: E741 - a table reads better
ORDERS = [O.LESS, O.AT_MOST, O.GREATER, O.AT_LEAST]
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
blanks = st.sampled_from(["", " ", "  ", "\t"])
decimals = st.decimals(-(10**12), 10**12, allow_nan=False, places=3)


@pytest.mark.parametrize(
    ("fact", "operator", "value", "expected"),
    [
        ("5", O.LESS, "10", True),
        ("10", O.LESS, "5", False),
        ("5.0", O.EQUAL, "5", True),
        (5.0, O.EQUAL, "5", True),
        (5, O.NOT_EQUAL, "5.00", False),
        (29.9, O.GREATER, "30", False),
        (" 18 ", O.AT_LEAST, "18", True),
        ("12345678901234567891", O.EQUAL, "12345678901234567890", False),
        ("01000", O.EQUAL, "1000", False),
        ("+33123", O.EQUAL, "33123", False),
        ("unknown", O.AT_LEAST, "18", False),
        ("unknown", O.LESS, "18", False),
        ("", O.LESS, "18", False),
        (40, O.GREATER, "abc", False),
        (float("nan"), O.GREATER, "1", False),
        (float("inf"), O.GREATER, "1", False),
        ("2026-03-01", O.LESS, "2026-03-02", True),
        ("2026-03-01T23:30:00+00:00", O.EQUAL, "2026-03-02T00:30+01:00", True),
        ("2026-03-01 10:00", O.LESS, "2026-03-01T10:00:01Z", True),
        ("2026-03-01T15:00Z", O.AT_MOST, "2026-03-01", True),
        ("2026-02-30", O.LESS, "2026-03-01", False),
        ("last spring", O.LESS, "2026-03-01", False),
        (True, O.EQUAL, "yes", True),
        (True, O.EQUAL, "1", True),
        (False, O.EQUAL, "No", True),
        (False, O.NOT_EQUAL, "true", True),
        (True, O.EQUAL, "perhaps", False),
        (True, O.GREATER, "false", False),
        ("NO", O.EQUAL, "false", False),
        ("Paris", O.EQUAL, " paris ", True),
        ("Straße", O.EQUAL, "STRASSE", True),
        ("e\u0301", O.EQUAL, "é", True),
        ("Paris", O.LESS, "rome", True),
        ("Saint-Paris", O.CONTAINS, "PARIS", True),
        ("Paris", O.STARTS_WITH, "par", True),
        ("Paris", O.STARTS_WITH, "ris", False),
        (486, O.STARTS_WITH, "4", True),
        ("Paris", O.MATCHES, "^p.r", True),
        ("Paris", O.MATCHES, "^r", False),
        ("Paris", O.IS_SET, "", True),
        (0, O.IS_SET, "", True),
        (False, O.IS_SET, "", True),
        (" ", O.IS_SET, "", False),
    ],
)
def test_comparisons(fact: FactValue, operator: Operator, value: str, expected: bool) -> None:
    assert satisfies(fact, operator, value) is expected


@given(st.sampled_from([None, "", "  "]), st.sampled_from(O), texts)
def test_of_what_is_missing_only_that_it_is_not_equal_holds(
    fact: FactValue, operator: Operator, value: str
) -> None:
    assert satisfies(fact, operator, value) is (operator is O.NOT_EQUAL)


def oracle(mine: Decimal | datetime, operator: Operator, theirs: Decimal | datetime) -> bool:
    return {
        O.EQUAL: mine == theirs,
        O.NOT_EQUAL: mine != theirs,
        O.LESS: mine < theirs,  # type: ignore[operator]
        O.AT_MOST: mine <= theirs,  # type: ignore[operator]
        O.GREATER: mine > theirs,  # type: ignore[operator]
        O.AT_LEAST: mine >= theirs,  # type: ignore[operator]
    }[operator]


@given(decimals, decimals, st.sampled_from([*ORDERS, O.EQUAL, O.NOT_EQUAL]), blanks)
def test_numbers_against_a_naive_oracle(
    mine: Decimal, theirs: Decimal, operator: Operator, blank: str
) -> None:
    expected = oracle(mine, operator, theirs)
    assert satisfies(f"{blank}{mine:f}{blank}", operator, f"{theirs:f}") is expected
    assert satisfies(int(mine), operator, f"{theirs:f}") is oracle(
        Decimal(int(mine)), operator, theirs
    )


instants = st.datetimes(timezones=st.integers(-14, 14).map(lambda h: timezone(timedelta(hours=h))))


@given(instants, instants, st.sampled_from([*ORDERS, O.EQUAL, O.NOT_EQUAL]))
def test_instants_against_a_naive_oracle(
    mine: datetime, theirs: datetime, operator: Operator
) -> None:
    expected = oracle(mine, operator, theirs)
    assert satisfies(mine.isoformat(), operator, theirs.isoformat()) is expected


@given(texts, texts)
def test_text_ignores_case_and_blanks_around(mine: str, theirs: str) -> None:
    assert satisfies(f" {mine}x", O.EQUAL, f"{mine}X ")
    assert satisfies(f"{mine}{theirs}z", O.STARTS_WITH, mine)
    assert satisfies(f"a{theirs}z", O.CONTAINS, theirs)


anything = st.none() | st.booleans() | st.integers() | st.floats() | texts


@given(anything, st.sampled_from(O), texts)
def test_a_comparison_never_raises_and_not_equal_is_the_opposite_of_equal(
    fact: FactValue, operator: Operator, value: str
) -> None:
    assert satisfies(fact, operator, value) in {True, False}
    assert satisfies(fact, O.EQUAL, value) is not satisfies(fact, O.NOT_EQUAL, value)
    assert isinstance(as_text(fact), str)


@given(st.lists(st.booleans(), max_size=5))
def test_all_and_any(flags: list[bool]) -> None:
    facts: dict[str, FactValue] = {f"f{i}": flag for i, flag in enumerate(flags)}
    conditions = [Condition(name, O.EQUAL, "true") for name in facts]
    assert matches(conditions, Match.ALL, facts) is all(flags)
    assert matches(conditions, Match.ANY, facts) is (any(flags) if flags else True)


plain_names = texts.filter(lambda name: bool(name.strip()))


@given(plain_names, st.sampled_from(O), texts)
def test_what_is_described_is_read_back(name: str, operator: Operator, value: str) -> None:
    condition = Condition(name, operator, "" if operator is O.IS_SET else value)
    assert parse_condition(describe(condition)) == condition
    assert parse_condition(f"  {describe(condition)} ") == condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("city = Paris", Condition("city", O.EQUAL, "Paris")),
        ("city==Paris", Condition("city", O.EQUAL, "Paris")),
        ("city != New York", Condition("city", O.NOT_EQUAL, "New York")),
        ("age>=18", Condition("age", O.AT_LEAST, "18")),
        ("email is set", Condition("email", O.IS_SET)),
        ("email IS  SET", Condition("email", O.IS_SET)),
        ("name starts  with 'A n'", Condition("name", O.STARTS_WITH, "A n")),
        ('"first name" contains "\\"Al\\""', Condition("first name", O.CONTAINS, '"Al"')),
        ("'a b' = ''", Condition("a b", O.EQUAL, "")),
        ("is is set", Condition("is", O.IS_SET)),
        ("zip matches ^7[0-9]{4}$", Condition("zip", O.MATCHES, "^7[0-9]{4}$")),
    ],
)
def test_reading(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    "text",
    [
        "",
        "city",
        "= Paris",
        "first name = Ann",
        "citycontains x",
        "a contain\u017f b",
        'city = "Paris',
        "city = 'Par'is'",
        'city = "a" "b"',
        "city = '",
        "email is set now",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_condition(text)
    assert refused.value.details["field"] == "condition"


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (Condition("", O.IS_SET), "name"),
        (Condition("x" * 101, O.IS_SET), "name"),
        (Condition("a\nb", O.IS_SET), "name"),
        (Condition("city", O.EQUAL, " "), "value"),
        (Condition("city", O.EQUAL, "x" * 501), "value"),
        (Condition("city", O.MATCHES, "(a+)+$"), "value"),
        (Condition("talk_seconds", O.GREATER, "long"), "value"),
        (Condition("talk_seconds", O.EQUAL, "030"), "value"),
        (Condition("answered", O.EQUAL, "perhaps"), "value"),
        (Condition("answered", O.LESS, "true"), "operator"),
        (Condition("disposition", O.EQUAL, "bussy"), "value"),
    ],
)
def test_conditions_that_can_never_be_meant_are_refused(condition: Condition, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_condition(condition)
    assert refused.value.details["field"] == field


def test_only_known_names_when_they_are_known() -> None:
    for name in ("city", "var.city", "talk_seconds", "var.talk_seconds"):
        check_condition(Condition(name, O.EQUAL, "1"), {"city", "talk_seconds"})
    with pytest.raises(InvalidInput, match="town"):
        check_condition(Condition("town", O.EQUAL, "1"), {"city"})
    with pytest.raises(InvalidInput, match="talk_seconds"):
        check_condition(Condition("talk_seconds", O.EQUAL, "1"), {"city"}, facts={})
    check_condition(Condition("disposition", O.EQUAL, "sunny"), facts={})
    check_condition(Condition("disposition", O.EQUAL, "Busy"))
    check_condition(Condition("disposition", O.CONTAINS, "answer"))


def test_too_many_conditions_are_refused() -> None:
    check_conditions([Condition("a", O.IS_SET)] * 50)
    with pytest.raises(InvalidInput, match="51"):
        check_conditions([Condition("a", O.IS_SET)] * 51)


AGAIN, DROP = Action(ActionKind.CALL_AGAIN), Action(ActionKind.DROP)
SET = Action(ActionKind.SET_CONTACT_VARIABLE, name="tier", value="gold")


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (ActionRule("", (DROP,)), "rule"),
        (ActionRule("x", ()), "actions"),
        (ActionRule("x", (AGAIN, DROP)), "actions"),
        (ActionRule("x", (Action(ActionKind.SET_CALL_VARIABLE),)), "variable"),
        (
            ActionRule("x", (Action(ActionKind.SET_CALL_VARIABLE, name="a", value="v" * 501),)),
            "value",
        ),
        (ActionRule("x", (Action(ActionKind.CALL_AGAIN, delay_s=-1),)), "delay_s"),
        (ActionRule("x", (Action(ActionKind.CALL_AGAIN, delay_s=7776001),)), "delay_s"),
        (ActionRule("x", (DROP,), (Condition("a", O.EQUAL),)), "value"),
    ],
)
def test_rules_that_cannot_be_used_are_refused(rule: ActionRule, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_rule(rule)
    assert refused.value.details["field"] == field


def test_rules_in_words() -> None:
    condition = parse_condition("answered = false")
    rule = ActionRule(
        "late",
        (SET, Action(ActionKind.CALL_AGAIN, delay_s=5400)),
        (condition, parse_condition("attempts < 3")),
    )
    check_rule(rule)
    assert describe_rule(rule) == (
        "late: if answered = false and attempts < 3, "
        'set tier of the contact to "gold" and call again after 90 min'
    )
    rule = ActionRule("r", (DROP,), (condition, condition), Match.ANY)
    assert describe_rule(rule) == "r: if answered = false or answered = false, do not call again"
    assert describe_rule(ActionRule("r", (AGAIN,))) == "r: call again after the usual pause"
    words = {
        Action(ActionKind.CALL_AGAIN, delay_s=0): "call again at once",
        Action(ActionKind.CALL_AGAIN, delay_s=86400): "call again after 1 d",
        Action(ActionKind.SUPPRESS): "exclude the number in this campaign",
        Action(ActionKind.SUPPRESS, scope=Scope.GLOBAL): "exclude the number everywhere",
        Action(ActionKind.SET_CALL_VARIABLE, name="a", value="b"): 'set a of the call to "b"',
    }
    for action, expected in words.items():
        assert describe_action(action) == expected


def facts_of(disposition: Disposition = Disposition.BUSY, **more: object) -> dict[str, FactValue]:
    values = {"evidence": Evidence(), "attempt_ordinal": 4, "round_ordinal": 2, **more}
    return call_facts(disposition=disposition, **values)  # type: ignore[arg-type]


def test_every_call_fact_is_there_and_of_its_kind() -> None:
    evidence = Evidence(
        cause=16, sip_code=200, answered=True, amd_status="HUMAN", amd_cause="x", played="prompt",
        dtmf="19", ring_s=3.5, talk_s=42.0,
    )  # fmt: skip
    facts = facts_of(Disposition.ANSWERED_PERSON, evidence=evidence, outcome="ok", success=True)
    assert set(facts) == set(FACTS)
    types = {FactKind.NUMBER: (int, float), FactKind.TEXT: str, FactKind.BOOLEAN: bool}
    for name, meaning in FACTS.items():
        assert isinstance(facts[name], types[meaning.kind]), name
    assert facts["callbot_call_duration_seconds"] == facts["talk_seconds"] == 42.0
    assert (facts["attempts"], facts["all_attempts"]) == (2, 4)


@pytest.mark.parametrize("disposition", Disposition)
def test_connected_means_picked_up_by_whoever(disposition: Disposition) -> None:
    facts = facts_of(disposition)
    picked_up = {D.ANSWERED_PERSON, D.VOICEMAIL, D.HUNG_UP, D.ABANDONED}
    assert facts["connected"] is facts["answered"] is (disposition in picked_up)
    assert facts["person"] is (disposition in {D.ANSWERED_PERSON, D.ABANDONED})
    assert facts["talk_seconds"] is None


def test_no_variable_passes_for_a_fact() -> None:
    hostile = dict.fromkeys(FACTS, "true") | {"var.x": "spoof", "x": "real"}
    facts = facts_of(contact_variables=hostile, call_variables={"y": "1"})
    plain = facts_of()
    assert {name: facts[name] for name in FACTS} == plain
    assert facts["var.answered"] == "true"
    assert facts["var.x"] == "real"
    assert holds(parse_condition("var.talk_seconds = true"), facts)
    assert not holds(parse_condition("talk_seconds is set"), facts)


def test_what_was_said_in_the_call_wins_over_the_file() -> None:
    facts = facts_of(contact_variables={"size": "1", "a": "b"}, call_variables={"size": "2"})
    assert (facts["size"], facts["var.size"], facts["a"]) == ("2", "2", "b")


def test_facts_of_a_contact_for_filters() -> None:
    facts = contact_facts("+33142685300", {"city": "Paris", "phone": "x"})
    assert holds(parse_condition("phone starts with +33"), facts)
    assert holds(parse_condition("city = paris"), facts)
    assert facts["var.phone"] == "x"


def test_names_of_facts_can_be_written_without_quotes() -> None:
    assert all(re.fullmatch(r"[a-z_]+", name) for name in FACTS)


def test_the_page_of_facts_is_fresh() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "success.md").read_text("utf-8")
    rows = [f"| `{name}` | {meaning.kind} | {meaning.text} |" for name, meaning in FACTS.items()]
    assert "\n".join(rows) in page
    assert all(f"`{operator.value}`" in page for operator in Operator)
