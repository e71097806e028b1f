"""Who is called: what one callee does, and how a whole population behaves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Final

from callcamp.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class CalleeScript:
    """What one callee does with one call. Times are seconds.

    Args:
        sip_code: the final SIP answer: 200 picks up, 4xx to 6xx refuses; None: none ever
            comes, and our own ring timeout ends the call.
        after_s: from the INVITE to that answer.
        rings: whether 180 Ringing is sent at once.
        early_media: whether 183 with audio is sent at once.
        talk_s: from picking up to hanging up; None: listens until Asterisk hangs up, 0:
            hangs up in the same moment. With ``conversation_s`` it ends with the first
            agent: it is then how long the callee waits for one.
        conversation_s: from meeting an agent to hanging up; None: as ``talk_s`` says.
        hears_s: from the beginning of the message for those whom no agent took to hanging
            up; None: hears it to its end.
        amd: verdict that ``AMD()`` comes to.
        amd_cause: its reason, as Asterisk writes it.
        amd_after_s: from picking up to the verdict.
        greeting_s: from picking up to the silence after a machine's beep.
        keys: the key pressed, if any.
        keys_after_s: from picking up to the key.
    """

    sip_code: int | None = 200
    after_s: float = 1.0
    rings: bool = True
    early_media: bool = False
    talk_s: float | None = None
    conversation_s: float | None = None
    hears_s: float | None = None
    amd: str = "HUMAN"
    amd_cause: str = "HUMAN-1200-1200"
    amd_after_s: float = 2.0
    greeting_s: float = 10.2
    keys: str = ""
    keys_after_s: float = 3.5


ByNumber = Callable[[str], CalleeScript | None]
"""Finds the callee of a dialled number; None leaves it to the population's model."""

MACHINE: Final = CalleeScript(amd="MACHINE", amd_cause="MAXWORDS-7-6", amd_after_s=3.3)
"""An answering machine that ``AMD()`` recognises."""


def refuses(sip_code: int, *, after_s: float = 0.0, early_media: bool = False) -> CalleeScript:
    """Return a callee that refuses with ``sip_code`` without ringing."""
    return CalleeScript(sip_code=sip_code, after_s=after_s, rings=False, early_media=early_media)


_BY_BEHAVIOUR: Final = {
    "person": CalleeScript(),
    "presses_key": CalleeScript(keys="1"),
    "long_talk": CalleeScript(talk_s=15.0),
    "late_answer": CalleeScript(after_s=5.0),
    "hangs_up_at_once": CalleeScript(rings=False, after_s=0.0, talk_s=0.0),
    "hangs_up_midway": CalleeScript(talk_s=4.0),
    "voicemail": MACHINE,
    "no_answer": CalleeScript(sip_code=None),
    "silent_sip": CalleeScript(sip_code=None, rings=False),
    "early_media_fail": refuses(404, after_s=2.5, early_media=True),
    "load": CalleeScript(
        rings=False,
        after_s=0.0,
        talk_s=600.0,
        amd="NOTSURE",
        amd_cause="TOOLONG-5900",
        amd_after_s=6.1,
    ),
}


def script_for(
    behaviour: str,
    failure: int | None = None,
    *,
    ring_s: float | None = None,
    talk_s: float | None = None,
) -> CalleeScript | None:
    """Return what the lab's SIPp does for a behaviour of its table.

    Args:
        behaviour: slug of the lab's behaviour, e.g. ``voicemail``.
        failure: the SIP code that the behaviour refuses with at once, if it does.
        ring_s: seconds to its answer, if the behaviour has a time of its own.
        talk_s: seconds from there to its end, if the behaviour has a time of its own.

    Returns:
        The script, or None when neither is known.
    """
    if failure is not None:
        return refuses(failure)
    if ring_s is not None:
        return CalleeScript(after_s=ring_s, talk_s=talk_s)
    return _BY_BEHAVIOUR.get(behaviour)


