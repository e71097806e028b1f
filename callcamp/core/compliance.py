"""What legal presets and a campaign's own settings forbid, stacked: the strictest wins.

The presets' numbers are data (:mod:`callcamp.core.legal`, ``callcamp/legal/``); they are
starting points and no legal advice. Hours go out as data for :mod:`callcamp.core.schedule`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import phonenumbers

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.gate import PastCall
from callcamp.core.legal import (
    AbandonRule,
    AbandonWindow,
    CallCap,
    CoolOff,
    CoolOffAfter,
    LegalPreset,
    Span,
    WeekHours,
)
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.places import Place
from callcamp.core.reasons import Reason
from callcamp.core.schedule import zone_named

_DAY_S = 86400
# A cool-off counts from the end of a call and calls are looked up by their start; no call
# lasts longer than this.
_LONGEST_CALL_S = 7 * _DAY_S
# Shares are compared as numbers of calls; this is less than any call and more than any
# rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class PlaceRules:
    """What holds for the contacts of one place.

    Args:
        presets: ids of the presets that hold there.
        weeks: hours in the contact's own time, each with the regions whose public holidays
            count; all have to be open.
        caps: caps on calls to one person.
        cool_offs: how long a person is left alone, and after what.
    """

    presets: tuple[str, ...] = ()
    weeks: tuple[tuple[WeekHours, tuple[str, ...]], ...] = ()
    caps: tuple[CallCap, ...] = ()
    cool_offs: tuple[CoolOff, ...] = ()


@dataclass(frozen=True, slots=True)
class CampaignRules:
    """What holds for a whole campaign: the strictest of all its presets and its settings.

    Args:
        presets: ids of the presets.
        abandons: caps on abandoned calls; all have to be kept.
        connect_within_s: how soon an agent, or else the message, has to be there after the
            end of the greeting (None: no preset says).
        min_ring_s: how long a call has to ring before it may be given up (None: no preset
            says).
        ring_timeout_s: how long a call rings: the setting, or more when a preset asks for it.
        safe_harbour: what the message after an abandoned call has to say.
        opt_out_needed: whether calls have to offer an opt-out.
        dnc_max_age_days: how old a copy of a do-not-call register may be (None: no preset
            needs one).
        consent_needed: whether a consent must be on record.
        caller_id_needed: whether a caller ID has to be shown.
        mobile_caller_id: whether it may be a mobile number.
        records_kept_days: how long records of calls are kept (None: no preset says).
    """

    presets: tuple[str, ...] = ()
    abandons: tuple[AbandonRule, ...] = ()
    connect_within_s: float | None = None
    min_ring_s: int | None = None
    ring_timeout_s: int = 0
    safe_harbour: tuple[str, ...] = ()
    opt_out_needed: bool = False
    dnc_max_age_days: int | None = None
    consent_needed: bool = False
    caller_id_needed: bool = False
    mobile_caller_id: bool = True
    records_kept_days: int | None = None

    @property
    def abandon(self) -> AbandonRule | None:
        """The cap on abandoned calls that has the smallest share (None: there is none)."""
        return min(self.abandons, key=lambda rule: rule.cap, default=None)


def rules_for(
    place: Place, presets: Sequence[LegalPreset], settings: CampaignSettings
) -> PlaceRules:
    """Return what holds for contacts of a place.

    A preset holds for a contact whose country or subdivision it names. Whoever could be in a
    place that a preset names is taken to be there: a contact of unknown subdivision is held
    to the presets of all subdivisions of its country. A contact of unknown country, and one
    that none of the presets names, is held to all of them.

    Args:
        place: where the contacts may be.
        presets: the presets that the campaign names.
        settings: the campaign's settings.
    """
    naming = [preset for preset in presets if _names(preset, place)]
    holding = naming or list(presets)
    return PlaceRules(
        presets=tuple(preset.id for preset in holding),
        weeks=tuple(
            dict.fromkeys(
                (week, _holiday_regions(preset, place))
                for preset in holding
                if preset.hours is not None
                for week in _weeks(preset.hours)
            )
        ),
        caps=_tightest_caps([*settings.frequency, *(cap for p in holding for cap in p.caps)]),
        cool_offs=_longest_cool_offs(cool for p in holding for cool in p.cool_offs),
    )


def _weeks(hours: WeekHours) -> tuple[WeekHours, ...]:
    """Return hours that say the same when all have to be open.

    The hours of the day before a holiday only narrow those of its weekday: that a holiday
    follows does not open a Sunday.
    """
    if hours.holiday_eve is None:
        return (hours,)
    always = (Span(time(0), time(0)),)
    eves = WeekHours((always,) * 7, holiday_eve=hours.holiday_eve)
    return replace(hours, holiday_eve=None), eves


def _names(preset: LegalPreset, place: Place) -> bool:
    """Tell whether a preset protects contacts of a place, or may do so."""
    if place.country is None or place.country in preset.places:
        return True
    return any(_may_be_in(place, where) for where in preset.places if "-" in where)


def _may_be_in(place: Place, area: str) -> bool:
    """Tell whether contacts of a place may be in a subdivision."""
    country = area.partition("-")[0]
    if place.country not in {None, country}:
        return area in place.areas
    known = [one for one in place.areas if one.startswith(f"{country}-")]
    return area in known or not known


def _holiday_regions(preset: LegalPreset, place: Place) -> tuple[str, ...]:
    """Return the regions whose public holidays a preset means for contacts of a place."""
    countries = tuple(dict.fromkeys(where.partition("-")[0] for where in preset.places))
    own = [country for country in countries if country == place.country] or countries
    regions: list[str] = []
    for entry in preset.holidays:
        if entry == "{country}":
            regions += own
        elif "-" not in entry or place.country not in countries or _may_be_in(place, entry):
            regions.append(entry)
    return tuple(dict.fromkeys(regions))


def _tightest_caps(caps: Sequence[CallCap]) -> tuple[CallCap, ...]:
    """Leave out caps that follow from another one."""
    kept: list[CallCap] = []
    for cap in sorted(set(caps), key=lambda c: (c.answered_only, c.calls, -c.window_s)):
        if not any(
            k.calls <= cap.calls
            and k.window_s >= cap.window_s
            and (cap.answered_only or not k.answered_only)
            for k in kept
        ):
            kept.append(cap)
    return tuple(kept)


def _longest_cool_offs(cool_offs: Iterable[CoolOff]) -> tuple[CoolOff, ...]:
    longest: dict[CoolOffAfter, CoolOff] = {}
    for cool in cool_offs:
        known = longest.get(cool.after)
        if known is None or cool.seconds > known.seconds:
            longest[cool.after] = cool
    return tuple(longest[after] for after in CoolOffAfter if after in longest)


def campaign_rules(presets: Sequence[LegalPreset], settings: CampaignSettings) -> CampaignRules:
    """Return what holds for a campaign that names these presets."""
    abandons = [preset.abandon for preset in presets if preset.abandon is not None]
    rings = [preset.min_ring_s for preset in presets if preset.min_ring_s is not None]
    ages = [preset.dnc_max_age_days for preset in presets if preset.dnc_max_age_days is not None]
    kept = [preset.records_kept_days for preset in presets if preset.records_kept_days is not None]
    return CampaignRules(
        presets=tuple(preset.id for preset in presets),
        abandons=_tightest_abandons(abandons),
        connect_within_s=min((rule.connect_within_s for rule in abandons), default=None),
        min_ring_s=max(rings, default=None),
        ring_timeout_s=max([settings.ring_timeout_s, *rings]),
        safe_harbour=tuple(dict.fromkeys(text for p in presets for text in p.safe_harbour)),
        opt_out_needed=any(preset.opt_out_needed for preset in presets),
        dnc_max_age_days=min(ages, default=None),
        consent_needed=any(preset.consent_needed for preset in presets),
        caller_id_needed=any(preset.caller_id_needed for preset in presets),
        mobile_caller_id=all(preset.mobile_caller_id for preset in presets),
        records_kept_days=max(kept, default=None),
    )


def _tightest_abandons(rules: Sequence[AbandonRule]) -> tuple[AbandonRule, ...]:
    """Keep one rule for each window, with the smallest share and the shortest wait."""
    kept: dict[tuple[AbandonWindow, int], AbandonRule] = {}
    for rule in rules:
        days = rule.days if rule.window is AbandonWindow.ROLLING_DAYS else 1
        known = kept.get((rule.window, days), rule)
        kept[rule.window, days] = AbandonRule(
            min(rule.cap, known.cap),
            rule.window,
            rule.days,
            min(rule.connect_within_s, known.connect_within_s),
        )
    return tuple(kept.values())


def caps_verdict(
    rules: PlaceRules, calls: Sequence[PastCall], now: datetime
) -> tuple[Reason, datetime] | None:
    """Tell whether caps and cool-offs allow to call a person at ``now``; None: they do.

    Else it returns ``FREQUENCY_CAP`` or ``COOL_OFF``, whichever lasts longer, and the first
    instant at which a call would be allowed again, if nothing is called meanwhile. A call at
    one instant is out of a window again when exactly the window's length has passed.

    Args:
        rules: the rules of the place where the person is.
        calls: earlier and live calls to the person, over all campaigns; they must reach back
            by :func:`look_back_s`.
        now: the instant of the call, aware.
    """
    held = [(_cap_ends(cap, calls), Reason.FREQUENCY_CAP) for cap in rules.caps]
    held += [(_cool_off_ends(cool, calls), Reason.COOL_OFF) for cool in rules.cool_offs]
    ends = [(until, reason) for until, reason in held if until is not None and until > now]
    if not ends:
        return None
    until, reason = max(ends, key=lambda end: end[0])
    return reason, until.astimezone(UTC)


def _cap_ends(cap: CallCap, calls: Sequence[PastCall]) -> datetime | None:
    """Return when the calls leave room under a cap (None: they always have)."""
    counted = sorted((c.at for c in calls if not cap.answered_only or _answered(c)), reverse=True)
    if len(counted) < cap.calls:
        return None
    # The call that is as many back as the cap allows has to be out of the window.
    return counted[cap.calls - 1] + timedelta(seconds=cap.window_s)


def _answered(call: PastCall) -> bool:
    # What is not known is taken to have been answered: live calls, and lost ends.
    if call.live or call.disposition is None or call.disposition is Disposition.UNKNOWN:
        return True
    return MEANING[call.disposition].answered


def _cool_off_ends(cool: CoolOff, calls: Sequence[PastCall]) -> datetime | None:
    ends = [
        call.at + timedelta(seconds=(call.talk_s or 0.0) + cool.seconds)
        for call in calls
        if _starts(cool.after, call)
    ]
    return max(ends, default=None)


def _starts(after: CoolOffAfter, call: PastCall) -> bool:
    """Tell whether a call is of the kind after which a person is left alone."""
    match after:
        case CoolOffAfter.CONVERSATION:
            return call.conversation
        case CoolOffAfter.REFUSAL:
            return call.refused
        case CoolOffAfter.ABANDONED:
            return call.disposition is Disposition.ABANDONED
        case CoolOffAfter.MACHINE:
            return call.disposition is Disposition.VOICEMAIL


def look_back_s(presets: Sequence[LegalPreset], settings: CampaignSettings) -> float:
    """Return how far back calls matter to :func:`caps_verdict`, in seconds; 0: not at all."""
    caps = [*settings.frequency, *(cap for preset in presets for cap in preset.caps)]
    cool_offs = [cool for preset in presets for cool in preset.cool_offs]
    return float(
        max(
            [
                *(cap.window_s for cap in caps),
                *(cool.seconds + _LONGEST_CALL_S for cool in cool_offs),
            ],
            default=0,
        )
    )


def lists_verdict(
    rules: CampaignRules,
    settings: CampaignSettings,
    lists: Sequence[tuple[str, datetime]],
    now: datetime,
) -> Reason | None:
    """Return ``DNC_LIST_OLD`` when a do-not-call list that must be checked cannot be; else None.

    A list that the campaign names has to be there. When a preset needs a fresh copy of a
    register, the lists that are named have to be fresh, and one has to be named, unless the
    campaign says why not (``dnc_exemption``).

    Args:
        rules: the campaign's rules.
        settings: its settings.
        lists: the imported lists: name and of when the copy is.
        now: the instant of the call.
    """
    as_of = dict(lists)
    if any(name not in as_of for name in settings.dnc_lists):
        return Reason.DNC_LIST_OLD
    if rules.dnc_max_age_days is None or settings.dnc_exemption.strip():
        return None
    oldest = now - timedelta(days=rules.dnc_max_age_days)
    if not settings.dnc_lists or any(as_of[name] < oldest for name in settings.dnc_lists):
        return Reason.DNC_LIST_OLD
    return None


def missing_for_start(rules: CampaignRules, settings: CampaignSettings) -> dict[str, str]:
    """Return what the presets need and the campaign lacks, ``{setting: what, in words}``."""
    missing: dict[str, str] = {}
    shown = [number for number in (settings.caller_id, *settings.pool.numbers) if number]
    if rules.caller_id_needed and not shown:
        missing["caller_id"] = (
            "a legal preset needs a caller ID: give caller_id, or numbers in its pool"
        )
    mobile = [number for number in shown if _is_mobile(number)]
    if mobile and not rules.mobile_caller_id:
        field = "pool.numbers" if mobile[0] in settings.pool.numbers else "caller_id"
        missing[field] = (
            f"a legal preset forbids to call from mobile numbers such as {mobile[0]}: "
            "give other numbers"
        )
    if rules.opt_out_needed and settings.opt_out_key is None:
        missing["opt_out_key"] = "a legal preset needs a key by which people opt out: give one"
    needs_list = rules.dnc_max_age_days is not None and not settings.dnc_exemption.strip()
    if needs_list and not settings.dnc_lists:
        missing["dnc_lists"] = (
            "a legal preset needs a do-not-call list: name an imported one, or say in "
            "dnc_exemption why none is needed"
        )
    if rules.consent_needed and settings.consent_scope is None:
        missing["consent_scope"] = (
            "a legal preset needs a consent on record: say of which scope in consent_scope"
        )
    return missing


def _is_mobile(number: str) -> bool:
    """Tell whether a number is a mobile one for certain."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE


