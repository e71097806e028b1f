"""A campaign's settings in words: what ``callcamp campaign show`` prints."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, time

from rich.text import Text

from callcamp.cli.instants import shown_in
from callcamp.cli.output import count
from callcamp.core.agent_settings import QUEUED, AgentSettings, DialMethod
from callcamp.core.campaign_settings import CampaignSettings, HoursKind, HoursRule
from callcamp.core.legal import CallCap
from callcamp.core.policies import Match
from callcamp.core.rule_text import describe, describe_rule, in_words
from callcamp.core.rules import retry_rules
from callcamp.engine.form_reading import DAY_NAMES

_STYLES = {HoursKind.INCLUDE: "green", HoursKind.EXCLUDE: "red"}


def settings_pairs(settings: CampaignSettings, trunk: str) -> dict[str, object]:
    """Return what a campaign is set to, by name, apart from hours and retry rules."""
    pool, retry = settings.pool, settings.retry
    growth = f", growing {retry.growth:g} times" if retry.growth != 1 else ""
    return {
        "Mode": settings.mode.value.replace("_", " "),
        "Starts": shown_in(settings.window.zone, settings.starts_at),
        "Ends": shown_in(settings.window.zone, settings.ends_at),
        "Trunk": trunk,
        "Numbers": f"{', '.join(pool.numbers)} ({pool.rotation.value})"
        if pool.numbers
        else settings.caller_id or "the trunk's own",
        "Limits": f"{settings.concurrency} calls at once, ring {settings.ring_timeout_s} s",
        "Retries": f"{retry.max_attempts} calls at most, {in_words(retry.delay_s)} apart{growth}",
        "Success": success_text(settings),
        "Legal presets": ", ".join(settings.legal) or "–",
        "Caps of its own": "; ".join(map(cap_text, settings.frequency)) or "–",
        "Callbacks": "made as agreed" if settings.callbacks else "off",
        "Opt-out key": settings.opt_out_key or "–",
        "Agents": agents_text(settings.agents),
        "Prompt": settings.prompt or "–",
        "Message for machines": settings.machine_message or "–",
    }


def agents_text(agents: AgentSettings) -> str:
    """Return how a campaign works with agents, in words."""
    if not agents.attended:
        return "none"
    words = [agents.method.value.replace("_", " ")]
    if agents.method in QUEUED:
        words.append(f"queue {agents.queue}" if agents.queue else "a queue of callcamp's own")
        if agents.method is not DialMethod.CLIENT_FIRST:
            words.append(f"{agents.abandon_cap:.1%} of answered calls abandoned at most")
    if agents.script.elements:
        words.append(f"a script of {count(len(agents.script.elements), 'element')}")
    return ", ".join([*words, f"wrap-up {agents.wrap_up_s} s"])


def success_text(settings: CampaignSettings) -> str:
    """Return when a conversation counts as a success, in words."""
    rules = settings.success
    glue = " and " if rules.match is Match.ALL else " or "
    return glue.join(map(describe, rules.conditions)) or "answered by a person"


def hours_rows(settings: CampaignSettings) -> Iterator[tuple[Text, str, str]]:
    """Yield the table of hours: a tag for the kind of rule, the days, the time range.

    The first row is the window, as far as no rule below says otherwise.
    """
    window = settings.window
    hours = f"{span(window.start, window.end)} {window.zone}"
    yield Text("window", "bold"), days_text(window.weekdays), hours
    for rule in settings.hours:
        tag = Text(rule.kind.value, _STYLES[rule.kind])
        yield tag, _rule_days(rule), span(rule.start, rule.end)
    for region in settings.holidays:
        yield Text("exclude", "red"), f"public holidays of {region}", "all day"
    own = settings.contact_hours
    if own.start is not None and own.end is not None:
        unknown = own.unknown_zone.value.replace("_", " ")
        yield (
            Text("contact", "bold"),
            "every day",
            f"{span(own.start, own.end)} in the contact's time (zone unknown: {unknown})",
        )


def rule_rows(settings: CampaignSettings) -> Iterator[tuple[int, str]]:
    """Yield the retry rules in the order in which they are asked."""
    for number, rule in enumerate(retry_rules(settings.retry, settings.success), 1):
        yield number, describe_rule(rule)


def days_text(days: Collection[int]) -> str:
    """Return weekdays in words: ``mon to sat``, ``mon, wed``, ``no day``."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(map(_run, runs)) or "no day"


def _run(days: list[int]) -> str:
    if len(days) < 3:
        return ", ".join(DAY_NAMES[day] for day in days)
    return f"{DAY_NAMES[days[0]]} to {DAY_NAMES[days[-1]]}"


def span(start: time, end: time) -> str:
    """Return a time range in words; one that begins and ends at the same time is all day."""
    if start == end:
        return "all day"
    next_day = " the next day" if end < start and end != time(0) else ""
    return f"{start:%H:%M} to {'24:00' if end == time(0) else f'{end:%H:%M}'}{next_day}"


def _rule_days(rule: HoursRule) -> str:
    if rule.weekday is not None:
        return DAY_NAMES[rule.weekday]
    days: list[date] = [day for day in (rule.first_day, rule.last_day) if day is not None]
    return " to ".join(map(str, dict.fromkeys(days)))


def cap_text(cap: CallCap) -> str:
    """Return a cap in words: ``3 calls in 1 d``."""
    kind = "answered call" if cap.answered_only else "call"
    return f"{cap.calls} {kind}{'' if cap.calls == 1 else 's'} in {in_words(cap.window_s)}"
