"""The language of rules: whether conditions hold, and which rules a campaign has.

How values are compared is told in :mod:`callcamp.core.compare`, how rules are written and read
in :mod:`callcamp.core.rule_text`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callcamp.core.compare import BOOLEANS, FactValue, as_number, satisfies
from callcamp.core.facts import FACTS, VARIABLE_PREFIX, FactKind, FactMeaning
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.patterns import compiled
from callcamp.core.policies import Action, ActionKind, ActionRule, Condition, Match, Operator
from callcamp.core.rule_text import describe, in_words
from callcamp.errors import InvalidInput

if TYPE_CHECKING:
    from callcamp.core.campaign_settings import RetryPolicy, SuccessRules

NAME_MOST = 100
"""Characters of a name, of a fact, a variable or a rule, at most."""
VALUE_MOST = 500
"""Characters of a value at most."""
CONDITIONS_MOST = 50
"""Conditions of a rule, and rules of a list, at most."""
DELAY_MOST_S = 90 * 86400
"""The longest pause that can be asked for, in seconds."""

DECIDING = frozenset({ActionKind.CALL_AGAIN, ActionKind.DROP})
"""Actions that decide what becomes of the contact."""
_AGAIN = Action(ActionKind.CALL_AGAIN)
_DROP = Action(ActionKind.DROP)
_SETTING = frozenset({ActionKind.SET_CONTACT_VARIABLE, ActionKind.SET_CALL_VARIABLE})
_ORDERS = frozenset({Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST})
_EXACT = _ORDERS | {Operator.EQUAL, Operator.NOT_EQUAL}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a conversation was a success, and the condition that decided, in words."""

    success: bool
    decided_by: str


def holds(condition: Condition, facts: Mapping[str, FactValue]) -> bool:
    """Tell whether a condition holds; never raises, as a call's end has to be settled."""
    return satisfies(facts.get(condition.name), condition.operator, condition.value)


def matches(conditions: Sequence[Condition], match: Match, facts: Mapping[str, FactValue]) -> bool:
    """Tell whether all conditions, or any of them, hold; none at all: always."""
    if not conditions:
        return True
    test = all if match is Match.ALL else any
    return test(holds(condition, facts) for condition in conditions)


def judge_success(rules: SuccessRules, facts: Mapping[str, FactValue]) -> Verdict:
    """Tell whether a conversation was a success.

    Without any condition it is when a person answered and was not abandoned.

    Args:
        rules: the campaign's.
        facts: as :func:`callcamp.core.facts.call_facts` gives them.
    """
    if not rules.conditions:
        reached = facts.get("disposition") == Disposition.ANSWERED_PERSON.value
        return Verdict(reached, "answered by a person" if reached else "not answered by a person")
    every = rules.match is Match.ALL
    for condition in rules.conditions:
        if holds(condition, facts) is not every:
            return Verdict(not every, describe(condition))
    return Verdict(every, "all conditions" if every else "no condition")


