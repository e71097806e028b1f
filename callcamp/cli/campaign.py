"""``callcamp campaign``: make, watch and steer campaigns."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import time
from typing import Annotated, Any

import typer

from callcamp.cli.output import count, emit_json, note, pairs, say, share, table, when
from callcamp.cli.session import JsonOption, with_commands
from callcamp.core.model import (
    DEFAULT_RETRY_ON,
    Campaign,
    CampaignSettings,
    DailyWindow,
    RetryPolicy,
    Trunk,
)
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.states import CampaignStatus
from callcamp.engine.commands import Commands
from callcamp.engine.stats import CampaignStats
from callcamp.errors import InvalidInput

app = typer.Typer(help="Campaigns: make, watch and steer them.", no_args_is_help=True)
IdArgument = Annotated[int, typer.Argument(help="Number of the campaign.")]
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RETRYABLE = sorted(d.value for d in Disposition if MEANING[d].retryable)


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name shown to people.")],
    trunk: Annotated[
        str | None,
        typer.Option(help="Name of the trunk to call over; may be left out when there is one."),
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Calls at the same time at most.")] = 50,
    ring_timeout_s: Annotated[int, typer.Option(help="Seconds a call may ring.")] = 30,
    max_attempts: Annotated[
        int, typer.Option(help="Calls to one contact at most, the first included.")
    ] = 3,
    retry_delay_s: Annotated[
        int, typer.Option(help="Seconds from the end of a call to the next one.")
    ] = 1800,
    retry_on: Annotated[
        list[str] | None,
        typer.Option(
            help="Call again after this result; several times for several, or with commas, or "
            f"'none'. One of {', '.join(_RETRYABLE)}."
        ),
    ] = None,
    window_start: Annotated[
        str, typer.Option(help="From when calls are placed, local time.")
    ] = "09:00",
    window_end: Annotated[
        str, typer.Option(help="Until when; the same as the start: all day.")
    ] = "18:00",
    zone: Annotated[str, typer.Option(help="Time zone of these hours: Europe/Paris.")] = "UTC",
    weekdays: Annotated[str, typer.Option(help="Days, such as mon-fri or mon,wed,sat.")] = (
        "mon-sun"
    ),
    default_region: Annotated[
        str, typer.Option(help="Country of numbers written without one: US, GB, FR.")
    ] = "US",
    caller_id: Annotated[
        str | None, typer.Option(help="Number shown to the called person.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Sound for people, as Asterisk names it, no extension.")
    ] = None,
    machine_message: Annotated[
        str | None, typer.Option(help="Sound to leave on voicemail; left out: hang up.")
    ] = None,
    detect_machines: Annotated[
        bool, typer.Option(help="Tell machines from people when a call is answered.")
    ] = True,
    description: Annotated[str, typer.Option(help="Free text.")] = "",
    json: JsonOption = False,
) -> None:
    """Create a campaign as a draft; import contacts next, then start it."""

    async def work(commands: Commands) -> CampaignStats:
        settings = CampaignSettings(
            name=name,
            trunk_id=_choose_trunk(await commands.trunks(), trunk).id,
            concurrency=concurrency,
            ring_timeout_s=ring_timeout_s,
            retry=RetryPolicy(max_attempts, retry_delay_s, _dispositions(retry_on)),
            window=DailyWindow(
                _clock("window_start", window_start),
                _clock("window_end", window_end),
                zone,
                parse_weekdays(weekdays),
            ),
            default_region=default_region.upper(),
            caller_id=caller_id,
            prompt=prompt,
            machine_message=machine_message,
            detect_machines=detect_machines,
            description=description,
        )
        return await commands.stats((await commands.create_campaign(settings)).id)

    stats = with_commands(context, work, json=json)
    if json:
        emit_json(_as_dict(stats))
    else:
        say(f"Campaign {stats.campaign.id} is created as a draft.")
        note(f"Next: callcamp contacts import {stats.campaign.id} FILE")


@app.command("list")
def list_campaigns(
    context: typer.Context,
    status: Annotated[CampaignStatus | None, typer.Option(help="Only these.")] = None,
    json: JsonOption = False,
) -> None:
    """List campaigns, newest first."""
    found = with_commands(context, lambda commands: commands.all_stats(status), json=json)
    if json:
        emit_json({"items": [stats.as_dict() for stats in found]})
    elif not found:
        say("No campaigns.")
    else:
        table(
            ("ID", "NAME", "STATUS", "CONTACTS", "DONE", "IN CALLS", "CALLS", "ANSWERED"),
            (
                (
                    stats.campaign.id,
                    stats.campaign.settings.name,
                    stats.campaign.status.value,
                    stats.counts.total,
                    share(stats.completion_rate),
                    stats.in_calls,
                    stats.counts.calls_made,
                    stats.counts.calls_answered,
                )
                for stats in found
            ),
        )


@app.command()
def show(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Show one campaign: its settings, counts and rates."""

    async def work(commands: Commands) -> tuple[CampaignStats, list[Trunk]]:
        return await commands.stats(campaign_id), await commands.trunks()

    stats, trunks = with_commands(context, work, json=json)
    settings = stats.campaign.settings
    if json:
        emit_json(_as_dict(stats))
        return
    counts, window = stats.counts, settings.window
    trunk = next((t.name for t in trunks if t.id == settings.trunk_id), settings.trunk_id)
    pairs(
        {
            "Campaign": f"{stats.campaign.id}: {settings.name}",
            "Status": stats.campaign.status.value,
            "Description": settings.description or "–",
            "Started": when(stats.campaign.started_at),
            "Ended": when(stats.campaign.ended_at),
            "Trunk": trunk,
            "Hours": f"{window.start:%H:%M} to {window.end:%H:%M} {window.zone}, "
            + ", ".join(_DAYS[day] for day in sorted(window.weekdays)),
            "Limits": f"{settings.concurrency} calls at once, ring {settings.ring_timeout_s} s",
            "Retries": f"{settings.retry.max_attempts} calls, {settings.retry.delay_s} s apart, "
            "after " + (", ".join(sorted(settings.retry.retry_on)) or "nothing"),
            "Prompt": settings.prompt or "–",
            "Message for machines": settings.machine_message or "–",
            "Contacts": ", ".join(
                [count(counts.total, "contact")]
                + [f"{n} {status.value}" for status, n in counts.contacts.items() if n]
            ),
            "Results": ", ".join(f"{n} {MEANING[d].text}" for d, n in counts.results.items() if n)
            or "–",
            "Calls": f"{counts.calls_made} made, {counts.calls_answered} answered, "
            f"{stats.in_calls} in progress",
            "Rates": f"completion {share(stats.completion_rate)}, success "
            f"{share(stats.success_rate)}, answer {share(stats.answer_rate)}, reachability "
            f"{share(stats.reachability)}",
        }
    )


