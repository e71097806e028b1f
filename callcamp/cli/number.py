"""``callcamp number``: the numbers that calls are placed from."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from callcamp.cli.output import emit_json, say, share, table, when
from callcamp.cli.records import RegionOption, with_lists
from callcamp.cli.session import JsonOption

if TYPE_CHECKING:
    from callcamp.core.gate import OutboundNumber
    from callcamp.engine.lists import Lists

app = typer.Typer(help="Outbound numbers: what callees see, caps and rest.", no_args_is_help=True)
PhoneArgument = Annotated[str, typer.Argument(help="Number.")]


@app.command("set")
def set_number(
    context: typer.Context,
    phone: PhoneArgument,
    label: Annotated[str | None, typer.Option(help="Words for people.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether it may be used.")
    ] = None,
    daily_cap: Annotated[
        int | None, typer.Option(help="Calls a day at most, over all campaigns; 0: no cap.")
    ] = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Add an outbound number, or change it; what is left out stays as it is."""
    number = with_lists(
        context,
        lambda lists: lists.save_number(
            phone, region=region, label=label, active=active, daily_cap=daily_cap
        ),
        json=json,
    )
    if json:
        emit_json(number)
    else:
        cap = f"{number.daily_cap:,} calls a day at most" if number.daily_cap else "no daily cap"
        say(f"{number.phone} is {'active' if number.active else 'inactive'}, {cap}.")


@app.command("list")
def list_numbers(context: typer.Context, json: JsonOption = False) -> None:
    """List the outbound numbers, how they are used, and which rest."""
    found = with_lists(context, lambda lists: lists.numbers(), json=json)
    if json:
        emit_json({"items": [{**asdict(s.number), "use": s.use} for s in found]})
    elif not found:
        say("No outbound numbers; add one with `callcamp number set`.")
    else:
        table(
            ("NUMBER", "LABEL", "ACTIVE", "TODAY", "CAP", "CALLS", "ANSWERED", "RESTS UNTIL"),
            (
                (
                    s.number.phone,
                    s.number.label,
                    "yes" if s.number.active else "no",
                    s.use.today,
                    s.number.daily_cap or "–",
                    s.use.calls,
                    share(s.answer_rate),
                    when(s.number.resting_until) if s.resting else "–",
                )
                for s in found
            ),
        )


@app.command()
def rest(
    context: typer.Context,
    phone: PhoneArgument,
    hours: Annotated[float, typer.Option(min=0.1, max=24 * 365, help="For how many hours.")] = 24.0,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Have a number rest: no calls are placed from it for some time."""
    from callcamp.engine.commands import utc_now

    async def work(lists: Lists) -> OutboundNumber:
        return await lists.rest_number(
            phone, until=utc_now() + timedelta(hours=hours), region=region
        )

    number = with_lists(context, work, json=json)
    if json:
        emit_json(number)
    else:
        say(f"{number.phone} rests until {when(number.resting_until)}.")


@app.command()
def wake(
    context: typer.Context,
    phone: PhoneArgument,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """End the rest of a number, and count its calls and answers anew."""
    number = with_lists(context, lambda lists: lists.wake_number(phone, region=region), json=json)
    if json:
        emit_json(number)
    else:
        say(f"{number.phone} may be used again.")


@app.command()
def remove(
    context: typer.Context,
    phone: PhoneArgument,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Delete an outbound number that no campaign has in its pool."""
    number = with_lists(context, lambda lists: lists.delete_number(phone, region=region), json=json)
    if json:
        emit_json({"phone": number, "deleted": True})
    else:
        say(f"Deleted the outbound number {number}.")
