"""``callcamp call``: one call, and what is learnt of it after its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from callcamp.cli.given import as_json, named_values
from callcamp.cli.instants import WRITTEN, read_instant
from callcamp.cli.output import emit_json, note, pairs, say, when
from callcamp.cli.session import JsonOption, with_commands, with_store
from callcamp.core.outcome import MEANING
from callcamp.errors import InvalidInput
from callcamp.ports import Store

app = typer.Typer(help="Calls: show one, say how it went.", no_args_is_help=True)
AttemptArgument = Annotated[str, typer.Argument(help="Id of the call.")]


@app.command()
def show(context: typer.Context, attempt_id: AttemptArgument, json: JsonOption = False) -> None:
    """Show one call: its times, how it ended, and what decided about it."""
    attempt = with_store(context, lambda store: store.attempt(attempt_id), json=json)
    if json:
        emit_json(attempt)
        return
    ended = "–" if attempt.disposition is None else MEANING[attempt.disposition].text
    success = _verdict(attempt.success)
    pairs(
        {
            "Call": attempt.id,
            "Campaign": f"{attempt.campaign_id}, settings version {attempt.settings_version}",
            "Contact": f"{attempt.contact_id}, call {attempt.ordinal}",
            "Number": attempt.number,
            "Called from": attempt.caller_number or "–",
            "Status": attempt.status.value,
            "Claimed": when(attempt.claimed_at),
            "Dialled": when(attempt.dialed_at),
            "Rang": when(attempt.rang_at),
            "Answered": when(attempt.answered_at),
            "Ended": when(attempt.ended_at),
            "Disposition": ended,
            "Outcome": attempt.outcome or "–",
            "Success": success + (f" ({attempt.decided_by})" if attempt.decided_by else ""),
            "Refused further calls": "yes" if attempt.refused else "no",
            "Then": attempt.rule or "–",
            "Variables": _words(attempt.variables),
            "Evidence": _words(attempt.evidence),
            "Gate": _words(attempt.gate),
        }
    )


def _verdict(success: bool | None) -> str:
    if success is None:
        return "–"
    return "yes" if success else "no"


def _words(values: Mapping[str, Any]) -> str:
    shown = (f"{k}={v if isinstance(v, str) else as_json(v)}" for k, v in values.items())
    return ", ".join(shown) or "–"


@app.command()
def outcome(
    context: typer.Context,
    attempt_id: AttemptArgument,
    name: Annotated[
        str | None,
        typer.Argument(help="Custom disposition, see `callcamp outcome list`."),
    ] = None,
    callback_at: Annotated[str | None, typer.Option(help=f"When to call back: {WRITTEN}.")] = None,
    variables: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A variable to keep with the call; repeatable."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say how an ended call went; the rules then decide anew about its contact."""
    values = named_values(variables or [])
    if name is None and callback_at is None and not values:
        raise InvalidInput(
            "Nothing is said of the call; give a disposition, --callback-at or --set NAME=VALUE.",
            field="outcome",
            value=None,
        )

    at = None
    if callback_at is not None:
        at = with_store(
            context, lambda store: _callback_at(store, attempt_id, callback_at), json=json
        )
    attempt = with_commands(
        context,
        lambda commands: commands.set_outcome(
            attempt_id, outcome=name, callback_at=at, variables=values, source="cli"
        ),
        json=json,
    )
    if name is not None:
        known = with_store(context, lambda store: store.outcomes(), json=json)
        if name not in {one.name for one in known}:
            note(
                f"Note: {name} is no custom disposition (`callcamp outcome list`), so it is no "
                "refusal; only settings of the campaign that name it heed it."
            )
    if json:
        emit_json(attempt)
    else:
        say(
            f"Call {attempt.id} has the outcome {attempt.outcome or '–'}. "
            f"Decided by: {attempt.rule or '–'}."
        )


async def _callback_at(store: Store, attempt_id: str, written: str) -> datetime:
    campaign = await store.campaign((await store.attempt(attempt_id)).campaign_id)
    return read_instant("callback_at", written, campaign.settings.window.zone)
