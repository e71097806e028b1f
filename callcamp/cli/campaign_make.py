"""``callcamp campaign create`` and ``edit``: settings from options, files and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from callcamp.cli import given
from callcamp.cli.campaign_show import IdArgument, Shown, campaign_as_dict, look_at
from callcamp.cli.given import RETRYABLE
from callcamp.cli.instants import WRITTEN
from callcamp.cli.output import emit_json, note, say
from callcamp.cli.session import JsonOption, load_settings, session, with_commands
from callcamp.core.agent_settings import DialMethod
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, Rotation
from callcamp.core.model import Campaign, Trunk
from callcamp.core.policies import Match
from callcamp.core.presets import Kind, campaign_like, limits_of
from callcamp.engine.commands import Commands
from callcamp.engine.forms import changes_between, settings_from_dict
from callcamp.errors import InvalidInput

SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="Settings from a .json or .toml file, nested as `campaign show --json` shows them.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Any setting by its path, such as retry.delays_s.busy=60; may be given several "
        "times, and wins over the file.",
    ),
]


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name shown to people.")],
    trunk: Annotated[
        str | None,
        typer.Option(help="Name of the trunk to call over; may be left out when there is one."),
    ] = None,
    mode: Annotated[
        CampaignMode | None,
        typer.Option(
            help="single_day stops when its day's hours are over, multi_day goes on the next "
            "working day, always_on never completes by itself.",
            show_default="single_day",
        ),
    ] = None,
    like: Annotated[
        Kind | None,
        typer.Option(help="Begin with the defaults of a kind of campaign, and keep to its limits."),
    ] = None,
    method: Annotated[
        DialMethod | None,
        typer.Option(
            help="How calls and agents come together; further settings of agents with --set "
            "agents.NAME=VALUE.",
            show_default="unattended: no agents",
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help=f"When it starts at the earliest: {WRITTEN}.")
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(help="When it ends, done or not; written so too, a date means its end."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Calls at the same time at most.", show_default="50")
    ] = None,
    ring_timeout_s: Annotated[
        int | None, typer.Option(help="Seconds a call may ring.", show_default="30")
    ] = None,
    max_attempts: Annotated[
        int | None,
        typer.Option(help="Calls to one contact at most, the first included.", show_default="3"),
    ] = None,
    retry_delay_s: Annotated[
        int | None,
        typer.Option(help="Seconds from the end of a call to the next one.", show_default="1800"),
    ] = None,
    retry_on: Annotated[
        list[str] | None,
        typer.Option(
            help="Call again after this result; several times for several, or with commas, or "
            f"'none'. One of {', '.join(RETRYABLE)}."
        ),
    ] = None,
    window_start: Annotated[
        str | None,
        typer.Option(help="From when calls are placed, local time.", show_default="09:00"),
    ] = None,
    window_end: Annotated[
        str | None,
        typer.Option(help="Until when; the same as the start: all day.", show_default="18:00"),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(help="Time zone of these hours: Europe/Paris.", show_default="UTC"),
    ] = None,
    weekdays: Annotated[
        str | None,
        typer.Option(help="Days, such as mon-fri or mon,wed,sat.", show_default="mon-sat"),
    ] = None,
    holidays: Annotated[
        list[str] | None,
        typer.Option(
            help="Rest on the public holidays of this country or part of one (FR, US-CA); "
            "several times for several, or with commas."
        ),
    ] = None,
    legal: Annotated[
        list[str] | None,
        typer.Option(
            help="A legal preset that holds (see `callcamp legal list`); several times for "
            "several, the strictest wins."
        ),
    ] = None,
    number: Annotated[
        list[str] | None,
        typer.Option(help="An outbound number to call from; several times for a pool."),
    ] = None,
    rotation: Annotated[
        Rotation | None,
        typer.Option(
            help="How a number of the pool is chosen: even, the same one for a contact, or "
            "one local to it.",
            show_default="even",
        ),
    ] = None,
    success: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="When a conversation is a success: 'talk_seconds > 20'; several times for "
            "several. Left out: answered by a person.",
        ),
    ] = None,
    success_match: Annotated[
        Match | None,
        typer.Option(help="Whether all of these have to hold, or any.", show_default="all"),
    ] = None,
    default_region: Annotated[
        str | None,
        typer.Option(help="Country of numbers written without one: US, GB, FR.", show_default="US"),
    ] = None,
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
        bool | None,
        typer.Option(help="Tell machines from people when a call is answered.", show_default="yes"),
    ] = None,
    description: Annotated[str | None, typer.Option(help="Free text.")] = None,
    settings_file: SettingsOption = None,
    assignments: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Create a campaign as a draft; import contacts next, then start it.

    What --like says is overridden by a settings file, that by options, and these by --set.
    """
    options: dict[str, Any] = {
        "mode": mode,
        "agents": {"method": method},
        "concurrency": concurrency,
        "ring_timeout_s": ring_timeout_s,
        "retry": {
            "max_attempts": max_attempts,
            "delay_s": retry_delay_s,
            "retry_on": None if retry_on is None else given.dispositions(retry_on),
        },
        "window": {
            "start": given.clock("window_start", window_start),
            "end": given.clock("window_end", window_end),
            "zone": zone,
            "weekdays": weekdays,
        },
        "holidays": given.listed(holidays, str.upper),
        "legal": given.listed(legal),
        "pool": {"rotation": rotation},
        "success": {
            "match": success_match,
            "conditions": None if success is None else [given.condition(one) for one in success],
        },
        "default_region": default_region and default_region.upper(),
        "caller_id": caller_id,
        "prompt": prompt,
        "machine_message": machine_message,
        "detect_machines": detect_machines,
        "description": description,
    }
    from_file = given.read_settings(settings_file)
    sets = given.assigned(assignments)

    async def work(commands: Commands) -> Shown:
        names_trunk = trunk is None and ("trunk_id" in from_file or "trunk_id" in sets)
        trunk_id = 0 if names_trunk else _choose_trunk(await commands.trunks(), trunk).id
        settings = CampaignSettings(name=name, trunk_id=trunk_id)
        if like is not None:
            settings = campaign_like(like, settings)
        # The name on the command line and the trunk named there win over the file's.
        kept = {"name": name} | ({} if names_trunk else {"trunk_id": trunk_id})
        for layer in ({**from_file, **kept}, given.without_gaps(options), sets):
            settings = settings_from_dict(layer, settings)
        settings = given.with_numbers(settings, number)
        settings = given.with_dates(settings, start, end)
        if like is not None:
            limits_of(like, load_settings(session(context).config).limits).check(settings)
        return await look_at(commands, (await commands.create_campaign(settings)).id)

    shown = with_commands(context, work, json=json)
    campaign = shown.campaign
    if json:
        emit_json(campaign_as_dict(shown))
    else:
        say(f"Campaign {campaign.id} is created as a draft.")
        note(f"Next: callcamp contacts import {campaign.id} FILE")


