"""What the agents' side of a campaign's settings must be like, and what it lacks to start."""

from __future__ import annotations

import re

from callcamp.core.agent_settings import QUEUED, AgentSettings, DialMethod
from callcamp.core.destinations import fitting_entry
from callcamp.core.script_checks import check_script
from callcamp.engine.values import check_count, check_range, check_slug, check_sound
from callcamp.errors import InvalidInput

MAX_NUMBERS = 200
"""Numbers, beginnings of numbers and countries that agents may call, at most."""
MAX_OUTCOMES = 50
"""Dispositions that agents choose from, at most."""
_QUEUE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_RANGES: dict[str, tuple[float, float]] = {
    "abandon_cap": (0, 0.1),
    "connect_limit_s": (0.5, 10),
    "wait_most_s": (1, 3600),
    "callback_after_s": (0, 7 * 86400),
    "before_call_work_s": (0, 3600),
    "agent_ring_timeout_s": (3, 120),
    "wrap_up_s": (0, 3600),
}
"""From the least to the most of every number."""


def check_agents(agents: AgentSettings) -> None:
    """Make sure that agents can work with these settings.

    Raises:
        InvalidInput: naming the first field that is unusable.
    """
    if agents.queue and not _QUEUE.fullmatch(agents.queue):
        raise _unfit(
            "queue",
            agents.queue,
            "give the name of a queue of Asterisk: 1 to 64 letters, digits, underscores and "
            "hyphens; or nothing for one of callcamp's own",
        )
    if not 0 < agents.pickup_rate <= 1:
        raise _unfit(
            "pickup_rate",
            agents.pickup_rate,
            "give the share of calls that are answered, over 0 and at most 1: 0.5 makes two "
            "calls for every free agent",
        )
    for name, (low, high) in _RANGES.items():
        check_range(f"agents.{name}", getattr(agents, name), low, high)
    for name in ("safe_harbour", "announcement", "no_agent_message"):
        check_sound(f"agents.{name}", getattr(agents, name))
    if not _QUEUE.fullmatch(agents.music):
        raise _unfit(
            "music",
            agents.music,
            "give the name of a class of music on hold: letters, digits, underscores and "
            "hyphens, such as default",
        )
    check_count("agents.outcomes", agents.outcomes, MAX_OUTCOMES)
    for name in agents.outcomes:
        check_slug("agents.outcomes", name)
    if len(set(agents.outcomes)) < len(agents.outcomes):
        double = next(name for name in agents.outcomes if agents.outcomes.count(name) > 1)
        raise _unfit("outcomes", double, "give each disposition once")
    if agents.outcome_required and not agents.outcomes:
        raise _unfit(
            "outcome_required",
            True,
            "give dispositions to choose from in agents.outcomes first, or ask for none",
        )
    check_count("agents.transfer_numbers", agents.transfer_numbers, MAX_NUMBERS)
    for entry in agents.transfer_numbers:
        if fitting_entry(entry) is None:
            raise _unfit(
                "transfer_numbers",
                entry,
                "give a number as +33142685300, the beginning of numbers as +3314268*, or two "
                "letters of a country such as FR",
            )
    check_script(agents.script)


def check_outcomes_exist(agents: AgentSettings, known: set[str]) -> None:
    """Make sure that agents choose from dispositions that there are.

    Raises:
        InvalidInput: one is not among ``known``.
    """
    for name in agents.outcomes:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none yet"
            raise _unfit(
                "outcomes",
                name,
                f"there is no such disposition; there are {listed}. Add it with `callcamp "
                "outcome set`, or leave it out",
            )


def missing_agents(agents: AgentSettings, active: int) -> dict[str, str]:
    """Return what a campaign with agents lacks to start, ``{field: what, in words}``.

    Args:
        agents: its settings.
        active: how many active agents may work for it.
    """
    method = agents.method.value.replace("_", " ")
    missing = {}
    if not active:
        missing["agents"] = (
            f"it has no agents, and {method} needs some: add them on its page, or with "
            "`callcamp agent join`"
        )
    said = agents.safe_harbour or (
        agents.method is DialMethod.CLIENT_FIRST and agents.no_agent_message
    )
    if agents.method in QUEUED and not said:
        missing["agents.safe_harbour"] = (
            f"with {method} somebody can answer and no agent is free: name the sound that says "
            "who called and why (agents.safe_harbour), else they would hear silence"
        )
    return missing


def _unfit(name: str, value: object, advice: str) -> InvalidInput:
    field = f"agents.{name}"
    shown = repr(value) if isinstance(value, str) else value
    return InvalidInput(f"{field} is {shown}; {advice}.", field=field, value=value)
