"""``callcamp contacts add``, ``exclude``, ``review`` and so on: single contacts of a campaign."""

from __future__ import annotations

from typing import Annotated

import typer

from callcamp.cli.contacts import CampaignArgument
from callcamp.cli.given import named_values
from callcamp.cli.instants import shown_in
from callcamp.cli.output import count, emit_json, say, table
from callcamp.cli.session import JsonOption, ask, with_commands, with_store
from callcamp.core.model import Contact
from callcamp.core.reasons import Reason
from callcamp.core.states import ContactStatus
from callcamp.engine.commands import Commands, RawContact
from callcamp.errors import InvalidInput
from callcamp.ports import AddResult, OnDuplicate, Store

PhoneArgument = Annotated[str, typer.Argument(help="Number of the contact.")]
_PAGE = 1000


def add(
    context: typer.Context,
    campaign_id: CampaignArgument,
    phones: Annotated[
        list[str],
        typer.Argument(help="Numbers of new contacts, with + or as in the campaign's country."),
    ],
    variables: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A variable of them all; repeatable."),
    ] = None,
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--other", help="A further number of one contact, tried after it; repeatable."
        ),
    ] = None,
    on_duplicate: Annotated[
        OnDuplicate,
        typer.Option(help="What to do with a number that the campaign has already."),
    ] = OnDuplicate.SKIP,
    json: JsonOption = False,
) -> None:
    """Add contacts to a draft, or to an Always-on campaign while it runs."""
    values = named_values(variables or [])
    if others and len(phones) > 1:
        raise InvalidInput("--other is for one contact; add them one by one.", field="other")
    raw = [RawContact(phone, values, tuple(others or ())) for phone in phones]
    result = with_commands(
        context, lambda commands: commands.add_contacts(campaign_id, raw, on_duplicate), json=json
    )
    if json:
        emit_json(result)
    else:
        say(_added(result))


def _added(result: AddResult) -> str:
    parts = [f"Added {count(result.added, 'contact')}"]
    for number, words in (
        (result.duplicates, "were there already"),
        (result.updated, "were there and are updated"),
        (result.reopened, "are to be called again"),
        (result.suppressed, "of the new ones must not be called and are skipped"),
    ):
        if number:
            parts.append(f"{number:,} {words}")
    return "; ".join(parts) + "."


def list_contacts(
    context: typer.Context,
    campaign_id: CampaignArgument,
    status: Annotated[ContactStatus | None, typer.Option(help="Only these.")] = None,
    reason: Annotated[
        Reason | None,
        typer.Option(
            metavar="REASON", help="Only those that wait or were skipped for this reason."
        ),
    ] = None,
    after: Annotated[int, typer.Option(metavar="ID", help="Only contacts with a higher id.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Contacts at most.")] = 100,
    json: JsonOption = False,
) -> None:
    """List contacts of a campaign by id, with what they wait for."""

    async def work(store: Store) -> tuple[str, list[Contact]]:
        zone = (await store.campaign(campaign_id)).settings.window.zone
        found: list[Contact] = []
        last = after
        while len(found) < limit:
            page = await store.contacts(
                campaign_id, status=status, hold=reason, after_id=last, limit=_PAGE
            )
            found += page
            if len(page) < _PAGE:
                break
            last = page[-1].id
        return zone, found[:limit]

    zone, found = with_store(context, work, json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No contacts.")
    else:
        table(
            ("ID", "PHONE", "STATUS", "WAITS FOR", "DUE", "CALLS", "LAST RESULT", "PLACE"),
            (
                (
                    contact.id,
                    ", ".join(contact.numbers),
                    contact.status.value,
                    contact.hold.value if contact.hold else "–",
                    shown_in(zone, contact.due_at),
                    contact.attempts,
                    contact.disposition.value if contact.disposition else "–",
                    contact.place or "–",
                )
                for contact in found
            ),
        )


def exclude(
    context: typer.Context,
    campaign_id: CampaignArgument,
    phone: PhoneArgument,
    reason: Annotated[
        str, typer.Option(help="Why, for the record.")
    ] = "excluded on the command line",
    json: JsonOption = False,
) -> None:
    """Exclude a contact from this campaign; a call in progress goes on to its end."""

    async def work(commands: Commands) -> Contact:
        return await commands.exclude(await commands.contact(campaign_id, phone), reason)

    _print_contact(with_commands(context, work, json=json), "is excluded", json=json)


def delete(
    context: typer.Context,
    campaign_id: CampaignArgument,
    phone: PhoneArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Delete a contact and its data; the records of its calls stay."""

    async def work(commands: Commands) -> Contact:
        contact = await commands.contact(campaign_id, phone)
        if not yes:
            ask(f"Delete {contact.phone} from campaign {campaign_id}?")
        await commands.delete_contact(contact)
        return contact

    contact = with_commands(context, work, json=json)
    if json:
        emit_json({"id": contact.id, "phone": contact.phone, "deleted": True})
    else:
        say(f"{contact.phone} is deleted.")


def review(
    context: typer.Context,
    campaign_id: CampaignArgument,
    phone: PhoneArgument,
    zone: Annotated[
        str | None, typer.Option(help="Time zone where the contact is: Europe/Paris.")
    ] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Leave the contact out instead.")] = False,
    json: JsonOption = False,
) -> None:
    """Say where a contact is that cannot be placed, or leave it out."""
    if (zone is None) is not skip:
        raise InvalidInput("Give either --zone or --skip.", field="zone", value=zone)

    async def work(commands: Commands) -> Contact:
        return await commands.review(await commands.contact(campaign_id, phone), zone)

    words = "is skipped" if skip else f"is in {zone}"
    _print_contact(with_commands(context, work, json=json), words, json=json)


def _print_contact(contact: Contact, words: str, *, json: bool) -> None:
    if json:
        emit_json(contact)
        return
    reason = f", {contact.hold.value}" if contact.hold else ""
    say(f"{contact.phone} {words} ({contact.status.value}{reason}).")