def retry_rules(policy: RetryPolicy, success: SuccessRules | None = None) -> tuple[ActionRule, ...]:
    """Return a campaign's retry policy as the one list of rules that decides after a call.

    The rules are asked in this order, and the first that calls again or drops decides; the last
    one always does. :mod:`callcamp.core.retry` tells what may still forbid the call, and that an
    agreed callback comes before the list.

    Args:
        policy: the campaign's.
        success: the campaign's success rules: with conditions of its own, a success is not
            redialled for having been short.
    """
    rules: list[ActionRule] = []
    if policy.stop_after_talk_s is not None:
        rules.append(
            ActionRule(
                f"stop after a connect of more than {in_words(policy.stop_after_talk_s)}",
                (_DROP,),
                (
                    _is("disposition", Disposition.ANSWERED_PERSON),
                    Condition("talk_seconds", Operator.GREATER, f"{policy.stop_after_talk_s:.10g}"),
                ),
            )
        )
    if policy.redial_under_talk_s is not None:
        judged = success is not None and success.conditions
        rules.append(
            ActionRule(
                f"redial after a connect of less than {in_words(policy.redial_under_talk_s)}",
                (_AGAIN,),
                (
                    _is("connected", "true"),
                    Condition("disposition", Operator.NOT_EQUAL, Disposition.VOICEMAIL),
                    Condition("talk_seconds", Operator.LESS, f"{policy.redial_under_talk_s:.10g}"),
                    *((Condition("success", Operator.NOT_EQUAL, "true"),) if judged else ()),
                ),
            )
        )
    rules += policy.rules
    rules += [
        ActionRule(f"again after the outcome {name}", (_AGAIN,), (_is("outcome", name),))
        for name in policy.retry_on_outcomes
    ]
    rules.append(ActionRule("a success ends it", (_DROP,), (_is("success", "true"),)))
    pause = Action(ActionKind.CALL_AGAIN, delay_s=policy.next_number_delay_s)
    further = Condition("numbers_left", Operator.GREATER, "0")
    rules.append(
        ActionRule("the contact's next number", (pause,), (_is("answered", "false"), further))
    )
    if policy.until_success:
        rules.append(ActionRule("again until it is a success", (_AGAIN,)))
    again = [d for d in Disposition if d in policy.retry_on and MEANING[d].retryable]
    rules += [ActionRule(f"again after {d}", (_AGAIN,), (_is("disposition", d),)) for d in again]
    if again:
        others = Condition("other_numbers", Operator.GREATER, "0")
        gone = _is("disposition", Disposition.INVALID_NUMBER)
        rules.append(ActionRule("back to a number that exists", (_AGAIN,), (gone, others)))
    return (*rules, ActionRule("otherwise", (_DROP,)))


def check_condition(
    condition: Condition,
    known: Collection[str] | None = None,
    *,
    facts: Mapping[str, FactMeaning] = FACTS,
) -> None:
    """Check that a condition can be used.

    Args:
        condition: the condition.
        known: names of the variables that there are (None: any name may be one).
        facts: the facts that there are; none for a filter over contacts.

    Raises:
        InvalidInput: the name is empty, too long or not known; the value is missing, too long,
            or never fits the fact; the pattern is refused.
    """
    name, value, operator = condition.name, condition.value, condition.operator
    _check_name(name, "name")
    plain = name.removeprefix(VARIABLE_PREFIX)
    if known is not None and name not in facts and name not in known and plain not in known:
        raise InvalidInput(
            f"There is no fact or variable {name!r}; there are "
            f"{', '.join(sorted({*facts, *known}))}.",
            field="name",
            value=name,
        )
    if operator is Operator.IS_SET:
        return
    if not value.strip():
        raise InvalidInput(
            f"{name} {operator.value} needs a value; to ask whether there is one, write "
            f"`{name} is set`.",
            field="value",
            value=value,
        )
    if len(value) > VALUE_MOST:
        raise InvalidInput(
            f"The value for {name} has {len(value)} characters; give at most {VALUE_MOST}.",
            field="value",
            value=value[:NAME_MOST],
        )
    if operator is Operator.MATCHES:
        compiled(value)
    elif name in facts and operator in _EXACT:
        _check_fits(condition, facts[name])


def check_conditions(conditions: Sequence[Condition]) -> None:
    """Check the conditions of one rule.

    Raises:
        InvalidInput: there are more than 50, or one cannot be used.
    """
    _check_within("conditions", len(conditions), 0, CONDITIONS_MOST, "entries")
    for condition in conditions:
        check_condition(condition)


