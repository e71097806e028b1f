"""``callcamp campaign start``, ``pause`` and so on: a campaign goes from state to state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated

import typer

from callcamp.cli.campaign_show import IdArgument, Shown, campaign_as_dict, look_at
from callcamp.cli.instants import shown_in
from callcamp.cli.output import count, emit_json, note, say
from callcamp.cli.session import JsonOption, with_commands
from callcamp.core.model import Campaign, ContactChoice
from callcamp.core.outcome import Disposition
from callcamp.core.states import CampaignStatus, ContactStatus
from callcamp.engine.commands import Commands
from callcamp.errors import InvalidInput

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def start(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Start a draft, or queue it until its start date; `callcamp serve` places its calls."""
    _step(context, lambda commands: commands.start(campaign_id), json=json)


def pause(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Place no new calls; calls in progress go on to their end."""
    _step(context, lambda commands: commands.pause(campaign_id), json=json)


def resume(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Go on after a pause."""
    _step(context, lambda commands: commands.resume(campaign_id), json=json)


def complete(
    context: typer.Context,
    campaign_id: IdArgument,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Complete a campaign now; contacts still waiting are canceled, failed ones can be retried."""
    if not yes:
        _ask(context, campaign_id, "Contacts still waiting are canceled.", "Complete it?", json)
    _step(context, lambda commands: commands.complete(campaign_id), json=json)


def stop(
    context: typer.Context,
    campaign_id: IdArgument,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """End a campaign for good; contacts still waiting are canceled."""
    if not yes:
        warning = "A stopped campaign cannot be started again."
        _ask(context, campaign_id, warning, "Stop it?", json)
    _step(context, lambda commands: commands.stop(campaign_id), json=json)


def cancel(
    context: typer.Context,
    campaign_id: IdArgument,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """The same as stop; also for a draft that is not wanted any more."""
    stop(context, campaign_id, yes, json)


def remove(
    context: typer.Context,
    campaign_id: IdArgument,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Delete a campaign that never started, with its contacts; the audit keeps that it was."""
    if not yes:
        warning = "It is deleted with its contacts, and nobody can bring it back."
        _ask(context, campaign_id, warning, "Delete it?", json)
    with_commands(context, lambda commands: commands.delete_campaign(campaign_id), json=json)
    if json:
        emit_json({"id": campaign_id, "deleted": True})
    else:
        say(f"Deleted campaign {campaign_id}.")


class Which(StrEnum):
    """Which contacts a copy gets."""

    NONE = "none"
    ALL = "all"
    FAILED = "failed"
    SUCCESS = "success"
    NO_SUCCESS = "no-success"


_CHOICES = {
    Which.NONE: None,
    Which.ALL: ContactChoice(),
    Which.FAILED: ContactChoice(statuses=frozenset({ContactStatus.FAILED})),
    Which.SUCCESS: ContactChoice(success=True),
    Which.NO_SUCCESS: ContactChoice(success=False),
}


def clone(
    context: typer.Context,
    campaign_id: IdArgument,
    name: Annotated[
        str | None, typer.Option(help="Name of the copy; left out: the old one and '(copy)'.")
    ] = None,
    contacts: Annotated[
        Which | None,
        typer.Option(
            help="Which contacts come along, fresh. Left out: none, or those of --status and "
            "--disposition."
        ),
    ] = None,
    status: Annotated[
        list[ContactStatus] | None,
        typer.Option(help="Only contacts in this state; several times for several."),
    ] = None,
    disposition: Annotated[
        list[Disposition] | None,
        typer.Option(help="Only contacts whose last call ended so; several times for several."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Copy a campaign into a fresh draft: its settings without dates, and chosen contacts."""
    choice = _choice(contacts, status, disposition)

    async def work(commands: Commands) -> Shown:
        return await look_at(commands, (await commands.clone(campaign_id, name, choice)).id)

    shown = with_commands(context, work, json=json)
    if json:
        emit_json(campaign_as_dict(shown))
    else:
        total = count(shown.stats.counts.total, "contact")
        say(f"Campaign {shown.campaign.id} is created as a draft, with {total}.")


def _choice(
    contacts: Which | None,
    statuses: list[ContactStatus] | None,
    dispositions: list[Disposition] | None,
) -> ContactChoice | None:
    if not statuses and not dispositions:
        return _CHOICES[contacts or Which.NONE]
    if contacts not in {None, Which.ALL}:
        raise InvalidInput(
            f"--contacts {contacts} says already which; give it without --status and "
            "--disposition.",
            field="contacts",
            value=contacts,
        )
    return ContactChoice(
        statuses=frozenset(statuses) if statuses else None,
        dispositions=frozenset(dispositions) if dispositions else None,
    )


def retry_failed(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Re-open a completed campaign for its failed contacts only."""

    async def work(commands: Commands) -> tuple[Shown, int]:
        _campaign, reopened = await commands.retry_failed(campaign_id)
        return await look_at(commands, campaign_id), reopened

    shown, reopened = with_commands(context, work, json=json)
    if json:
        emit_json({**campaign_as_dict(shown), "reopened": reopened})
    else:
        say(f"Campaign {campaign_id} is {shown.campaign.status.value} for {_failed(reopened)}.")


def _failed(number: int) -> str:
    return count(number, "failed contact")


def _ask(context: typer.Context, campaign_id: int, warning: str, question: str, json: bool) -> None:
    stats = with_commands(context, lambda commands: commands.stats(campaign_id), json=json)
    waiting = stats.counts.total - stats.counts.done
    note(
        f"Campaign {campaign_id}, {stats.campaign.settings.name}: {count(waiting, 'contact')} "
        f"to call. {warning}",
        "",
    )
    typer.confirm(question, abort=True, err=True)


def _step(
    context: typer.Context, step: Callable[[Commands], Awaitable[Campaign]], *, json: bool
) -> None:
    async def work(commands: Commands) -> Shown:
        return await look_at(commands, (await step(commands)).id)

    shown = with_commands(context, work, json=json)
    campaign = shown.campaign
    if json:
        emit_json(campaign_as_dict(shown))
    elif campaign.status is CampaignStatus.QUEUED:
        starts = shown_in(campaign.settings.window.zone, campaign.settings.starts_at)
        say(f"Campaign {campaign.id} is queued until {starts}.")
    else:
        say(f"Campaign {campaign.id} is {campaign.status.value}.")
