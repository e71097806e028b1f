"""How many contacts may be taken now, and what holds the campaign back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callcamp.core.model import Campaign
from callcamp.core.schedule import is_open, next_open
from callcamp.core.states import CampaignStatus


class Hold(StrEnum):
    """What keeps a campaign from placing (more) calls now."""

    NOT_RUNNING = "not_running"
    LINK_DOWN = "link_down"
    OUTSIDE_HOURS = "outside_hours"
    CONCURRENCY = "concurrency"
    TRUNK_FULL = "trunk_full"
    TRUNK_REFUSES = "trunk_refuses"
    CPS = "cps"
    NOTHING_DUE = "nothing_due"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a decision rests on.

    Args:
        campaign: the campaign.
        live: its live attempts.
        trunk_live: live attempts on its trunk, over all campaigns.
        trunk_max: most calls at once on the trunk (None: no limit).
        trunk_refuses: whether Asterisk refused calls on the trunk a moment ago.
        cps_room: calls that the trunk's bucket lets out within the dialer's next step.
        link_up: whether Asterisk can be reached.
        due: contacts that are due now, as far as needed.
    """

    campaign: Campaign
    live: int
    trunk_live: int
    trunk_max: int | None
    trunk_refuses: bool
    cps_room: int
    link_up: bool
    due: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How many contacts to take now; ``hold`` is what keeps it from being more."""

    count: int
    hold: Hold | None
    opens_at: datetime | None = None


def decide(snapshot: Snapshot, now: datetime) -> Plan:
    """Decide how many contacts are taken at ``now``: the tightest limit wins."""
    campaign = snapshot.campaign
    if campaign.status is not CampaignStatus.RUNNING:
        return Plan(0, Hold.NOT_RUNNING)
    if not snapshot.link_up:
        return Plan(0, Hold.LINK_DOWN)
    window = campaign.settings.window
    if not is_open(window, now):
        return Plan(0, Hold.OUTSIDE_HOURS, next_open(window, now))
    if snapshot.trunk_refuses:
        return Plan(0, Hold.TRUNK_REFUSES)
    if snapshot.due <= 0:
        # Also when a limit is reached as well: more room would not bring a call.
        return Plan(0, Hold.NOTHING_DUE)
    limits = [
        (max(0, campaign.settings.concurrency - snapshot.live), Hold.CONCURRENCY),
        (max(0, snapshot.cps_room), Hold.CPS),
        (max(0, snapshot.due), Hold.NOTHING_DUE),
    ]
    if snapshot.trunk_max is not None:
        limits.append((max(0, snapshot.trunk_max - snapshot.trunk_live), Hold.TRUNK_FULL))
    count, hold = min(limits, key=lambda limit: limit[0])
    return Plan(count, hold)
