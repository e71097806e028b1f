"""``callcamp user``: accounts of people."""

from __future__ import annotations

from typing import Annotated

import typer

from callcamp.cli.output import count, emit_json, say, table, when
from callcamp.cli.people import PasswordFileOption, read_password, with_access
from callcamp.cli.session import JsonOption, ask
from callcamp.core.permissions import Role
from callcamp.engine.access import Access
from callcamp.engine.access_base import as_name
from callcamp.engine.passwords import check_password
from callcamp.ports import User

app = typer.Typer(help="Accounts: who may log in, and do what.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name of the account.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
def add(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Name: small letters, digits and . _ @ -, such as ann.smith.")
    ],
    role: Annotated[Role, typer.Option(help="What the person is here.")],
    manage_campaigns: Annotated[
        bool, typer.Option("--manage-campaigns", help="Let a supervisor change campaigns.")
    ] = False,
    password_file: PasswordFileOption = None,
    json: JsonOption = False,
) -> None:
    """Add an account."""
    password = check_password(as_name(name), read_password(password_file))
    user = with_access(
        context,
        lambda access: access.add_user(
            name, password, role=role, manages_campaigns=manage_campaigns
        ),
        json=json,
    )
    if json:
        emit_json(user)
    else:
        say(f"Added the account {user.name} ({_may(user)}).")


@app.command("list")
def list_users(context: typer.Context, json: JsonOption = False) -> None:
    """List the accounts by name."""
    found = with_access(context, lambda access: access.users(), json=json)
    if json:
        emit_json({"items": found})
    elif not found:
        say("No accounts; `callcamp user add NAME --role admin` makes the first.")
    else:
        table(
            ("NAME", "ROLE", "STATE", "ONE-TIME CODES", "MADE", "LAST LOG-IN"),
            (
                (
                    user.name,
                    _may(user),
                    "active" if user.active else "inactive",
                    "asked for" if user.has_totp else "no",
                    when(user.created_at),
                    when(user.last_login_at),
                )
                for user in found
            ),
        )


@app.command()
def change(
    context: typer.Context,
    name: NameArgument,
    role: Annotated[
        Role | None, typer.Option(help="Another role.", show_default="as it is")
    ] = None,
    manage_campaigns: Annotated[
        bool | None,
        typer.Option(
            "--manage-campaigns/--no-manage-campaigns",
            help="Let a supervisor change campaigns, or not.",
            show_default="as it is",
        ),
    ] = None,
    active: Annotated[
        bool | None,
        typer.Option("--active/--inactive", help="Let it log in, or not.", show_default="as it is"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Change what an account may do; what it has open follows at once."""

    async def work(access: Access) -> User:
        user = await access.user_named(name)
        return await access.change_user(
            user.id, role=role, manages_campaigns=manage_campaigns, active=active
        )

    user = with_access(context, work, json=json)
    if json:
        emit_json(user)
    else:
        state = "active" if user.active else "inactive"
        say(f"The account {user.name} is {state} ({_may(user)}).")


@app.command()
def password(
    context: typer.Context,
    name: NameArgument,
    password_file: PasswordFileOption = None,
    json: JsonOption = False,
) -> None:
    """Give an account another password; it is logged out everywhere."""
    new = check_password(as_name(name), read_password(password_file))

    async def work(access: Access) -> User:
        user = await access.user_named(name)
        await access.reset_password(user.id, new)
        return user

    user = with_access(context, work, json=json)
    if json:
        emit_json({"name": user.name, "password_changed": True})
    else:
        say(f"The account {user.name} has another password, and is logged out everywhere.")


@app.command()
def remove(
    context: typer.Context, name: NameArgument, yes: YesOption = False, json: JsonOption = False
) -> None:
    """Make an account inactive: it is logged out, its tokens are revoked; the audit keeps it."""
    if not yes:
        ask(f"Make the account {name!a} inactive, log it out and revoke its tokens?")

    async def work(access: Access) -> User:
        user = await access.user_named(name)
        return await access.change_user(user.id, active=False)

    user = with_access(context, work, json=json)
    if json:
        emit_json(user)
    else:
        say(f"The account {user.name} is inactive; `callcamp user change --active` undoes that.")


@app.command("log-out")
def log_out(context: typer.Context, name: NameArgument, json: JsonOption = False) -> None:
    """Log an account out everywhere; its tokens go on."""

    async def work(access: Access) -> tuple[User, int]:
        user = await access.user_named(name)
        return user, await access.log_out_everywhere(user.id)

    user, ended = with_access(context, work, json=json)
    if json:
        emit_json({"name": user.name, "sessions": ended})
    else:
        say(f"Ended {count(ended, 'session')} of {user.name}.")


@app.command("codes-off")
def codes_off(
    context: typer.Context, name: NameArgument, yes: YesOption = False, json: JsonOption = False
) -> None:
    """Ask an account for no more one-time codes, as when its phone is lost."""
    if not yes:
        ask(f"Let the account {name!a} log in by its password alone?")

    async def work(access: Access) -> User:
        user = await access.user_named(name)
        await access.disable_totp(user.id)
        return await access.user(user.id)

    user = with_access(context, work, json=json)
    if json:
        emit_json(user)
    else:
        say(f"The account {user.name} logs in by its password alone.")


def _may(user: User) -> str:
    return user.role.value + (", manages campaigns" if user.manages_campaigns else "")
