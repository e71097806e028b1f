"""How many contacts may be taken now, what holds a campaign back, and why nobody is called.

The dialer, the pages and ``callcamp campaign why`` ask the same functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from callcamp.core.gate import Batch, Decision, LetOut, PassedOver
from callcamp.core.model import Campaign, CampaignCounts, Contact, Waiting
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.rotation import NoNumber
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import CampaignStatus, ContactStatus

_BY_STATUS = {
    CampaignStatus.DRAFT: Reason.NOT_STARTED,
    CampaignStatus.QUEUED: Reason.QUEUED,
    CampaignStatus.PAUSED: Reason.PAUSED,
    CampaignStatus.COMPLETED: Reason.CAMPAIGN_COMPLETED,
    CampaignStatus.CANCELED: Reason.CAMPAIGN_CANCELED,
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a decision rests on.

    Args:
        campaign: the campaign.
        rules: its rules.
        live: its live attempts.
        trunk_live: live attempts on its trunk, over all campaigns.
        trunk_max: most calls at once on the trunk (None: no limit).
        trunk_refuses: whether Asterisk refused calls on the trunk a moment ago.
        cps_room: calls that the trunk's bucket lets out within the dialer's next step.
        link_up: whether Asterisk can be reached.
        synced: whether it is known what became of the calls that Asterisk had.
        heads: the places that have pending contacts -> earliest instant at which one of
            them is due (None: they wait for a change).
        no_number: why no outbound number can be used, when none can.
        lists: why a do-not-call list forbids to call, when one does.
        abandon_room: whether one more abandoned call would stay within the cap.
        agents_free: calls that its agents could take (None: the campaign has no agents).
        agents_hold: why these are not more.
        agents_ready: ids of the agents who could take a call (None: not known, or none needed).
        bot_room: calls that the bot could take (None: no limit).
        engine_up: whether an engine works on the database.
        switched_off: whether the deployment has campaigns, or this mode, switched off.
        rules_broken: whether its own rules cannot be made, and ``rules`` stands in for them.
    """

    campaign: Campaign
    rules: RuleSet
    live: int = 0
    trunk_live: int = 0
    trunk_max: int | None = None
    trunk_refuses: bool = False
    cps_room: int = 1_000_000
    link_up: bool = True
    synced: bool = True
    heads: Mapping[str, datetime | None] = field(default_factory=dict)
    no_number: NoNumber | None = None
    lists: Reason | None = None
    abandon_room: bool = True
    agents_free: int | None = None
    agents_hold: Reason = Reason.NO_AGENT
    agents_ready: frozenset[int] | None = None
    bot_room: int | None = None
    engine_up: bool = True
    switched_off: bool = False
    rules_broken: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How many contacts to take now.

    Args:
        count: how many, at most.
        hold: what keeps it from being more (None: nothing).
        until: when that could change by itself (None: not known, or not by itself).
        places: the places whose contacts may be called now.
    """

    count: int
    hold: Reason | None
    until: datetime | None = None
    places: tuple[str, ...] = ()


def decide(snapshot: Snapshot, now: datetime) -> Plan:
    """Decide how many contacts are taken at ``now``: the tightest limit wins."""
    held = _held(snapshot, now)
    if held is not None:
        return held
    return _within_limits(snapshot, now)


def _held(snapshot: Snapshot, now: datetime) -> Plan | None:
    """Return what holds the whole campaign back, whoever is due."""
    campaign, rules = snapshot.campaign, snapshot.rules
    if campaign.status is not CampaignStatus.RUNNING:
        reason = _BY_STATUS[campaign.status]
        return Plan(0, reason, campaign.settings.starts_at if reason is Reason.QUEUED else None)
    if snapshot.switched_off:
        return Plan(0, Reason.SWITCHED_OFF)
    if snapshot.rules_broken:
        return Plan(0, Reason.RULES_BROKEN)
    ends_at = rules.ends_at(campaign)
    if ends_at is not None and ends_at <= now:
        return Plan(0, Reason.CAMPAIGN_ENDED)
    if not snapshot.engine_up:
        return Plan(0, Reason.NO_ENGINE)
    if not snapshot.link_up:
        return Plan(0, Reason.LINK_DOWN)
    if not snapshot.synced:
        return Plan(0, Reason.CATCHING_UP)
    hours = rules.campaign_verdict(now)
    if not hours.open:
        return Plan(0, hours.reason or Reason.OUTSIDE_HOURS, hours.until)
    if snapshot.lists is not None:
        return Plan(0, snapshot.lists)
    if not snapshot.abandon_room:
        return Plan(0, Reason.ABANDON_CAP)
    if snapshot.trunk_refuses:
        return Plan(0, Reason.TRUNK_REFUSES)
    return None


def _within_limits(snapshot: Snapshot, now: datetime) -> Plan:
    due = {p: at for p, at in snapshot.heads.items() if at is not None}
    ready = [place for place, at in due.items() if at <= now]
    verdicts = {place: snapshot.rules.place_verdict(place, now) for place in ready}
    places = tuple(place for place in ready if verdicts[place].open)
    if not places:
        # Also when a limit is reached as well: more room would not bring a call.
        later = [at for at in due.values() if at > now]
        opens = [v.until for v in verdicts.values() if v.until is not None]
        until = min(later + opens, default=None)
        if ready:
            closed = next(iter(verdicts.values()))
            return Plan(0, closed.reason or Reason.CONTACT_HOURS, until)
        return Plan(0, Reason.NOTHING_DUE, until)
    if snapshot.no_number is not None:
        return Plan(0, snapshot.no_number.reason, snapshot.no_number.until, places)
    limits = [
        (snapshot.campaign.settings.concurrency - snapshot.live, Reason.CONCURRENCY),
        (snapshot.cps_room, Reason.CPS),
    ]
    if snapshot.trunk_max is not None:
        limits.append((snapshot.trunk_max - snapshot.trunk_live, Reason.TRUNK_FULL))
    if snapshot.agents_free is not None:
        limits.append((snapshot.agents_free, snapshot.agents_hold))
    if snapshot.bot_room is not None:
        limits.append((snapshot.bot_room, Reason.BOT_FULL))
    count, hold = min(limits, key=lambda limit: limit[0])
    return Plan(max(0, count), hold, None, places)


@dataclass(frozen=True, slots=True)
class Held:
    """Contacts that are not called for one reason, and when that could change (if known)."""

    count: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a campaign's contacts are not called.

    Args:
        at: the instant it is for.
        plan: what the dialer would decide then; nothing holds it back when everybody who is
            due is called.
        planned: how many contacts would be taken then.
        reasons: all other contacts by reason; with ``planned`` they add up to the total.
    """

    at: datetime
    plan: Plan
    planned: int
    reasons: Mapping[Reason, Held]

    @property
    def change(self) -> str:
        """The first thing an operator could change; empty when nothing holds it back."""
        hold = self.plan.hold
        if hold is Reason.NOTHING_DUE:
            waits = {r: h.count for r, h in self.reasons.items() if r in _WAITS}
            if waits:
                hold = max(waits, key=lambda reason: waits[reason])
        return REASON_MEANING[hold].change if hold is not None else ""


