"""Which number behaves how: the fictional people that the lab's SIPp plays.

All numbers lie in ranges that the French regulator keeps for fiction, so a number that
escapes from a test rings nobody. Four digits follow a range's prefix: two choose the
behaviour, two count. ``+33639 98`` is a fifth range that SIPp answers too, but libphonenumber
calls its numbers invalid, so :func:`number_for` never gives them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Final

from callcamp.errors import LabError

PREFIXES: Final = ("+3326191", "+3335301", "+3346571", "+3353649")
"""Prefixes whose numbers choose a behaviour; libphonenumber holds them for valid."""

UNVALIDATED_PREFIX: Final = "+3363998"
"""The fictional mobile range; it works in the lab, but number checks refuse it."""

LOAD_PREFIX: Final = "+3319900"
"""Prefix of the 10,000 numbers for load tests."""

NUMBERS_PER_BEHAVIOUR: Final = 100 * len(PREFIXES)
"""How many valid numbers each behaviour has."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the callee of a number does.

    Attributes:
        slug: its name.
        code: the two digits that choose it; empty for the load numbers.
        description: what the callee does, as a sentence for people.
        disposition: slug of the disposition that callcamp is expected to find when it calls;
            None for raw SIP failures, which only test the mapping of codes.
        failure: the SIP status code that the callee refuses with at once, or None.
    """

    slug: str
    code: str
    description: str
    disposition: str | None
    failure: int | None = None


BEHAVIOURS: Final = (
    Behaviour("person", "10", "Rings for a second, says hello, listens.", "answered_person"),
    Behaviour(
        "presses_key", "11", "As person, and presses 1 after 3.5 seconds.", "answered_person"
    ),
    Behaviour(
        "long_talk",
        "12",
        "As person, talks for ten seconds after a pause, then hangs up.",
        "answered_person",
    ),
    Behaviour("late_answer", "13", "Rings for five seconds, then as person.", "answered_person"),
    Behaviour("hangs_up_at_once", "14", "Answers and hangs up in the same moment.", "hung_up"),
    Behaviour("voicemail", "20", "A long greeting, a beep, then silence.", "voicemail"),
    Behaviour("busy", "30", "Refuses with 486 Busy Here.", "busy", 486),
    Behaviour("declined", "31", "Refuses with 603 Decline.", "rejected", 603),
    Behaviour("no_answer", "32", "Rings until the caller gives up.", "no_answer"),
    Behaviour("silent_sip", "33", "Never answers the INVITE at all.", "timeout"),
    Behaviour("invalid_number", "40", "Refuses with 404 Not Found.", "invalid_number", 404),
    Behaviour("unavailable", "41", "Refuses with 480 Temporarily Unavailable.", "unavailable", 480),
    Behaviour("congestion", "42", "Refuses with 503 Service Unavailable.", "congestion", 503),
    Behaviour(
        "early_media_fail",
        "43",
        "Plays an announcement before any answer (183), then refuses with 404.",
        "invalid_number",
    ),
)
"""Every behaviour a campaign may meet, with the disposition it must lead to."""

RAW_BEHAVIOURS: Final = tuple(
    Behaviour(f"sip_{status}", str(80 + at), f"Refuses with {status} at once.", None, status)
    for at, status in enumerate((403, 408, 410, 484, 488, 500, 600, 607))
)
"""More SIP refusals, for tests of the code mapping; slugs ``sip_403`` and so on."""

HANGS_UP_MIDWAY: Final = Behaviour(
    "hangs_up_midway", "15", "As person, and hangs up after four seconds.", "answered_person"
)
"""Somebody who listens to a part of the prompt only; apart, as samples don't mix it in."""

ALL_BEHAVIOURS: Final = (*BEHAVIOURS, *RAW_BEHAVIOURS, HANGS_UP_MIDWAY)
"""Everything that two digits can choose."""


@dataclass(frozen=True, slots=True)
class Talk(Behaviour):
    """A callee who rings and talks for a time of its own, then hangs up.

    Attributes:
        ring_s: seconds from the call to the answer.
        talk_s: seconds from the answer to the end.
    """

    ring_s: float = 0.0
    talk_s: float = 0.0


def _lognormal(mean: float, cv: float, rank: int, of: int) -> float:
    """Return one of ``of`` equally likely values, smallest first."""
    variance = log(1 + cv * cv)
    spread = NormalDist(log(mean) - variance / 2, sqrt(variance))
    return exp(spread.inv_cdf((rank + 0.5) / of))


TALK_COUNT: Final = 30
TALK_RING_MEAN_S: Final = 4.0
TALK_MEAN_S: Final = 12.0
TALK_CV: Final = 0.5
TALKS: Final = tuple(
    Talk(
        f"talk_{at}",
        str(50 + at),
        "Rings and talks for a time of its own, then hangs up.",
        "answered_person",
        None,
        round(_lognormal(TALK_RING_MEAN_S, TALK_CV, at * 7 % TALK_COUNT, TALK_COUNT), 2),
        round(_lognormal(TALK_MEAN_S, TALK_CV, at, TALK_COUNT), 2),
    )
    for at in range(TALK_COUNT)
)
"""Callees for campaigns with agents: all of them together ring and talk for times that are
lognormally distributed, with means of :data:`TALK_RING_MEAN_S` and :data:`TALK_MEAN_S` and a
coefficient of variation of :data:`TALK_CV`; ring and talk are independent."""

LOAD: Final = Behaviour(
    "load", "", "Answers at once, sends no audio, waits for the caller's BYE.", "answered_person"
)
"""What the load numbers do."""

_BY_SLUG: Final = {one.slug: one for one in (*ALL_BEHAVIOURS, *TALKS)}
_BY_CODE: Final = {one.code: one for one in _BY_SLUG.values()}


def number_for(slug: str, index: int = 0) -> str:
    """Return the ``index``-th number (E.164, with +) whose callee behaves like ``slug``.

    Args:
        slug: of one of :data:`ALL_BEHAVIOURS` or :data:`TALKS`, or ``load``.
        index: 0 to :data:`NUMBERS_PER_BEHAVIOUR` - 1 (``load``: 0 to 9999).

    Raises:
        LabError: there is no such behaviour, or it has no such number.
    """
    if slug == LOAD.slug:
        return load_number(index)
    if slug not in _BY_SLUG:
        raise LabError(f"The lab has no behaviour {slug!r}.", slug=slug, known=sorted(_BY_SLUG))
    if not 0 <= index < NUMBERS_PER_BEHAVIOUR:
        raise LabError(f"A behaviour has numbers 0 to {NUMBERS_PER_BEHAVIOUR - 1}.", index=index)
    return f"{PREFIXES[index // 100]}{_BY_SLUG[slug].code}{index % 100:02d}"


def load_number(index: int) -> str:
    """Return the ``index``-th (0 to 9999) number that answers at once and says nothing.

    Raises:
        LabError: ``index`` is out of range.
    """
    if not 0 <= index < 10_000:
        raise LabError("There are load numbers 0 to 9999.", index=index)
    return f"{LOAD_PREFIX}{index:04d}"


def behaviour_of(number: str) -> Behaviour | None:
    """Return how the callee of ``number`` (E.164, with +) behaves; None if the lab has no such."""
    if len(number) != len(LOAD_PREFIX) + 4 or not (number.isascii() and number[1:].isdigit()):
        return None
    if number.startswith(LOAD_PREFIX):
        return LOAD
    if number.startswith((*PREFIXES, UNVALIDATED_PREFIX)):
        return _BY_CODE.get(number[len(LOAD_PREFIX) : len(LOAD_PREFIX) + 2])
    return None