@app.command()
def start(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Start a draft; `callcamp serve` places its calls."""
    _step(context, lambda commands: commands.start(campaign_id), json=json)


@app.command()
def pause(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Place no new calls; calls in progress go on to their end."""
    _step(context, lambda commands: commands.pause(campaign_id), json=json)


@app.command()
def resume(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Go on after a pause."""
    _step(context, lambda commands: commands.resume(campaign_id), json=json)


@app.command()
def stop(
    context: typer.Context,
    campaign_id: IdArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """End a campaign for good; contacts still waiting are canceled."""
    if not yes:
        stats = with_commands(context, lambda commands: commands.stats(campaign_id), json=json)
        waiting = stats.counts.total - stats.counts.done
        note(
            f"Campaign {campaign_id}, {stats.campaign.settings.name}: {count(waiting, 'contact')} "
            "to call. A stopped campaign cannot be started again.",
            "",
        )
        typer.confirm("Stop it?", abort=True, err=True)
    _step(context, lambda commands: commands.stop(campaign_id), json=json)


def _step(
    context: typer.Context, step: Callable[[Commands], Awaitable[Campaign]], *, json: bool
) -> None:
    async def work(commands: Commands) -> CampaignStats:
        return await commands.stats((await step(commands)).id)

    stats = with_commands(context, work, json=json)
    if json:
        emit_json(_as_dict(stats))
    else:
        say(f"Campaign {stats.campaign.id} is {stats.campaign.status.value}.")


def _as_dict(stats: CampaignStats) -> dict[str, Any]:
    return {**stats.as_dict(), "settings": stats.campaign.settings}


def _choose_trunk(trunks: list[Trunk], name: str | None) -> Trunk:
    if name is None and len(trunks) == 1:
        return trunks[0]
    for trunk in trunks:
        if trunk.name == name:
            return trunk
    known = ", ".join(t.name for t in trunks) or "none; add one with `callcamp trunk set`"
    what = "Say which trunk, with --trunk" if name is None else f"There is no trunk {name!r}"
    raise InvalidInput(f"{what}. Trunks: {known}.", field="trunk", value=name)


def _clock(field: str, value: str) -> time:
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise InvalidInput(
            f"{field} is {value!r}; give hours and minutes such as 09:30.", field=field, value=value
        )
    hours, minutes = value.split(":")
    return time(int(hours), int(minutes))


def parse_weekdays(value: str) -> frozenset[int]:
    """Read days such as ``mon-fri`` or ``mon,wed,sat`` (Monday is 0); a span may wrap round.

    Raises:
        InvalidInput: it is something else.
    """
    days: set[int] = set()
    for part in value.lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if first not in _DAYS or last not in _DAYS:
            raise InvalidInput(
                f"weekdays is {value!r}; give days such as mon-fri or mon,wed,sat.",
                field="weekdays",
                value=value,
            )
        day, end = _DAYS.index(first), _DAYS.index(last)
        days.add(day)
        while day != end:
            day = (day + 1) % 7
            days.add(day)
    return frozenset(days)


def _dispositions(values: list[str] | None) -> frozenset[Disposition]:
    if values is None:
        return DEFAULT_RETRY_ON
    names = {part.strip() for value in values for part in value.split(",") if part.strip()}
    if names == {"none"}:
        return frozenset()
    if wrong := sorted(names - set(_RETRYABLE)) or ([] if names else [""]):
        raise InvalidInput(
            f"retry_on has {', '.join(map(repr, wrong))}; give any of {', '.join(_RETRYABLE)}, "
            "or none.",
            field="retry_on",
            value=wrong,
        )
    return frozenset(map(Disposition, names))