# Failed ones can be retried only when the campaign is completed, which nothing due is not about.
_WAITS = frozenset(r for r, m in REASON_MEANING.items() if not m.campaign) - {
    Reason.IN_PROGRESS,
    Reason.DONE,
    Reason.FAILED,
    Reason.CANCELED,
    Reason.DELETED,
    Reason.DO_NOT_CALL,
}
_SETTLED = {
    ContactStatus.IN_PROGRESS: Reason.IN_PROGRESS,
    ContactStatus.COMPLETED: Reason.DONE,
    ContactStatus.FAILED: Reason.FAILED,
    ContactStatus.CANCELED: Reason.CANCELED,
}


def explain(
    snapshot: Snapshot,
    waiting: Sequence[Waiting],
    counts: CampaignCounts,
    at: datetime,
    decisions: Sequence[Decision] = (),
) -> Explanation:
    """Give every contact of a campaign its reason at ``at``, from counts by place and reason.

    Args:
        snapshot: what the dialer would decide on.
        waiting: the pending contacts by place and reason.
        counts: the other ones.
        at: the instant.
        decisions: what the gate says of the due contacts of open places, as far as it was
            asked; those that it was not asked about count as let out.
    """
    plan = decide(snapshot, at)
    found: Counter[Reason] = Counter()
    until: dict[Reason, datetime | None] = {}

    def add(reason: Reason, count: int, when: datetime | None) -> None:
        if count <= 0:
            return
        known = until.get(reason)
        found[reason] += count
        until[reason] = when if known is None else known if when is None else min(known, when)

    open_places, ready = set(plan.places), 0
    for group in waiting:
        add(group.reason or Reason.NOTHING_DUE, group.count - group.due, group.next_due_at)
        if group.place in open_places:
            ready += group.due
        elif plan.hold is not None and not open_places and _holds_all(plan):
            add(plan.hold, group.due, plan.until)
        else:
            verdict = snapshot.rules.place_verdict(group.place, at)
            add(verdict.reason or Reason.CONTACT_HOURS, group.due, verdict.until)
    passed = [one for one in decisions if isinstance(one, PassedOver)]
    for one in passed:
        add(one.reason, 1, one.until)
    ready -= len(passed)
    planned = min(plan.count, ready)
    if planned and planned == ready:
        # A limit that nobody meets holds nobody back.
        plan = replace(plan, hold=None, until=None)
    elif passed and not ready:
        most = Counter(one.reason for one in passed).most_common(1)[0][0]
        plan = replace(plan, count=0, hold=most, until=until[most])
    elif plan.hold is not None:
        add(plan.hold, ready - planned, plan.until)
    for status, reason in _SETTLED.items():
        add(reason, counts.contacts.get(status, 0), None)
    for skipped, count in counts.skipped.items():
        add(skipped or Reason.EXCLUDED, count, None)
    return Explanation(
        at, plan, planned, {reason: Held(n, until[reason]) for reason, n in found.items()}
    )


