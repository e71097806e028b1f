"""What became of an attempt nobody watched: after a restart, a cut link, or long silence.

The rule is "on doubt never redial". An attempt without a trace is given back only when
Asterisk was up all the time since it was sent, has no channel of that id, its hangup handler
wrote nothing, and enough time has passed for a late order to show itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callcamp.core.outcome import Evidence
from callcamp.core.states import AttemptStatus

RESTART_SKEW_S = 5.0
"""Clock difference allowed between Asterisk and callcamp when a restart is judged by time."""


AFTER_LINK_S = 3.0
"""How long orders of an older link may take to show themselves once there is a new one."""


class Settled(StrEnum):
    """What is known of the attempt now."""

    STILL_LIVE = "still_live"
    ENDED = "ended"
    DIED_WITH_SWITCH = "died_with_switch"
    END_NOT_SEEN = "end_not_seen"
    NEVER_PLACED = "never_placed"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known of an attempt before asking Asterisk.

    Args:
        status: its state.
        sent_at: when the order was about to be sent (None: never).
        seen: whether Asterisk has shown its channel.
        killed_by_restart: whether Asterisk was seen to restart after it was sent.
        sent_to: when the Asterisk was started that was given the order (None: not known).
        order_failed: whether Asterisk's final word on the order was that it failed.
    """

    status: AttemptStatus
    sent_at: datetime | None
    seen: bool
    killed_by_restart: bool = False
    sent_to: datetime | None = None
    order_failed: bool = False


def settle(
    trace: Trace,
    *,
    is_live: bool,
    outbox: Evidence | None,
    switch_started_at: datetime | None,
    now: datetime,
    margin_s: float,
    linked_at: datetime | None = None,
) -> Settled:
    """Judge an attempt by Asterisk's channel list and outbox, asked for in that order.

    Args:
        trace: what was known.
        is_live: whether Asterisk has its channel.
        outbox: what its hangup handler wrote, if anything.
        switch_started_at: when this Asterisk was started, if known.
        now: the instant at which Asterisk was asked.
        margin_s: how long a sent order may take to show itself.
        linked_at: since when the link is there (None: not known). An Asterisk that stood still
            reads what an older link has brought once it goes on, so an order has a moment
            after that, too.
    """
    if is_live:
        return Settled.STILL_LIVE
    if outbox is not None:
        return Settled.ENDED
    if trace.status is AttemptStatus.CLAIMED or trace.sent_at is None:
        return Settled.NEVER_PLACED
    if trace.killed_by_restart or _surely_restarted(trace, switch_started_at):
        return Settled.DIED_WITH_SWITCH
    if trace.order_failed and not trace.seen:
        return Settled.NEVER_PLACED
    if now < doubt_ends_at(trace.sent_at, linked_at, margin_s):
        return Settled.DOUBT
    if trace.sent_to is None and _restarted_since(trace.sent_at, switch_started_at):
        return Settled.DIED_WITH_SWITCH
    if trace.seen:
        return Settled.END_NOT_SEEN
    return Settled.NEVER_PLACED


def doubt_ends_at(sent_at: datetime, linked_at: datetime | None, margin_s: float) -> datetime:
    """Return until when an order that does not show itself may still do so.

    Args:
        sent_at: when it was sent.
        linked_at: since when the link is there (None: not known).
        margin_s: how long a sent order may take to show itself.
    """
    until = sent_at + timedelta(seconds=margin_s)
    if linked_at is None or linked_at <= sent_at:
        return until
    return max(until, linked_at + timedelta(seconds=min(AFTER_LINK_S, margin_s)))


def _surely_restarted(trace: Trace, switch_started_at: datetime | None) -> bool:
    if switch_started_at is None or trace.sent_at is None:
        return False
    if trace.sent_to is not None:
        return trace.sent_to != switch_started_at
    return trace.sent_at < switch_started_at - timedelta(seconds=RESTART_SKEW_S)


def _restarted_since(sent_at: datetime, switch_started_at: datetime | None) -> bool:
    if switch_started_at is None:
        return False
    return sent_at < switch_started_at + timedelta(seconds=RESTART_SKEW_S)
