"""From a claimed contact to the order for its call."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Mapping

from callcamp.core.model import Campaign, Claim, Trunk
from callcamp.ports import CallOrder
from callcamp.switch import ATTEMPT_PREFIX

_counter = itertools.count(secrets.randbits(16))


def new_attempt_id() -> str:
    """Return a fresh attempt id; ids sort by the time they were made."""
    moment_ms, turn = time.time_ns() // 1_000_000, next(_counter) & 0xFFFFF
    return f"{ATTEMPT_PREFIX}{moment_ms:012x}-{turn:05x}{secrets.token_hex(5)}"


def call_order(
    claim: Claim, campaign: Campaign, trunk: Trunk, to_agent: Mapping[str, str] | None = None
) -> CallOrder:
    """Return the order for a claimed contact; ``to_agent`` leads it to an agent once answered."""
    settings, attempt = campaign.settings, claim.attempt
    return CallOrder(
        attempt_id=attempt.id,
        channel=trunk.dial_string.replace("{number}", attempt.number),
        ring_timeout_s=attempt.ring_timeout_s,
        caller_id=attempt.caller_number or settings.caller_id,
        variables={
            "CC_CAMPAIGN": str(campaign.id),
            "CC_CONTACT": str(attempt.contact_id),
            "CC_DETECT": "1" if settings.detect_machines else "0",
            "CC_PROMPT": settings.prompt or "",
            "CC_MACHINE_MESSAGE": settings.machine_message or "",
            **{f"CC_VAR_{name}": value for name, value in claim.variables.items()},
            **(to_agent or {}),
        },
    )
