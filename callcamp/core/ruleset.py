"""All rules of one campaign, made ready: its hours place by place, its caps, its gate.

Built from the settings and the legal presets they name; the dialer keeps one for each version
of a campaign's settings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from callcamp.core import compliance
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, UnknownZone
from callcamp.core.compliance import CampaignRules, PlaceRules
from callcamp.core.gate import (
    Batch,
    Candidate,
    Decision,
    LetOut,
    NumberUse,
    OutboundNumber,
    PassedOver,
)
from callcamp.core.legal import LegalPreset
from callcamp.core.model import Campaign
from callcamp.core.outcome import Disposition
from callcamp.core.places import Place
from callcamp.core.reasons import Reason
from callcamp.core.rotation import NoNumber, Rotator
from callcamp.core.schedule import (
    Calendar,
    Verdict,
    all_open,
    campaign_calendar,
    contact_calendar,
    daily_calendar,
    single_day_end,
)

LOOK_BACK_S = 30 * 86400
"""How far back earlier calls are looked at in any case: numbers that do not exist come last."""
DIALED_LATER_S = 3600
"""Calls are looked up by when they were claimed, and count from when they were dialled."""
OTHER_CALL_PAUSE_S = 60
"""How long a contact waits when another campaign is calling its number."""
CALLBACK_AGENT_PAUSE_S = 60
"""How long a callback waits whose own agent is not free."""


@dataclass(frozen=True, slots=True)
class _AtPlace:
    """What holds for the contacts of one place."""

    rules: PlaceRules
    calendars: tuple[Calendar, ...]
    zone_missing: bool


class RuleSet:
    """The rules of one version of a campaign.

    Args:
        settings: the campaign's settings.
        presets: the legal presets that it names.
    """

    def __init__(self, settings: CampaignSettings, presets: Sequence[LegalPreset] = ()) -> None:
        self.settings = settings
        self.presets = tuple(presets)
        self.rules: CampaignRules = compliance.campaign_rules(self.presets, settings)
        self.calendar = campaign_calendar(settings.window, settings.hours, settings.holidays)
        self.look_back_s = DIALED_LATER_S + max(
            LOOK_BACK_S, compliance.look_back_s(self.presets, settings)
        )
        self._places: dict[str, _AtPlace] = {}

    def campaign_verdict(self, now: datetime) -> Verdict:
        """Tell whether the campaign's own hours are open at ``now``."""
        return self.calendar.verdict(now)

    def place_verdict(self, place: str, now: datetime) -> Verdict:
        """Tell whether contacts of a place may be called at ``now``.

        The campaign's hours, the contact's own and the law's all have to be open, in every zone
        where the contact may be.
        """
        return all_open(self._at(place).calendars, now)

    def next_open(self, place: str, at: datetime) -> datetime | None:
        """Return the first instant from ``at`` on at which contacts of a place may be called."""
        verdict = self.place_verdict(place, at)
        return at if verdict.open else verdict.until

    def ends_at(self, campaign: Campaign) -> datetime | None:
        """Return when the campaign's day or date is over (None: not by the clock)."""
        ends = [self.settings.ends_at] if self.settings.ends_at else []
        if self.settings.mode is CampaignMode.SINGLE_DAY and campaign.run_at is not None:
            day_end = single_day_end(self.calendar, campaign.run_at)
            ends += [day_end] if day_end else []
        return min(ends, default=None)

    def _at(self, place: str) -> _AtPlace:
        known = self._places.get(place)
        if known is None:
            known = self._places[place] = self._make(Place.parse(place))
        return known

    def _make(self, place: Place) -> _AtPlace:
        own = self.settings.contact_hours
        rules = compliance.rules_for(place, self.presets, self.settings)
        matters = bool(rules.weeks) or own.start is not None
        zones = place.zones
        missing = matters and not zones
        if missing and own.unknown_zone is UnknownZone.CAMPAIGN_ZONE:
            zones, missing = (self.settings.window.zone,), False
        calendars = [self.calendar]
        for zone in zones:
            calendars += [contact_calendar(zone, week, days) for week, days in rules.weeks]
            if own.start is not None and own.end is not None:
                calendars.append(daily_calendar(zone, own.start, own.end))
        return _AtPlace(rules, tuple(calendars), missing)

    def judge(self, batch: Batch, free_agents: Collection[int] | None = None) -> list[Decision]:
        """Judge due contacts, in order, until the room is used up or no number is free.

        ``free_agents`` is as for :class:`Gate`.
        """
        return Gate(self, free_agents).judge(batch)

    def no_number(
        self, numbers: Sequence[OutboundNumber], use: Mapping[int, NumberUse], now: datetime
    ) -> NoNumber | None:
        """Tell why no outbound number of the pool can be used at ``now``, if none can."""
        chosen = Rotator(self.settings.pool, numbers, use, now).choose("")
        return chosen if isinstance(chosen, NoNumber) else None


