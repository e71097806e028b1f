"""``callcamp legal``: the legal presets of this deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from callcamp.cli.output import emit_json, note, pairs, say, table
from callcamp.cli.session import JsonOption, run
from callcamp.cli.settings_text import cap_text, days_text, span
from callcamp.core.legal import AbandonWindow, LegalPreset, Span, WeekHours
from callcamp.core.rule_text import in_words
from callcamp.engine.rulebook import RuleBook
from callcamp.settings import Settings

app = typer.Typer(help="Legal presets: what laws say in numbers.", no_args_is_help=True)

DISCLAIMER = (
    "Legal presets are starting points and no legal advice; look at the source, and ask a lawyer."
)
"""What stands beside every preset that is shown."""


async def _book(settings: Settings) -> RuleBook:
    from callcamp.engine.legal import load_presets

    return RuleBook(load_presets(settings))


@app.command("list")
def list_presets(context: typer.Context, json: JsonOption = False) -> None:
    """List the legal presets; a campaign takes them with --legal."""
    presets = [preset for _, preset in sorted(run(context, _book, json=json).presets.items())]
    if json:
        emit_json({"items": presets, "note": DISCLAIMER})
        return
    table(
        ("ID", "TITLE", "PLACES", "CHECKED ON", "READ IN", "SOURCE"),
        (
            (
                preset.id,
                preset.title,
                ", ".join(preset.places),
                preset.checked_on,
                _read_in(preset),
                preset.source,
            )
            for preset in presets
        ),
    )
    note(DISCLAIMER)


@app.command()
def show(
    context: typer.Context,
    preset_id: Annotated[str, typer.Argument(help="Id of the preset, such as us-tsr.")],
    json: JsonOption = False,
) -> None:
    """Show one legal preset: its numbers, where they stand, and when somebody looked there."""
    (preset,) = run(context, _book, json=json).named((preset_id,))
    if json:
        emit_json({"preset": preset, "note": DISCLAIMER})
        return
    pairs(dict(_lines(preset)))
    say("")
    for remark in preset.notes:
        say(f"- {remark}")
    note(DISCLAIMER)


def _read_in(preset: LegalPreset) -> str:
    return "the primary text" if preset.verified else "secondary pages"


def _lines(preset: LegalPreset) -> Iterator[tuple[str, object]]:
    yield "Preset", f"{preset.id}: {preset.title}"
    yield "Places", ", ".join(preset.places)
    yield "Source", preset.source
    yield "Checked on", f"{preset.checked_on}, in {_read_in(preset)}"
    if preset.hours is not None:
        for spans, days in _days_by_hours(preset.hours).items():
            yield f"Hours {days_text(days)}", _spans(spans)
        if preset.hours.holiday is not None:
            yield "Hours on holidays", _spans(preset.hours.holiday)
        if preset.hours.holiday_eve is not None:
            yield "Hours on eves of holidays", _spans(preset.hours.holiday_eve)
    if preset.holidays:
        own = "the contact's country"
        yield "Holidays of", ", ".join(preset.holidays).replace("{country}", own)
    for cap in preset.caps:
        yield "Cap", cap_text(cap)
    for cool_off in preset.cool_offs:
        yield f"Left alone after: {cool_off.after.value}", in_words(cool_off.seconds)
    if preset.abandon is not None:
        rule = preset.abandon
        rolling = rule.window is AbandonWindow.ROLLING_DAYS
        over = f"{rule.days} days" if rolling else f"a {rule.window.value.replace('_', ' ')}"
        yield (
            "Abandoned calls",
            f"{rule.cap:.1%} at most over {over}; agent within {rule.connect_within_s:g} s",
        )
    if preset.min_ring_s is not None:
        yield "Rings at least", f"{preset.min_ring_s} s"
    if preset.safe_harbour:
        yield "Message if abandoned", ", ".join(preset.safe_harbour)
    if preset.dnc_max_age_days is not None:
        yield "Do-not-call lists", f"{preset.dnc_max_age_days} days old at most"
    needed = {
        "opt-out": preset.opt_out_needed,
        "consent": preset.consent_needed,
        "caller ID": preset.caller_id_needed,
        "no mobile caller ID": not preset.mobile_caller_id,
    }
    yield "Needed", ", ".join(what for what, wanted in needed.items() if wanted) or "–"
    if preset.records_kept_days is not None:
        yield "Records kept", f"{preset.records_kept_days} days"


def _days_by_hours(week: WeekHours) -> dict[tuple[Span, ...], list[int]]:
    found: dict[tuple[Span, ...], list[int]] = {}
    for day, spans in enumerate(week.weekdays):
        found.setdefault(spans, []).append(day)
    return found


def _spans(spans: tuple[Span, ...]) -> str:
    return ", ".join(span(one.start, one.end) for one in spans) or "closed"
