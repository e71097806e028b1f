"""The table of legal presets in ``docs/compliance.md``, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

from callcamp.core.legal import AbandonWindow, LegalPreset, Span, WeekHours
from callcamp.core.wording import lasting
from callcamp.engine.legal import load_presets
from callcamp.settings import Settings

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOWS = {
    AbandonWindow.CALENDAR_DAY: "a calendar day",
    AbandonWindow.CALENDAR_MONTH: "a calendar month",
}
_AFTER = {
    "conversation": "a conversation",
    "refusal": "a refusal",
    "abandoned": "an abandoned call",
    "machine": "a machine",
}


def preset_rows() -> list[list[str]]:
    """Return a row for each preset that comes with callcamp: id, whom, numbers, source, read."""
    # An admin's own folder is no part of our documentation.
    presets = load_presets(Settings.model_construct(legal_dir=""))
    return [
        [
            f"`{preset.id}`",
            f"{preset.title} ({', '.join(preset.places)})",
            "; ".join(numbers(preset)),
            preset.source,
            f"{preset.checked_on}, {'read' if preset.verified else 'to be verified'}",
        ]
        for preset in presets.values()
    ]


def numbers(preset: LegalPreset) -> list[str]:
    """Return what a preset asks for, each thing in words."""
    said = [_hours(preset.hours)] if preset.hours is not None else []
    said += [
        f"{cap.calls} {'answered ' if cap.answered_only else ''}calls in {lasting(cap.window_s)}"
        for cap in preset.caps
    ]
    said += [
        f"no call for {lasting(cool.seconds)} after {_AFTER[cool.after]}"
        for cool in preset.cool_offs
    ]
    rule = preset.abandon
    if rule is not None:
        window = _WINDOWS.get(rule.window, f"any {rule.days} days")
        said.append(
            f"abandoned at most {rule.cap * 100:g} % in {window}, message within "
            f"{rule.connect_within_s:g} s"
        )
    flags = [
        (preset.min_ring_s is not None, f"rings {preset.min_ring_s} s at least"),
        (preset.opt_out_needed, "opt-out"),
        (preset.dnc_max_age_days is not None, f"list at most {preset.dnc_max_age_days} days old"),
        (preset.consent_needed, "consent"),
        (preset.caller_id_needed, "caller ID"),
        (not preset.mobile_caller_id, "not from mobile numbers"),
        (preset.records_kept_days is not None, f"records kept {preset.records_kept_days} days"),
    ]
    return said + [text for holds, text in flags if holds]


def _hours(week: WeekHours) -> str:
    groups: list[tuple[str, str, str]] = []
    for name, spans in zip(_DAYS, week.weekdays, strict=True):
        hours = _spans(spans)
        if groups and groups[-1][2] == hours:
            groups[-1] = (groups[-1][0], name, hours)
        else:
            groups.append((name, name, hours))
    texts = [f"{a if a == b else f'{a}–{b}'} {hours}" for a, b, hours in groups]
    if week.holiday is not None:
        texts.append(f"public holidays {_spans(week.holiday)}")
    if week.holiday_eve is not None:
        texts.append(f"the day before {_spans(week.holiday_eve)}")
    return ", ".join(texts)


def _spans(spans: Sequence[Span]) -> str:
    return " and ".join(f"{_clock(s.start)}–{_clock(s.end, '24:00')}" for s in spans) or "closed"


def _clock(clock: time, midnight: str = "0:00") -> str:
    return midnight if clock == time(0) else f"{clock.hour}:{clock.minute:02}"
