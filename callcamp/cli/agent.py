"""``callcamp agent``: who talks to contacts, for which campaigns, and what they did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from callcamp.cli.agent_phones import phones
from callcamp.cli.instants import read_instant
from callcamp.cli.output import count, emit_json, note, pairs, say, share, table
from callcamp.cli.records import RegionOption
from callcamp.cli.session import JsonOption, ask, over_store
from callcamp.core.agents import Agent, AgentState, PhoneKind
from callcamp.core.wording import in_hours
from callcamp.engine.clock import utc_now

if TYPE_CHECKING:
    from callcamp.engine.agents.roster import Roster, WorkRow

T = TypeVar("T")
app = typer.Typer(help="Agents: people who talk to contacts.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name of the agent.")]
NamesArgument = Annotated[list[str], typer.Argument(help="Names of agents.")]
CampaignArgument = Annotated[int, typer.Argument(metavar="ID", help="Number of the campaign.")]
PhoneOption = Annotated[
    PhoneKind | None,
    typer.Option(
        "--phone",
        help="How the agent is reached: the phone of the agent page, a desk phone registered "
        "with Asterisk, or a number that is called over a trunk.",
        show_default="browser for a new agent",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        help="PJSIP endpoint of the phone, or the number of an external phone.",
        show_default="an endpoint named after the agent",
    ),
]
TrunkOption = Annotated[
    str | None,
    typer.Option(help="Trunk over which an external number is called, when there are several."),
]
DisplayOption = Annotated[str | None, typer.Option("--display-name", help="Name for people.")]
_WRITTEN = "a date, '2026-11-25 10:00' in UTC, or 2026-11-25T10:00:00Z"


def with_roster(
    context: typer.Context, work: Callable[[Roster], Awaitable[T]], *, json: bool = False
) -> T:
    """Run ``work`` with the use-cases on agents over the open store; return what it returns."""
    from callcamp.engine.agents.roster import Roster

    return over_store(
        context, lambda store, settings: work(Roster(store, settings, utc_now)), json=json
    )


@app.command()
def add(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Name of the agent's account: small letters, digits and . _ -.")
    ],
    phone: PhoneOption = None,
    address: AddressOption = None,
    trunk: TrunkOption = None,
    region: RegionOption = None,
    display_name: DisplayOption = None,
    campaign: Annotated[
        list[int] | None,
        typer.Option(help="A campaign to work for, by its number; several times for several."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Add an agent."""

    async def work(roster: Roster) -> dict[str, Any]:
        agent = await roster.save_agent(
            name,
            kind=phone,
            address=address,
            trunk=trunk,
            region=region,
            display_name=display_name,
            new=True,
        )
        for campaign_id in dict.fromkeys(campaign or []):
            await roster.add_to_campaign(campaign_id, [name])
        return await _shown(roster, agent)

    shown = with_roster(context, work, json=json)
    if json:
        emit_json(shown)
    else:
        say(f"Added the agent {name} ({_phone(shown)}).")
        if not shown["campaigns"]:
            note(f"Next: callcamp agent join ID {name}")


