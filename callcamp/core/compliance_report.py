"""What a campaign promised by its legal presets and settings, and what its calls show of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.compliance import CampaignRules, campaign_rules
from callcamp.core.legal import AbandonRule, AbandonWindow, CallCap, CoolOff, LegalPreset
from callcamp.core.outcome import Disposition
from callcamp.core.wording import lasting

NOTICE = (
    "This report compares the numbers of the presets that the campaign names with the calls on "
    "record. It is no legal advice: the presets are starting points, and the law asks for more "
    "than numbers."
)
"""The sentence that every report carries."""

_PERSONS = (Disposition.ANSWERED_PERSON, Disposition.ABANDONED)
_AFTER = {
    "conversation": "a conversation",
    "refusal": "a refusal",
    "abandoned": "an abandoned call",
    "machine": "a call that a machine answered",
}
_IN_EVIDENCE = "The gate sees to it; what it rested on is kept with every attempt."


class Facts(Protocol):
    """Counts over the calls of a campaign, as :class:`callcamp.ports.records.CallFacts`."""

    @property
    def calls(self) -> int:
        """Ended calls."""
        ...

    @property
    def answered(self) -> int:
        """Picked up, by whoever."""
        ...

    @property
    def persons(self) -> int:
        """Answered by a person, abandoned ones included."""
        ...

    @property
    def abandoned(self) -> int:
        """Answered by a person, and nobody was there."""
        ...

    @property
    def by_day(self) -> Mapping[str, Mapping[str, int]]:
        """``{local day: {disposition: n}}``."""
        ...

    @property
    def most_per_number(self) -> int:
        """The most calls to one number."""
        ...

    @property
    def shortest_ring_s(self) -> float | None:
        """The shortest time that an unanswered call rang before it was given up."""
        ...


class Kept(StrEnum):
    """Whether a promise was kept, as far as the counts tell."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_MEASURED = "not_measured"


def compliance_report(
    presets: Sequence[LegalPreset],
    settings: CampaignSettings,
    facts: Facts,
    *,
    since: datetime,
    until: datetime,
) -> dict[str, Any]:
    """Return what was promised, what was measured, and what was kept, as a JSON-able mapping.

    ``rules`` has one entry for each promise: ``rule`` (its kind), ``promised`` (in words),
    ``measured`` (numbers, or None), ``verdict`` (see :class:`Kept`) and ``detail`` (in words).
    ``broken`` is how many were broken.

    Args:
        presets: the presets that the campaign names.
        settings: the campaign's settings.
        facts: counts over its calls from ``since`` to ``until``.
        since: from when the calls were counted.
        until: up to when.
    """
    rules = campaign_rules(presets, settings)
    caps = dict.fromkeys([*settings.frequency, *(cap for p in presets for cap in p.caps)])
    entries = [_abandoned(rule, facts) for rule in rules.abandons]
    entries += [_cap(cap, facts, (until - since).total_seconds()) for cap in caps]
    entries += [_ring(rules.min_ring_s, facts)] if rules.min_ring_s is not None else []
    entries += [_cool_off(cool) for cool in dict.fromkeys(c for p in presets for c in p.cool_offs)]
    entries += _others(presets, rules)
    return {
        "since": since.astimezone(UTC).isoformat(),
        "until": until.astimezone(UTC).isoformat(),
        "notice": NOTICE,
        "presets": [_preset(preset) for preset in presets],
        "calls": facts.calls,
        "answered": facts.answered,
        "answered_by_person": facts.persons,
        "abandoned": facts.abandoned,
        "rules": entries,
        "broken": sum(entry["verdict"] == Kept.BROKEN for entry in entries),
    }


def _preset(preset: LegalPreset) -> dict[str, Any]:
    return {
        "id": preset.id,
        "title": preset.title,
        "source": preset.source,
        "checked_on": preset.checked_on.isoformat(),
        "verified": preset.verified,
        "notes": list(preset.notes),
    }


def _entry(
    rule: str, promised: str, verdict: Kept, measured: Mapping[str, Any] | None, detail: str = ""
) -> dict[str, Any]:
    return {
        "rule": rule,
        "promised": promised,
        "measured": None if measured is None else dict(measured),
        "verdict": verdict.value,
        "detail": detail,
    }


