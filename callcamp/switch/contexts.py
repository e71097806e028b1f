"""Names of the contexts of ``dialplan/extensions_callcamp.conf`` and of callcamp's own queues."""

from __future__ import annotations

ANSWERED_CONTEXT = "callcamp-answered"
"""Dialplan context of an answered call."""
HANGUP_CONTEXT = "callcamp-hangup"
"""Dialplan context that runs at the end of every call."""
AGENT_CONTEXT = "callcamp-agent"
"""Dialplan context of an agent's phone that was called and has answered."""
GONE_CONTEXT = "callcamp-agent-gone"
"""Dialplan context that runs at the end of an agent's channel."""
GIVE_CONTEXT = "callcamp-give"
"""Dialplan context of a contact who is handed to an agent."""
LEG_CONTEXT = "callcamp-leg"
"""Dialplan context of a contact who meets an agent on the line."""
HOLD_CONTEXT = "callcamp-hold"
"""Dialplan context of a contact who hears music."""
TRANSFER_CONTEXT = "callcamp-transfer"
"""Dialplan context of a contact who is sent elsewhere."""
COMPLETE_CONTEXT = "callcamp-complete"
"""Dialplan context of a contact who meets a third party."""

NEEDED_CONTEXTS = (
    ANSWERED_CONTEXT,
    HANGUP_CONTEXT,
    AGENT_CONTEXT,
    GONE_CONTEXT,
    GIVE_CONTEXT,
    LEG_CONTEXT,
    HOLD_CONTEXT,
    TRANSFER_CONTEXT,
    COMPLETE_CONTEXT,
)
"""All of them."""

OWN_QUEUES = tuple(f"callcamp-{number}" for number in range(1, 41))
"""The queues of ``asterisk/queues_callcamp.conf``."""