def edit(
    context: typer.Context,
    campaign_id: IdArgument,
    assignments: SetOption = None,
    settings_file: SettingsOption = None,
    version: Annotated[
        int | None,
        typer.Option(
            help="The version that you have seen; it fails when somebody changed the settings "
            "since."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Change settings of a draft or paused campaign, and say what changed."""
    from_file = given.read_settings(settings_file)
    sets = given.assigned(assignments)
    if not from_file and not sets:
        raise InvalidInput(
            "There is nothing to change; give --set PATH=VALUE or --settings FILE.", field="set"
        )

    async def work(commands: Commands) -> tuple[Campaign, Campaign]:
        before = (await commands.stats(campaign_id)).campaign
        settings = settings_from_dict(sets, settings_from_dict(from_file, before.settings))
        if settings == before.settings and version in {None, before.version}:
            return before, before
        expected = before.version if version is None else version
        return before, await commands.change_settings(
            campaign_id, settings, expected_version=expected
        )

    before, after = with_commands(context, work, json=json)
    changes = changes_between(before.settings, after.settings)
    if json:
        emit_json({"id": campaign_id, "version": after.version, "changes": changes})
    elif not changes:
        say("Nothing is changed.")
    else:
        say(f"Campaign {campaign_id} has version {after.version} of its settings now.")
        given.show_changes(changes)


def _choose_trunk(trunks: list[Trunk], name: str | None) -> Trunk:
    if name is None and len(trunks) == 1:
        return trunks[0]
    for trunk in trunks:
        if trunk.name == name:
            return trunk
    known = ", ".join(t.name for t in trunks) or "none; add one with `callcamp trunk set`"
    what = "Say which trunk, with --trunk" if name is None else f"There is no trunk {name!r}"
    raise InvalidInput(f"{what}. Trunks: {known}.", field="trunk", value=name)
