"""The small language of rules: conditions over facts, and what to do when they hold.

Used by success rules, by retry and redial rules, and by saved filters over contacts.
:mod:`callcamp.core.rules` evaluates them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Operator(StrEnum):
    """How a fact is compared with a value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    CONTAINS = "contains"
    STARTS_WITH = "starts with"
    MATCHES = "matches"
    IS_SET = "is set"


class Match(StrEnum):
    """Whether all conditions have to hold, or one is enough."""

    ALL = "all"
    ANY = "any"


class Scope(StrEnum):
    """Where an exclusion holds."""

    CAMPAIGN = "campaign"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison.

    Args:
        name: name of a call fact (``talk_seconds``, ``disposition``, …) or of a variable.
        operator: how it is compared.
        value: with what; not used by ``is set``.
    """

    name: str
    operator: Operator
    value: str = ""


class ActionKind(StrEnum):
    """What a rule does.

    ``call_again`` and ``drop`` decide and end the list; the others are carried out and the
    list goes on.
    """

    CALL_AGAIN = "call_again"
    DROP = "drop"
    SET_CONTACT_VARIABLE = "set_contact_variable"
    SET_CALL_VARIABLE = "set_call_variable"
    SUPPRESS = "suppress"


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does when its conditions hold.

    Args:
        kind: what.
        delay_s: ``call_again``: the pause (None: the policy's own for this outcome).
        name: the variable to set.
        value: what to set it to.
        scope: ``suppress``: where the exclusion holds.
    """

    kind: ActionKind
    delay_s: int | None = None
    name: str = ""
    value: str = ""
    scope: Scope = Scope.CAMPAIGN


@dataclass(frozen=True, slots=True)
class ActionRule:
    """Conditions and what to do when they hold.

    Args:
        name: shown to people, and kept with the attempt it decided.
        actions: carried out in order.
        conditions: empty: always.
        match: whether all have to hold, or any.
    """

    name: str
    actions: tuple[Action, ...]
    conditions: tuple[Condition, ...] = field(default_factory=tuple)
    match: Match = Match.ALL
