"""How conditions and rules are written for people, and how a condition is read.

A condition is written ``NAME OPERATOR VALUE``: ``city = Paris``, ``age >= 18``, ``email is set``,
``"first name" starts with An``. :func:`parse_condition` reads what :func:`describe` writes.
"""

from __future__ import annotations

import json
import re

from callcamp.core.policies import (
    Action,
    ActionKind,
    ActionRule,
    Condition,
    Match,
    Operator,
    Scope,
)
from callcamp.errors import InvalidInput

_PLAIN_NAME = re.compile(r"[^\s\"'=<>!]+")
_CONDITION = re.compile(
    r"""\s*(?P<name>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'=<>!]+)\s*"""
    r"""(?P<operator>!=|<=|>=|==|=|<|>|"""
    r"""(?ai:(?<=\s)(?:contains|starts\s+with|matches|is\s+set)\b))"""
    r"""(?P<value>.*)""",
    re.DOTALL,
)


def describe(condition: Condition) -> str:
    """Return a condition as :func:`parse_condition` reads it."""
    name = condition.name if _PLAIN_NAME.fullmatch(condition.name) else _quoted(condition.name)
    if condition.operator is Operator.IS_SET:
        return f"{name} is set"
    value = condition.value
    plain = value == value.strip() and value.isprintable() and value[:1] not in {"", '"', "'"}
    return f"{name} {condition.operator.value} {value if plain else _quoted(value)}"


def parse_condition(text: str) -> Condition:
    """Read a condition, such as ``city = Paris`` or ``"first name" is set``.

    Names with blanks, and values with blanks around them, are put in quotes.

    Raises:
        InvalidInput: it cannot be read.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise InvalidInput(
            f"{text!r} is no condition; write NAME OPERATOR VALUE, such as `city = Paris`, "
            "`age >= 18` or `email is set`, with one of "
            f"{', '.join(operator.value for operator in Operator)}, and put a name with blanks "
            "in quotes.",
            field="condition",
            value=text,
        )
    written = " ".join(found["operator"].lower().split())
    operator = Operator("=" if written == "==" else written)
    value = _unquoted(found["value"].strip())
    if operator is Operator.IS_SET and value:
        raise InvalidInput(
            f"{text!r} has {value!r} after `is set`, which takes no value.",
            field="condition",
            value=text,
        )
    return Condition(_unquoted(found["name"]), operator, value)


def describe_action(action: Action) -> str:
    """Return what an action does, in words."""
    if action.kind is ActionKind.CALL_AGAIN:
        if action.delay_s is None:
            return "call again after the usual pause"
        return (
            f"call again after {in_words(action.delay_s)}"
            if action.delay_s
            else "call again at once"
        )
    if action.kind is ActionKind.DROP:
        return "do not call again"
    if action.kind is ActionKind.SUPPRESS:
        where = "everywhere" if action.scope is Scope.GLOBAL else "in this campaign"
        return f"exclude the number {where}"
    what = "contact" if action.kind is ActionKind.SET_CONTACT_VARIABLE else "call"
    return f"set {action.name} of the {what} to {_quoted(action.value)}"


def describe_rule(rule: ActionRule) -> str:
    """Return a rule in words: ``NAME: if A and B, do C and D``."""
    glue = " and " if rule.match is Match.ALL else " or "
    when = glue.join(describe(condition) for condition in rule.conditions)
    what = " and ".join(describe_action(action) for action in rule.actions)
    return f"{rule.name}: if {when}, {what}" if when else f"{rule.name}: {what}"


def in_words(seconds: float) -> str:
    """Return a span in the largest unit that it is a whole number of: ``30 min``, ``90 s``."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _unquoted(text: str) -> str:
    if text[:1] == "'" and len(text) > 1 and text.endswith("'") and "'" not in text[1:-1]:
        return text[1:-1]
    if text[:1] not in {'"', "'"}:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise InvalidInput(
            f'The quotes in {text} do not match; close them, and write \\" for a quote within.',
            field="condition",
            value=text,
        )
    return value
