"""``callcamp init`` and ``callcamp migrate``: make what callcamp needs beside your Asterisk."""

from __future__ import annotations

import json as json_
import os
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from callcamp.cli.output import emit_json, say
from callcamp.cli.session import JsonOption, load_settings, run, session
from callcamp.errors import Conflict
from callcamp.lab.place import data_folder
from callcamp.settings import Settings

_DEFAULT = Path("callcamp.toml")


def init(
    context: typer.Context,
    ami_host: Annotated[str, typer.Option(help="Host of Asterisk's manager.")] = "127.0.0.1",
    ami_port: Annotated[int, typer.Option(help="Its port.", min=1, max=65535)] = 5038,
) -> None:
    """Write callcamp.toml with a new secret, make the database, say what Asterisk needs."""
    from callcamp.store import migrate as migrate_database

    path = session(context).config or _DEFAULT
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
    say("")
    say(_asterisk_steps(settings))


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
