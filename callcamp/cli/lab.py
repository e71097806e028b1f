"""``callcamp lab``: a real Asterisk with pretend people to call, on this machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from callcamp.cli.output import emit_json, note, pairs, say
from callcamp.cli.session import JsonOption, session
from callcamp.lab import LabInfo, lab_down, lab_status, lab_up
from callcamp.lab.rootfs import ensure_rootfs

app = typer.Typer(
    help="The lab: a real Asterisk with pretend people to call.", no_args_is_help=True
)
NameOption = Annotated[str, typer.Option(help="Which lab; several may run side by side.")]


@app.command()
def up(
    context: typer.Context,
    name: NameOption = "default",
    asterisk: Annotated[
        Path | None, typer.Option(help="An installed Asterisk to use instead of the lab's own.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Bring the lab up; the first time it builds its root filesystem (needs root)."""
    session(context).json = json
    info = lab_up(name, asterisk_binary=asterisk, progress=note)
    if json:
        emit_json(_as_dict(info))
    else:
        _show(info)


@app.command()
def down(name: NameOption = "default") -> None:
    """Stop the lab; its logs stay."""
    lab_down(name)
    say(f"Lab {name} is down.")


@app.command()
def status(context: typer.Context, name: NameOption = "default", json: JsonOption = False) -> None:
    """Say how the lab is; fails when it does not run."""
    session(context).json = json
    found = lab_status(name)
    if json:
        info = None if found.info is None else _as_dict(found.info)
        emit_json({"running": found.running, "problems": found.problems, "info": info})
    elif found.running and found.info is not None:
        _show(found.info)
    else:
        say(f"Lab {name} does not run.")
        for problem in found.problems:
            say(f"  {problem}")
    if not found.running:
        raise typer.Exit(1)


@app.command()
def build() -> None:
    """Build the lab's root filesystem without starting anything; quick when it is there."""
    ensure_rootfs(note)


def _as_dict(info: LabInfo) -> dict[str, Any]:
    # With the secret: it opens nothing but this lab, on this machine, and tools need it.
    return asdict(info)


def _show(info: LabInfo) -> None:
    pairs(
        {
            "Lab": f"{info.name}, Asterisk {info.asterisk_version}",
            "AMI": f"{info.ami_host}:{info.ami_port}, user {info.ami_username}",
            "Trunk": f"PJSIP/{{number}}@{info.trunk}",
            "Prompt": info.prompt_sound,
            "Message for machines": info.machine_message_sound,
            "Files": info.run_dir,
        }
    )