class Gate:
    """The one gate at the moment of a call; fail-closed.

    ``no_number`` tells afterwards that it stopped for want of an outbound number.

    Args:
        rules: the rules of the campaign.
        free_agents: ids of its agents who could take a call now; whoever is to be called back
            by one agent only waits for that one (None: not asked).
    """

    def __init__(self, rules: RuleSet, free_agents: Collection[int] | None = None) -> None:
        self._set = rules
        self._free = None if free_agents is None else set(free_agents)
        self.no_number: NoNumber | None = None

    def judge(self, batch: Batch) -> list[Decision]:
        """Return one decision for each candidate, in order, as far as it came."""
        rotator = Rotator(self._set.settings.pool, batch.numbers, batch.use, batch.now)
        decisions: list[Decision] = []
        room = batch.room
        taken: set[str] = set()
        for candidate in batch.candidates:
            if room <= 0:
                break
            decision = self._judge(candidate, batch, rotator, taken)
            if decision is None:
                break
            decisions.append(decision)
            if isinstance(decision, LetOut):
                room -= 1
                if self._free is not None and candidate.callback_agent_id is not None:
                    self._free.discard(candidate.callback_agent_id)
                taken.update(candidate.numbers)
        return decisions

    def _judge(
        self, candidate: Candidate, batch: Batch, rotator: Rotator, taken: set[str]
    ) -> Decision | None:
        now, who, settings = batch.now, candidate.contact_id, self._set.settings
        at = self._set._at(candidate.place)  # noqa: SLF001 - one unit, two classes
        if at.zone_missing:
            if settings.contact_hours.unknown_zone is UnknownZone.SKIP:
                return PassedOver(who, Reason.ZONE_UNKNOWN, skip=True)
            return PassedOver(who, Reason.NEEDS_REVIEW)
        verdict = self._set.place_verdict(candidate.place, now)
        if not verdict.open:
            return PassedOver(who, verdict.reason or Reason.CONTACT_HOURS, verdict.until)
        index = self._next_number(candidate, batch)
        if index is None:
            reasons = {batch.suppressed[number] for number in candidate.numbers}
            known = Reason.DO_NOT_CALL if Reason.DO_NOT_CALL in reasons else Reason.EXCLUDED
            return PassedOver(who, known, skip=True)
        if candidate.attempts >= settings.retry.max_attempts and candidate.callback_at is None:
            return PassedOver(who, Reason.ATTEMPTS_USED, skip=True)
        number = candidate.numbers[index]
        calls = [*chain.from_iterable(batch.calls.get(n, ()) for n in candidate.numbers)]
        if (
            any(call.live for call in calls)
            or not taken.isdisjoint(candidate.numbers)
            or any(each in batch.busy for each in candidate.numbers)
        ):
            return PassedOver(
                who, Reason.IN_OTHER_CALL, now + timedelta(seconds=OTHER_CALL_PAUSE_S)
            )
        if not self._consents(number, batch):
            return PassedOver(who, Reason.NO_CONSENT)
        held = compliance.caps_verdict(at.rules, calls, now)
        if held is not None:
            return PassedOver(who, *held)
        owner = candidate.callback_agent_id
        if self._free is not None and owner is not None and owner not in self._free:
            return PassedOver(
                who, Reason.CALLBACK_AGENT, now + timedelta(seconds=CALLBACK_AGENT_PAUSE_S)
            )
        chosen = rotator.choose(number, candidate.caller_number)
        if isinstance(chosen, NoNumber):
            if chosen.reason is Reason.NUMBER_CAPPED:
                return PassedOver(who, chosen.reason, chosen.until)
            self.no_number = chosen
            return None
        if chosen.number is not None:
            rotator.note_used(chosen.number)
        return LetOut(
            who,
            index,
            chosen.number.phone if chosen.number is not None else None,
            verdict.until,
            {
                "place": candidate.place,
                "open_until": verdict.until and verdict.until.isoformat(),
                "presets": list(at.rules.presets),
                "calls_seen": len(calls),
                "ring_timeout_s": self._set.rules.ring_timeout_s,
            },
        )

    def _consents(self, number: str, batch: Batch) -> bool:
        scope = self._set.settings.consent_scope
        if scope is None:
            return not self._set.rules.consent_needed
        return any(
            consent.scope == scope and consent.holds(batch.now)
            for consent in batch.consents.get(number, ())
        )

    def _next_number(self, candidate: Candidate, batch: Batch) -> int | None:
        """Return which number is called: the one whose turn it is, or the next that may be.

        A number that turned out not to exist comes after those that do, and one without the
        consent it takes comes last.
        """
        numbers, count = candidate.numbers, len(candidate.numbers)
        turns = [(candidate.number_index + step) % count for step in range(count)]
        allowed = [i for i in turns if numbers[i] not in batch.suppressed]
        consenting = [i for i in allowed if self._consents(numbers[i], batch)] or allowed
        exist = [
            i
            for i in consenting
            if not any(
                call.disposition is Disposition.INVALID_NUMBER
                for call in batch.calls.get(numbers[i], ())
            )
        ]
        return next(iter(exist or consenting), None)
