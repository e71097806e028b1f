"""``callcamp token``: what programs show to use the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from callcamp.cli.output import emit_json, note, plain, say, table, when
from callcamp.cli.people import with_access
from callcamp.cli.session import JsonOption
from callcamp.core.permissions import TokenScope
from callcamp.engine.access import Access
from callcamp.ports import ApiToken

app = typer.Typer(help="Tokens: what programs show to use the API.", no_args_is_help=True)


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name to tell it by, such as the program's.")],
    scope: Annotated[
        list[TokenScope], typer.Option(help="What it may do; may be given several times.")
    ],
    expires_days: Annotated[
        int | None,
        typer.Option(help="Days that it holds; left out: until revoked.", min=1, max=3650),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Account that it belongs to, and may do no more than; left out: none."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a token and print it, which happens only once."""
    expires_at = None if expires_days is None else datetime.now(UTC) + timedelta(days=expires_days)

    async def work(access: Access) -> tuple[str, ApiToken]:
        owner = None if user is None else (await access.user_named(user)).id
        return await access.create_token(owner, name, scope, expires_at)

    secret, token = with_access(context, work, json=json)
    if json:
        emit_json({**plain(token), "token": secret})
    else:
        say(secret)
        note("Keep it now: it is not shown again. Programs send it as `Authorization: Bearer …`.")


@app.command("list")
def list_tokens(context: typer.Context, json: JsonOption = False) -> None:
    """List the tokens, newest first; what they are themselves is kept nowhere."""

    async def work(access: Access) -> tuple[list[ApiToken], dict[int, str]]:
        return await access.tokens(), {user.id: user.name for user in await access.users()}

    found, names = with_access(context, work, json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No tokens; `callcamp token create` makes one.")
    else:
        now = datetime.now(UTC)
        table(
            ("ID", "NAME", "BEGINS WITH", "MAY", "OF", "STATE", "UNTIL", "LAST USED"),
            (
                (
                    token.id,
                    token.name,
                    token.prefix,
                    ", ".join(sorted(token.scopes)),
                    "–" if token.user_id is None else names.get(token.user_id, "?"),
                    _state(token, now),
                    when(token.expires_at),
                    when(token.last_used_at),
                )
                for token in found
            ),
        )


@app.command()
def revoke(
    context: typer.Context,
    token: Annotated[int, typer.Argument(help="ID of the token, see `callcamp token list`.")],
    json: JsonOption = False,
) -> None:
    """Revoke a token: from now on it opens nothing."""
    with_access(context, lambda access: access.revoke_token(token), json=json)
    if json:
        emit_json({"id": token, "revoked": True})
    else:
        say(f"Token {token} is revoked.")


def _state(token: ApiToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is not None and token.expires_at <= now:
        return "expired"
    return "holds"