def _abandoned(rule: AbandonRule, facts: Facts) -> dict[str, Any]:
    promised = (
        f"at most {rule.cap * 100:g} % of the calls answered by a person abandoned in "
        f"{_window(rule)}"
    )
    worst = _worst_window(rule, facts.by_day)
    if worst is None:
        detail = "No call was answered by a person."
        return _entry("abandon_cap", promised, Kept.KEPT, None, detail)
    first, last, persons, abandoned = worst
    measured = {
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "answered_by_person": persons,
        "abandoned": abandoned,
        "share": round(abandoned / persons, 6),
    }
    kept = Kept.KEPT if abandoned <= rule.cap * persons + 1e-6 else Kept.BROKEN
    return _entry("abandon_cap", promised, kept, measured, "The window with the highest share.")


def _window(rule: AbandonRule) -> str:
    if rule.window is AbandonWindow.CALENDAR_DAY:
        return "a calendar day"
    if rule.window is AbandonWindow.CALENDAR_MONTH:
        return "a calendar month"
    return f"any {rule.days} days"


def _worst_window(
    rule: AbandonRule, by_day: Mapping[str, Mapping[str, int]]
) -> tuple[date, date, int, int] | None:
    """Return (first day, last day, answered by a person, abandoned) where the share is highest."""
    days = {date.fromisoformat(day): counts for day, counts in sorted(by_day.items())}
    worst: tuple[date, date, int, int] | None = None
    for last in days:
        first = _first_day(rule, last)
        inside = [counts for day, counts in days.items() if first <= day <= last]
        persons = sum(counts.get(d, 0) for counts in inside for d in _PERSONS)
        abandoned = sum(counts.get(Disposition.ABANDONED, 0) for counts in inside)
        if persons and (worst is None or abandoned * worst[2] >= worst[3] * persons):
            worst = (first, last, persons, abandoned)
    return worst


def _first_day(rule: AbandonRule, last: date) -> date:
    if rule.window is AbandonWindow.CALENDAR_DAY:
        return last
    if rule.window is AbandonWindow.CALENDAR_MONTH:
        return last.replace(day=1)
    return last - timedelta(days=rule.days - 1)


def _cap(cap: CallCap, facts: Facts, span_s: float) -> dict[str, Any]:
    kind = "answered calls" if cap.answered_only else "calls"
    promised = f"at most {cap.calls} {kind} to a person in {lasting(cap.window_s)}"
    measured = {"most_calls_to_one_number": facts.most_per_number}
    if facts.most_per_number <= cap.calls:
        return _entry("frequency_cap", promised, Kept.KEPT, measured)
    if span_s <= cap.window_s and not cap.answered_only:
        return _entry("frequency_cap", promised, Kept.BROKEN, measured)
    detail = f"These counts do not tell for every window. {_IN_EVIDENCE}"
    return _entry("frequency_cap", promised, Kept.NOT_MEASURED, measured, detail)


def _ring(least_s: int, facts: Facts) -> dict[str, Any]:
    promised = f"calls ring for at least {least_s} seconds before they are given up"
    shortest = facts.shortest_ring_s
    if shortest is None:
        detail = "No call was given up unanswered."
        return _entry("min_ring", promised, Kept.NOT_MEASURED, None, detail)
    verdict = Kept.KEPT if shortest >= least_s else Kept.BROKEN
    return _entry("min_ring", promised, verdict, {"shortest_ring_s": shortest})


def _cool_off(cool: CoolOff) -> dict[str, Any]:
    promised = f"no call for {lasting(cool.seconds)} after {_AFTER[cool.after]}"
    return _entry("cool_off", promised, Kept.NOT_MEASURED, None, _IN_EVIDENCE)


def _others(presets: Sequence[LegalPreset], rules: CampaignRules) -> list[dict[str, Any]]:
    """Return the promises of which calls show nothing in numbers."""
    age, kept_days = rules.dnc_max_age_days, rules.records_kept_days
    promises = [
        ("hours", any(p.hours for p in presets), "calls only in the hours of the called place"),
        ("dnc_age", age is not None, f"do-not-call lists at most {age} days old"),
        ("consent", rules.consent_needed, "a consent on record before the call"),
        ("caller_id", rules.caller_id_needed, "a caller ID is shown"),
        ("mobile_caller_id", not rules.mobile_caller_id, "no mobile number is shown"),
        ("opt_out", rules.opt_out_needed, "an opt-out is offered"),
        ("records", kept_days is not None, f"records of calls kept for {kept_days} days"),
    ]
    return [
        _entry(rule, promised, Kept.NOT_MEASURED, None, _IN_EVIDENCE)
        for rule, holds, promised in promises
        if holds
    ]