@dataclass(frozen=True, slots=True)
class CalleeModel:
    """A population of callees. Shares are of all calls, times are seconds.

    What the shares leave of all calls rings until we give up. Ring and talk times are
    lognormal, given as mean and coefficient of variation.

    Args:
        answer: share of calls that are picked up, by people and machines.
        busy: share that is busy (486).
        rejected: share that declines (603).
        invalid: share of numbers that don't exist (404).
        unavailable: share that is switched off (480).
        congestion: share for which the network has no line (503).
        silent: share to which no SIP answer ever comes.
        machine: share of the answered calls that a machine picks up.
        amd_error: share of the answered calls for which ``AMD()`` is wrong.
        ring_mean_s: mean time from ringing to the answer.
        ring_cv: its coefficient of variation.
        talk_mean_s: mean time a person stays without an agent, unless Asterisk hangs up
            before.
        talk_cv: its coefficient of variation.
        conversation_mean_s: mean time a person talks with an agent.
        conversation_cv: its coefficient of variation.
        hears_mean_s: mean time a person listens to the message for those whom no agent took.
        hears_cv: its coefficient of variation.
        key: share of people who press a key.
        keys: keys they choose from.

    Raises:
        InvalidInput: a share is not in 0 to 1, the shares of all calls are more than 1
            together, or a time is negative.
    """

    answer: float = 0.3
    busy: float = 0.08
    rejected: float = 0.04
    invalid: float = 0.03
    unavailable: float = 0.08
    congestion: float = 0.01
    silent: float = 0.01
    machine: float = 0.25
    amd_error: float = 0.05
    ring_mean_s: float = 12.0
    ring_cv: float = 0.5
    talk_mean_s: float = 120.0
    talk_cv: float = 1.0
    conversation_mean_s: float = 120.0
    conversation_cv: float = 1.0
    hears_mean_s: float = 4.0
    hears_cv: float = 0.5
    key: float = 0.1
    keys: str = "1"

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            is_share = not one.name.endswith(("_s", "_cv"))
            if one.name != "keys" and (value < 0 or (is_share and value > 1)):
                raise InvalidInput(f"{one.name} is out of range.", field=one.name, value=value)
        if sum(share for share, _ in self._ends()) > 1 + 1e-9:
            raise InvalidInput("The shares of calls are more than 1 together.", field="answer")

    def _ends(self) -> tuple[tuple[float, CalleeScript], ...]:
        return (
            (self.answer, CalleeScript()),
            (self.busy, refuses(486)),
            (self.rejected, CalleeScript(sip_code=603)),
            (self.invalid, refuses(404)),
            (self.unavailable, refuses(480)),
            (self.congestion, refuses(503)),
            (self.silent, CalleeScript(sip_code=None, rings=False)),
        )

    def draw(self, random: Random) -> CalleeScript:
        """Return what one callee does; the same ``random`` gives the same callee."""
        point = random.random()
        script = CalleeScript(sip_code=None)
        for share, end in self._ends():
            if point < share:
                script = end
                break
            point -= share
        if script.sip_code == 200:
            return self._draw_answer(random)
        if script.rings and script.sip_code is not None:
            return replace(script, after_s=lognormal(random, self.ring_mean_s, self.ring_cv))
        return script

    def _draw_answer(self, random: Random) -> CalleeScript:
        ring_s = lognormal(random, self.ring_mean_s, self.ring_cv)
        is_machine = random.random() < self.machine
        is_wrong = random.random() < self.amd_error
        verdict = MACHINE if is_machine != is_wrong else CalleeScript()
        if is_machine:
            greeting_s = lognormal(random, 12.0, 0.4)
            # An agent who meets a machine soon notices.
            noticed_s = lognormal(random, 6.0, 0.4)
            return replace(verdict, after_s=ring_s, greeting_s=greeting_s, conversation_s=noticed_s)
        talk_s = lognormal(random, self.talk_mean_s, self.talk_cv)
        presses = random.random() < self.key
        keys = random.choice(self.keys) if presses and self.keys else ""
        # For a person taken for a machine the "beep" is the end of the hello.
        return replace(
            verdict,
            after_s=ring_s,
            talk_s=talk_s,
            keys=keys,
            greeting_s=3.0,
            conversation_s=lognormal(random, self.conversation_mean_s, self.conversation_cv),
            hears_s=lognormal(random, self.hears_mean_s, self.hears_cv),
        )


def lognormal(random: Random, mean: float, cv: float) -> float:
    """Draw from the lognormal distribution of this mean and coefficient of variation."""
    if mean <= 0 or cv <= 0:
        return max(0.0, mean)
    sigma2 = math.log1p(cv * cv)
    return random.lognormvariate(math.log(mean) - sigma2 / 2, math.sqrt(sigma2))
