"""``callcamp campaign forecast``: what a campaign would do, before it starts."""

from __future__ import annotations

from typing import Annotated

import typer

from callcamp.cli.campaign_show import IdArgument
from callcamp.cli.instants import shown_in
from callcamp.cli.output import emit_json, note, pairs, say, share, table
from callcamp.cli.session import JsonOption, with_commands
from callcamp.core.reasons import REASON_MEANING
from callcamp.engine.commands import Commands
from callcamp.engine.forecast import Forecast, Range


def forecast(
    context: typer.Context,
    campaign_id: IdArgument,
    agents: Annotated[
        int | None, typer.Option(help="For how many agents. Left out: those of the campaign.")
    ] = None,
    answer_rate: Annotated[
        float | None,
        typer.Option(help="Share of calls that a person answers. Left out: measured, or assumed."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 1,
    json: JsonOption = False,
) -> None:
    """Simulate the campaign: whom it would call, when it ends, calls per hour, abandoned calls."""

    async def work(commands: Commands) -> Forecast:
        return await commands.forecasts.forecast(
            campaign_id, agents=agents, answer_rate=answer_rate, seed=seed
        )

    told = with_commands(context, work, json=json)
    if json:
        emit_json(told.as_dict())
    else:
        _show(told)


def _show(told: Forecast) -> None:
    zone = told.campaign.settings.window.zone
    earliest, likely, latest = told.ends
    rows: dict[str, object] = {
        "Contacts": f"{told.total:,}, of which {told.to_call:,} would be called",
        "Begins": shown_in(zone, told.begins_at),
    }
    if told.seeds:
        rows["Ends"] = (
            f"{shown_in(zone, likely)} ({shown_in(zone, earliest)} to {shown_in(zone, latest)})"
            if likely
            else f"does not get through: {told.left.likely:,.0f} contacts are left"
        )
        rows["Calls"] = f"{_span(told.calls)}, {_span(told.calls_per_hour)} an hour"
    if told.agents is not None:
        rows["Agents"] = told.agents
    if told.abandoned and told.occupancy:
        rows["Abandoned"] = f"{share(told.abandoned.low)} to {share(told.abandoned.high)}"
        rows["Occupancy"] = f"{share(told.occupancy.low)} to {share(told.occupancy.high)}"
    for name, one in told.history.figures.items():
        value = share(one.value) if name in {"answer_rate", "retry_share"} else f"{one.value:.1f} s"
        rows[_WORDS[name]] = f"{value}, {one.basis}"
    pairs(rows)
    if told.excluded:
        say("")
        found = sorted(told.excluded.items(), key=lambda row: (-row[1], row[0]))
        table(
            ("CONTACTS", "REASON", "NOT CALLED BECAUSE"),
            [(n, reason.value, REASON_MEANING[reason].text) for reason, n in found],
        )
    if told.scaled < 1:
        note(f"Simulated with {share(told.scaled)} of the contacts, and scaled up.")
    for sentence in told.notes:
        note(sentence)


_WORDS = {
    "answer_rate": "Answer rate",
    "ring_s": "Ring time",
    "talk_s": "Talk time",
    "other_end_s": "Unanswered",
    "wrap_up_s": "Wrap-up",
    "retry_share": "Called again",
}


def _span(values: Range) -> str:
    low, high = round(values.low), round(values.high)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
