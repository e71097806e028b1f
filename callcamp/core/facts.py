"""What rules may ask about a call, and about a contact: one closed, documented list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from callcamp.core.compare import FactValue
from callcamp.core.outcome import MEANING, Disposition, Evidence

VARIABLE_PREFIX = "var."
"""``var.NAME`` always means the variable, also when a fact has the same name."""


class FactKind(StrEnum):
    """What a fact is compared as."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "yes or no"


@dataclass(frozen=True, slots=True)
class FactMeaning:
    """What a fact is compared as, and what it means in words."""

    kind: FactKind
    text: str


_NUMBER, _TEXT, _BOOLEAN = FactKind.NUMBER, FactKind.TEXT, FactKind.BOOLEAN
FACTS: dict[str, FactMeaning] = {
    "disposition": FactMeaning(_TEXT, "how the call ended, see outcomes.md"),
    "outcome": FactMeaning(_TEXT, "the custom disposition that a bot or an agent gave"),
    "success": FactMeaning(_BOOLEAN, "the verdict of the success rules (not for those rules)"),
    "answered": FactMeaning(_BOOLEAN, "the call was picked up, by somebody or something"),
    "connected": FactMeaning(_BOOLEAN, "the same as `answered`"),
    "person": FactMeaning(_BOOLEAN, "a person was on the line, as far as can be told"),
    "refused": FactMeaning(_BOOLEAN, "the person refused further calls"),
    "callbot_call_duration_seconds": FactMeaning(_NUMBER, "seconds from answer to end"),
    "talk_seconds": FactMeaning(_NUMBER, "the same as `callbot_call_duration_seconds`"),
    "ring_seconds": FactMeaning(_NUMBER, "seconds from dialling to answer, or to the end"),
    "attempts": FactMeaning(
        _NUMBER, "calls to the contact, this one included, since it was last re-opened"
    ),
    "all_attempts": FactMeaning(_NUMBER, "calls to the contact ever, this one included"),
    "numbers_left": FactMeaning(_NUMBER, "the contact's further numbers that come after this one"),
    "other_numbers": FactMeaning(_NUMBER, "the contact's other numbers, tried already or not"),
    "amd": FactMeaning(_TEXT, "what the machine detection said: HUMAN, MACHINE, NOTSURE, HANGUP"),
    "amd_cause": FactMeaning(_TEXT, "why it said so"),
    "dtmf": FactMeaning(_TEXT, "the keys that were pressed"),
    "played": FactMeaning(_TEXT, "`prompt` or `message` when one was played to its end"),
    "hangup_cause": FactMeaning(_NUMBER, "the Q.850 hangup cause"),
    "sip_code": FactMeaning(_NUMBER, "the last SIP status code"),
    "fault": FactMeaning(
        _TEXT, "whose doing the end was: nobody, callee, number, network, callcamp"
    ),
}
"""Every call fact, by name. A fact that a call does not have is missing."""


def call_facts(
    *,
    disposition: Disposition,
    evidence: Evidence,
    attempt_ordinal: int,
    round_ordinal: int,
    outcome: str | None = None,
    success: bool | None = None,
    refused: bool = False,
    numbers_left: int = 0,
    other_numbers: int = 0,
    contact_variables: Mapping[str, str] | None = None,
    call_variables: Mapping[str, str] | None = None,
) -> dict[str, FactValue]:
    """Return all that rules may ask about a call that has ended.

    Every name of :data:`FACTS` is there (None: the call has no such fact), so no variable, which
    may come from a file, can pass for a fact. Variables are there under their own name and as
    ``var.NAME``; one of the call wins over one of the contact.

    Args:
        disposition: how it ended.
        evidence: what that rests on.
        attempt_ordinal: 1 for the contact's first call.
        round_ordinal: the same, counted from when the contact was last re-opened.
        outcome: custom disposition.
        success: verdict of the success rules (None while it is being judged).
        refused: whether the person refused further calls.
        numbers_left: usable numbers of the contact after the one called.
        other_numbers: usable numbers of the contact beside the one called.
        contact_variables: data of the contact.
        call_variables: what was filled in during the conversation.
    """
    meaning = MEANING[disposition]
    answered = meaning.answered or bool(evidence.answered)
    known: dict[str, FactValue] = {
        "disposition": disposition.value,
        "outcome": outcome,
        "success": success,
        "answered": answered,
        "connected": answered,
        "person": disposition in {Disposition.ANSWERED_PERSON, Disposition.ABANDONED},
        "refused": refused,
        "callbot_call_duration_seconds": evidence.talk_s,
        "talk_seconds": evidence.talk_s,
        "ring_seconds": evidence.ring_s,
        "attempts": round_ordinal,
        "all_attempts": attempt_ordinal,
        "numbers_left": numbers_left,
        "other_numbers": other_numbers,
        "amd": evidence.amd_status,
        "amd_cause": evidence.amd_cause,
        "dtmf": evidence.dtmf,
        "played": evidence.played,
        "hangup_cause": evidence.cause,
        "sip_code": evidence.sip_code,
        "fault": meaning.fault.value,
    }
    return {**_variables({**(contact_variables or {}), **(call_variables or {})}), **known}


def contact_facts(phone: str, variables: Mapping[str, str]) -> dict[str, FactValue]:
    """Return what a filter may ask about a contact: its ``phone`` and its variables."""
    return {**_variables(variables), "phone": phone}


def _variables(variables: Mapping[str, str]) -> dict[str, FactValue]:
    return {**variables, **{f"{VARIABLE_PREFIX}{name}": v for name, v in variables.items()}}