def _holds_all(plan: Plan) -> bool:
    """Tell whether a plan's reason is the whole campaign's, not that of its contacts."""
    hold = plan.hold
    return hold is not None and REASON_MEANING[hold].campaign and hold is not Reason.NOTHING_DUE


@dataclass(frozen=True, slots=True)
class ContactAnswer:
    """Why one contact is not called at an instant.

    Args:
        at: the instant.
        reason: why (None: it would be called then, as far as limits on numbers of calls allow).
        until: when that could change at the earliest (None: not known, or not by itself).
        also: what holds the campaign back as well.
    """

    at: datetime
    reason: Reason | None
    until: datetime | None
    also: Reason | None = None


def explain_contact(
    snapshot: Snapshot, contact: Contact, batch: Batch, at: datetime
) -> ContactAnswer:
    """Say why a contact is not called at ``at``, from the gate that would let it out.

    Args:
        snapshot: of its campaign.
        contact: the contact.
        batch: what the gate would see of it, room for one call.
        at: the instant.
    """
    if contact.status in _SETTLED:
        return ContactAnswer(at, _SETTLED[contact.status], None)
    if contact.status is ContactStatus.SKIPPED:
        return ContactAnswer(at, contact.hold or Reason.EXCLUDED, None)
    plan = decide(snapshot, at)
    also = plan.hold if plan.count == 0 and _holds_all(plan) else None
    held = _held(snapshot, at)
    if held is not None:
        return ContactAnswer(at, held.hold, held.until)
    if contact.due_at is None or contact.due_at > at:
        reason = contact.hold or Reason.NOTHING_DUE
        until = contact.due_at
        if until is not None:
            until = snapshot.rules.next_open(contact.place, until)
        return ContactAnswer(at, reason, until, also)
    decisions = snapshot.rules.judge(batch, snapshot.agents_ready)
    match decisions:
        case [PassedOver() as passed]:
            return ContactAnswer(at, passed.reason, passed.until, also)
        case [LetOut()]:
            return ContactAnswer(at, also, plan.until if also else None)
    return ContactAnswer(at, plan.hold or Reason.NO_NUMBER, plan.until, also)