@app.command("list")
def list_agents(
    context: typer.Context,
    campaign: Annotated[
        int | None, typer.Option(help="Only those who may work for this campaign.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the agents by name."""

    async def work(roster: Roster) -> list[dict[str, Any]]:
        if campaign is None:
            agents = await roster.agents()
        else:
            agents = await roster.campaign_agents(campaign)
        return [await _shown(roster, agent) for agent in agents]

    found = with_roster(context, work, json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No agents; `callcamp agent add NAME` adds one.")
    else:
        table(
            ("NAME", "CALLED", "PHONE", "STATE", "CAMPAIGNS"),
            (
                (
                    one["name"],
                    one["display_name"] or "–",
                    _phone(one),
                    "active" if one["active"] else "inactive",
                    ", ".join(map(str, one["campaigns"])) or "–",
                )
                for one in found
            ),
        )


@app.command()
def show(context: typer.Context, name: NameArgument, json: JsonOption = False) -> None:
    """Show an agent."""

    async def work(roster: Roster) -> dict[str, Any]:
        return await _shown(roster, await roster.agent(name))

    shown = with_roster(context, work, json=json)
    if json:
        emit_json(shown)
    else:
        pairs(
            {
                "name": shown["name"],
                "called": shown["display_name"] or "–",
                "phone": _phone(shown),
                "state": "active" if shown["active"] else "inactive",
                "campaigns": ", ".join(map(str, shown["campaigns"])) or "none",
            }
        )


@app.command()
def change(
    context: typer.Context,
    name: NameArgument,
    phone: PhoneOption = None,
    address: AddressOption = None,
    trunk: TrunkOption = None,
    region: RegionOption = None,
    display_name: DisplayOption = None,
    active: Annotated[
        bool | None,
        typer.Option(
            "--active/--inactive", help="Let the agent log in, or not.", show_default="as it is"
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Change an agent; what is left out stays as it is."""

    async def work(roster: Roster) -> dict[str, Any]:
        agent = await roster.save_agent(
            name,
            kind=phone,
            address=address,
            trunk=trunk,
            region=region,
            active=active,
            display_name=display_name,
            new=False,
        )
        return await _shown(roster, agent)

    shown = with_roster(context, work, json=json)
    if json:
        emit_json(shown)
    else:
        state = "active" if shown["active"] else "inactive"
        say(f"The agent {name} is {state} ({_phone(shown)}).")


@app.command()
def remove(
    context: typer.Context,
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Delete an agent who has never worked; make one who has inactive instead."""
    if not yes:
        ask(f"Delete the agent {name!a}?")
    with_roster(context, lambda roster: roster.delete_agent(name), json=json)
    if json:
        emit_json({"name": name, "deleted": True})
    else:
        say(f"Deleted the agent {name}.")


@app.command()
def join(
    context: typer.Context,
    campaign_id: CampaignArgument,
    names: NamesArgument,
    json: JsonOption = False,
) -> None:
    """Let agents work for a campaign, also while it runs."""
    added = with_roster(
        context, lambda roster: roster.add_to_campaign(campaign_id, names), json=json
    )
    if json:
        emit_json({"campaign_id": campaign_id, "added": added})
    else:
        say(f"Added {count(added, 'agent')} to campaign {campaign_id}.")


@app.command()
def leave(
    context: typer.Context,
    campaign_id: CampaignArgument,
    names: NamesArgument,
    json: JsonOption = False,
) -> None:
    """Let agents not work for a campaign any more; whoever is in a call finishes it."""
    removed = with_roster(
        context, lambda roster: roster.remove_from_campaign(campaign_id, names), json=json
    )
    if json:
        emit_json({"campaign_id": campaign_id, "removed": removed})
    else:
        say(f"Removed {count(removed, 'agent')} from campaign {campaign_id}.")


@app.command()
def report(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Only this agent.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help=f"From when: {_WRITTEN}.", show_default="24 hours before the end"),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Up to when; a date means its end.", show_default="now"),
    ] = None,
    campaign: Annotated[int | None, typer.Option(help="Work for this campaign only.")] = None,
    per_campaign: Annotated[
        bool, typer.Option("--per-campaign", help="A line for every campaign of an agent.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Tell what agents did: time in every state, occupancy, calls and what came of them."""
    begin = None if since is None else read_instant("since", since, "UTC")
    end = None if until is None else read_instant("until", until, "UTC", day_end=True)

    start, stop, rows = with_roster(
        context,
        lambda roster: roster.work(
            since=begin, until=end, campaign_id=campaign, name=name, per_campaign=per_campaign
        ),
        json=json,
    )
    if json:
        emit_json({"since": start, "until": stop, "items": [row.as_dict() for row in rows]})
    elif not rows:
        say("Nobody was logged in then.")
    else:
        _show_work(rows, per_campaign=per_campaign)


def _show_work(rows: list[WorkRow], *, per_campaign: bool) -> None:
    states = (
        ("LOGGED IN", None),
        ("TALK", AgentState.TALKING),
        ("WRAP-UP", AgentState.WRAP_UP),
        ("READY", AgentState.READY),
        ("PAUSED", AgentState.PAUSED),
    )
    columns = ["NAME", *(["CAMPAIGN"] if per_campaign else []), *(name for name, _ in states)]
    table(
        [*columns, "OCCUPANCY", "CALLS", "MISSED"],
        (
            (
                row.agent.name,
                *([row.campaign] if per_campaign else []),
                *(
                    in_hours(row.work.logged_in_s if s is None else row.work.seconds.get(s, 0.0))
                    for _, s in states
                ),
                share(row.work.occupancy),
                row.work.calls,
                row.work.missed,
            )
            for row in rows
        ),
    )


async def _shown(roster: Roster, agent: Agent) -> dict[str, Any]:
    """Return an agent as ``--json`` prints it, with the campaigns by number."""
    return {
        "name": agent.name,
        "display_name": agent.display_name,
        "active": agent.active,
        "phone": {
            "kind": agent.phone.kind.value,
            "address": agent.phone.address,
            "trunk_id": agent.phone.trunk_id,
        },
        "campaigns": await roster.campaigns_of(agent.name),
    }


def _phone(shown: dict[str, Any]) -> str:
    phone = shown["phone"]
    return f"{phone['kind']} {phone['address']}"


app.command()(phones)