def abandon_room(rule: AbandonRule, answered_by_person: float, abandoned: float) -> bool:
    """Tell whether one more call may be risked that nobody is there for.

    It may when it could be abandoned and the share would still be within the cap.

    Args:
        rule: the cap.
        answered_by_person: calls answered by a person within the rule's window, abandoned
            ones included.
        abandoned: abandoned ones of these; estimates of detection errors may be added.
    """
    return abandoned + 1 <= rule.cap * (answered_by_person + 1) + _ROUNDING


def abandon_window_start(rule: AbandonRule, now: datetime, zone: str) -> datetime:
    """Return when the window began over which a cap on abandoned calls is taken (UTC).

    Args:
        rule: the cap.
        now: the instant at which it is asked.
        zone: IANA name of the zone whose calendar days and months count.

    Raises:
        InvalidInput: there is no such zone.
    """
    if rule.window is AbandonWindow.ROLLING_DAYS:
        return now.astimezone(UTC) - timedelta(days=rule.days)
    there = zone_named(zone)
    return _midnight(_first_day(rule, now, there), there)


def abandon_window_end(rule: AbandonRule, now: datetime, zone: str) -> datetime | None:
    """Return when the window of a cap on abandoned calls ends and a new one begins.

    Args:
        rule: the cap.
        now: an instant in the window.
        zone: IANA name of the zone whose calendar days and months count.

    Returns:
        The instant (UTC); None for a rolling window, which goes on for ever.

    Raises:
        InvalidInput: there is no such zone.
    """
    if rule.window is AbandonWindow.ROLLING_DAYS:
        return None
    there = zone_named(zone)
    day = _first_day(rule, now, there)
    if rule.window is AbandonWindow.CALENDAR_MONTH:
        return _midnight((day + timedelta(days=31)).replace(day=1), there)
    return _midnight(day + timedelta(days=1), there)


def _first_day(rule: AbandonRule, now: datetime, there: ZoneInfo) -> date:
    day = now.astimezone(there).date()
    return day.replace(day=1) if rule.window is AbandonWindow.CALENDAR_MONTH else day


def _midnight(day: date, there: ZoneInfo) -> datetime:
    # A midnight that the clock skips is, so written, the instant of the change.
    return datetime.combine(day, time(0), tzinfo=there).astimezone(UTC)