def check_rule(rule: ActionRule) -> None:
    """Check that a rule can be used.

    Raises:
        InvalidInput: it has no name or no action, decides twice, sets what cannot be set, waits
            longer than 90 days, or one of its conditions cannot be used.
    """
    _check_name(rule.name, "rule")
    check_conditions(rule.conditions)
    deciding = sum(action.kind in DECIDING for action in rule.actions)
    if not rule.actions or deciding > 1:
        raise InvalidInput(
            f"The rule {rule.name!r} has {len(rule.actions)} actions, {deciding} of which call "
            "again or drop; give at least one action, and at most one of these.",
            field="actions",
            value=len(rule.actions),
        )
    for action in rule.actions:
        if action.kind in _SETTING:
            _check_name(action.name, "variable")
            if len(action.value) > VALUE_MOST:
                raise InvalidInput(
                    f"The value for {action.name} has {len(action.value)} characters; give at "
                    f"most {VALUE_MOST}.",
                    field="value",
                    value=action.value[:NAME_MOST],
                )
        if action.delay_s is not None and not 0 <= action.delay_s <= DELAY_MOST_S:
            raise InvalidInput(
                f"The rule {rule.name!r} waits {action.delay_s} s; give 0 to {DELAY_MOST_S} "
                "seconds (90 days).",
                field="delay_s",
                value=action.delay_s,
            )


def check_policy(policy: RetryPolicy) -> None:
    """Check that a retry policy can be used; it does so itself when it is made.

    Raises:
        InvalidInput: naming the first field that is unusable.
    """
    _check_within("max_attempts", policy.max_attempts, 1, 100, "attempts")
    _check_within("retry_delay_s", policy.delay_s, 0, DELAY_MOST_S, "seconds (90 days)")
    for name, seconds in (
        ("delay_most_s", policy.delay_most_s),
        ("next_number_delay_s", policy.next_number_delay_s),
        *((f"delays_s[{disposition}]", s) for disposition, s in policy.delays_s.items()),
    ):
        _check_within(name, seconds, 0, DELAY_MOST_S, "seconds (90 days)")
    _check_within("growth", policy.growth, 1, 10, "as a factor")
    for name, talk_s in (
        ("stop_after_talk_s", policy.stop_after_talk_s),
        ("redial_under_talk_s", policy.redial_under_talk_s),
    ):
        if talk_s is not None:
            _check_within(name, talk_s, 1, 86400, "seconds, or nothing to switch it off")
    _check_within("rules", len(policy.rules), 0, CONDITIONS_MOST, "entries")
    for rule in policy.rules:
        check_rule(rule)
    _check_within("retry_on_outcomes", len(policy.retry_on_outcomes), 0, CONDITIONS_MOST, "entries")
    for name in policy.retry_on_outcomes:
        _check_name(name, "outcome")


def _is(name: str, value: str) -> Condition:
    return Condition(name, Operator.EQUAL, value)


def _check_within(field: str, value: float, low: int, high: int, unit: str) -> None:
    if not low <= value <= high:
        raise InvalidInput(
            f"{field} is {value}; give {low} to {high} {unit}.", field=field, value=value
        )


def _check_name(name: str, field: str) -> None:
    if not name.strip() or len(name) > NAME_MOST or not name.isprintable():
        raise InvalidInput(
            f"The {field} is {name[:NAME_MOST]!r}; give 1 to {NAME_MOST} printable characters.",
            field=field,
            value=name[:NAME_MOST],
        )


def _check_fits(condition: Condition, meaning: FactMeaning) -> None:
    name, value = condition.name, condition.value
    order = condition.operator in _ORDERS
    if meaning.kind is FactKind.NUMBER and as_number(value) is None:
        wanted = "a plain number, such as 30 or 1.5"
    elif meaning.kind is FactKind.BOOLEAN and value.strip().casefold() not in BOOLEANS:
        wanted = "true or false"
    elif meaning.kind is FactKind.BOOLEAN and order:
        raise InvalidInput(
            f"{name} is true or false and has no order; write `{name} = true`.",
            field="operator",
            value=condition.operator.value,
        )
    elif name == "disposition" and not order and value.strip().casefold() not in set(Disposition):
        wanted = "one of " + ", ".join(Disposition)
    else:
        return
    raise InvalidInput(
        f"{name} is compared with {value!r}; give {wanted}.", field="value", value=value
    )
