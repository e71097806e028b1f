"""``callcamp campaign why``: why is nothing dialling, or why not this contact?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from callcamp.cli.campaign_show import IdArgument
from callcamp.cli.instants import WRITTEN, read_instant, shown_in
from callcamp.cli.output import count, emit_json, pairs, say, table
from callcamp.cli.session import JsonOption, with_commands
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.engine.commands import Commands
from callcamp.engine.why import CampaignWhy, ContactWhy

_Clock = Callable[[datetime | None], str]


def why(
    context: typer.Context,
    campaign_id: IdArgument,
    contact: Annotated[
        str | None, typer.Option(metavar="PHONE", help="Only this contact, by its number.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help=f"As if it were then: {WRITTEN}. Left out: now.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say why contacts are not called, until when, and what could be changed."""

    async def work(commands: Commands) -> tuple[str, CampaignWhy | ContactWhy]:
        zone = (await commands.stats(campaign_id)).campaign.settings.window.zone
        instant = None if at is None else read_instant("at", at, zone)
        if contact is None:
            return zone, await commands.why.campaign(campaign_id, instant)
        found = await commands.contact(campaign_id, contact)
        return zone, await commands.why.contact(found, instant)

    zone, answer = with_commands(context, work, json=json)
    if json:
        emit_json(answer.as_dict())
        return
    clock: _Clock = lambda instant: shown_in(zone, instant)  # noqa: E731 - a zone, applied
    if isinstance(answer, CampaignWhy):
        _print_campaign(answer, clock, asked=at is not None)
    else:
        _print_contact(answer, clock, asked=at is not None)


def _print_campaign(answer: CampaignWhy, clock: _Clock, *, asked: bool) -> None:
    say(campaign_sentence(answer, clock, asked=asked))
    told = answer.explanation
    rows = [
        (held.count, reason.value, clock(held.until), REASON_MEANING[reason].text)
        for reason, held in told.reasons.items()
    ]
    if told.planned:
        rows.append((told.planned, "–", clock(told.at), "would be called"))
    if rows:
        say("")
        rows.sort(key=lambda row: (-row[0], row[1]))
        table(("CONTACTS", "REASON", "NEXT", "BECAUSE"), rows)


def campaign_sentence(answer: CampaignWhy, clock: _Clock, *, asked: bool) -> str:
    """Return what holds a campaign back in one sentence, and what could be done.

    Args:
        answer: the answer.
        clock: shows an instant.
        asked: whether it is for an instant that somebody asked for, and not for now.
    """
    told, plan = answer.explanation, answer.explanation.plan
    then = f"At {clock(told.at)} " if asked else ""
    verb = "would be called" if asked else "is called"
    because = "" if plan.hold is None else f" because {_because(plan.hold, plan.until, clock)}"
    if told.planned:
        who = f"{then}{count(told.planned, 'contact')} would be called"
        return f"{who}; not more,{because}.{_advice(told.change)}" if because else f"{who}."
    nothing = f"{then}nothing {verb}" if then else f"Nothing {verb}"
    return f"{nothing}{because}.{_advice(told.change)}"


def _because(reason: Reason, until: datetime | None, clock: _Clock) -> str:
    text = REASON_MEANING[reason].text
    return text if until is None else f"{text}, until {clock(until)}"


def _advice(change: str) -> str:
    if not change:
        return ""
    if change.startswith("Nothing to do"):
        return f" {change}"
    return f" You could: {change[0].lower()}{change[1:]}"


def _print_contact(answer: ContactWhy, clock: _Clock, *, asked: bool) -> None:
    say(contact_sentence(answer, clock, asked=asked))
    contact = answer.contact
    say("")
    pairs(
        {
            "Status": contact.status.value,
            "Place": contact.place or "not known",
            "Calls": contact.attempts,
            "Last result": contact.disposition.value if contact.disposition else "–",
            "Due": clock(contact.due_at),
            "Callback": clock(contact.callback_at),
        }
    )


def contact_sentence(answer: ContactWhy, clock: _Clock, *, asked: bool) -> str:
    """Return why one contact is not called in one or two sentences; see `campaign_sentence`."""
    told, phone = answer.answer, answer.contact.phone
    then = f"At {clock(told.at)} " if asked else ""
    if told.reason is None:
        return f"{then}{phone} would be called."
    verb = "would not be called" if asked else "is not called"
    because = _because(told.reason, told.until, clock)
    sentence = (
        f"{then}{phone} {verb} because {because}.{_advice(REASON_MEANING[told.reason].change)}"
    )
    if told.also is not None and told.also is not told.reason:
        sentence += f" Besides, {REASON_MEANING[told.also].text}."
    return sentence
