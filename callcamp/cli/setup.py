"""``callcamp init`` and ``callcamp migrate``: make what callcamp needs beside your Asterisk."""

from __future__ import annotations

import json as json_
import os
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from callcamp.cli.output import emit_json, note, say
from callcamp.cli.people import PasswordFileOption, asked, read_password, with_access
from callcamp.cli.session import JsonOption, load_settings, run, session
from callcamp.core.permissions import Role
from callcamp.engine.access_base import USER_NAME, as_name
from callcamp.engine.passwords import check_password
from callcamp.errors import Conflict, InvalidInput
from callcamp.lab.place import data_folder
from callcamp.settings import Settings

_DEFAULT = Path("callcamp.toml")


def init(
    context: typer.Context,
    ami_host: Annotated[str, typer.Option(help="Host of Asterisk's manager.")] = "127.0.0.1",
    ami_port: Annotated[int, typer.Option(help="Its port.", min=1, max=65535)] = 5038,
    admin: Annotated[
        str | None,
        typer.Option(help="Name of the first administrator; left out: asked on a terminal."),
    ] = None,
    password_file: PasswordFileOption = None,
) -> None:
    """Write callcamp.toml with a new secret, make the database and the first administrator."""
    from callcamp.store import migrate as migrate_database

    path = session(context).config or _DEFAULT
    # Read before anything is made: an unusable password leaves nothing half done.
    password = None if admin is None or path.exists() else _password(admin, password_file)
    secret = secrets.token_urlsafe(24)
    chosen = {"ami_host": ami_host, "ami_port": ami_port, "ami_secret": secret}
    try:
        # 0600 from its first moment: it holds the secret. O_EXCL: never over what is there.
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise Conflict(
            f"{path} is there already and is not overwritten; move it away for a new one.",
            path=str(path),
        ) from None
    except OSError as error:
        raise Conflict(f"{path} cannot be written: {error.strerror}.", path=str(path)) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(settings_file(chosen))
    settings = load_settings(path)
    migrate_database(settings.database_url)
    say(f"Wrote {path} (only you can read it) and made the database.")
    session(context).config = path
    say(_first_admin(context, admin, password, password_file))
    say("")
    say(_asterisk_steps(settings))


def _password(admin: str, file: Path | None) -> str:
    if not USER_NAME.fullmatch(as_name(admin)):
        raise InvalidInput(
            f"admin is {admin!r}; give 1 to 64 small letters, digits and . _ @ - only, such as "
            "ann.smith.",
            field="admin",
            value=admin,
        )
    return check_password(as_name(admin), read_password(file))


def _first_admin(
    context: typer.Context, admin: str | None, password: str | None, file: Path | None
) -> str:
    """Make the first administrator; returns what was done, in words."""
    if with_access(context, lambda access: access.has_users()):
        return "The database has accounts already; none was added."
    if admin is None:
        if not sys.stdin.isatty():
            return (
                "No administrator was made: nobody was there to ask. Until there is one, pages "
                "are served on this machine only. `callcamp user add NAME --role admin` makes one."
            )
        admin, password = _ask_for_admin(file)
    name, chosen = admin, password or ""
    user = with_access(context, lambda access: access.add_user(name, chosen, role=Role.ADMIN))
    return f"Made the administrator {user.name}."


def _ask_for_admin(file: Path | None) -> tuple[str, str]:
    """Ask until name and password can be used."""
    while True:
        name = asked("Name of the first administrator")
        try:
            return name, _password(name, file)
        except InvalidInput as error:
            if file is not None:
                raise
            note(error.message, "red")


def migrate(context: typer.Context, json: JsonOption = False) -> None:
    """Make the database, or bring it up to date with this version."""
    from callcamp.store import migrate as migrate_database

    async def work(settings: Settings) -> str:
        return migrate_database(settings.database_url)

    revision = run(context, work, json=json)
    if json:
        emit_json({"revision": revision})
    else:
        say(f"The database is up to date (revision {revision}).")


def settings_file(chosen: dict[str, Any]) -> str:
    """Return the text of a settings file: every setting explained, only ``chosen`` ones set."""
    lines = ["# Settings of callcamp; docs/settings.md says more.", ""]
    lines += ["# The environment wins over this file: CALLCAMP_HTTP_PORT=8081 callcamp serve", ""]
    for name, field in Settings.model_fields.items():
        lines.append(f"# {field.description}")
        value = chosen.get(name, field.default)
        mark = "" if name in chosen else "# "
        lines += [f"{mark}{name} = {_toml(value)}", ""]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = str(value)
    # Strings, numbers and booleans look the same in JSON and TOML.
    return json_.dumps(value, ensure_ascii=False)


def _asterisk_steps(settings: Settings) -> str:
    asterisk, dialplan = data_folder("asterisk"), data_folder("dialplan")
    return f"""Now, on the machine of Asterisk:

1. Copy these files into /etc/asterisk:
     {asterisk / "manager_callcamp.conf"}
     {dialplan / "extensions_callcamp.conf"}

2. At the end of /etc/asterisk/manager.conf (its [general] needs enabled = yes):
     #include manager_callcamp.conf

     [{settings.ami_username}](callcamp-rights)
     secret = {settings.ami_secret.get_secret_value()}
     deny = 0.0.0.0/0.0.0.0
     permit = 127.0.0.1/255.255.255.255

   (permit is the address that callcamp connects from.)

3. At the end of /etc/asterisk/extensions.conf:
     #include extensions_callcamp.conf

4. Then:
     asterisk -rx 'manager reload'
     asterisk -rx 'dialplan reload'

5. Back here:
     callcamp trunk set NAME --dial 'PJSIP/{{number}}@YOUR-ENDPOINT' --cps 5
     callcamp doctor
     callcamp serve"""
