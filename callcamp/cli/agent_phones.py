"""``callcamp agent phones``: agents' own phones, for people and for Asterisk."""

from __future__ import annotations

from typing import Annotated

import typer

from callcamp.cli.output import emit_json, note, say, table
from callcamp.cli.session import JsonOption, over_store
from callcamp.engine.clock import utc_now
from callcamp.switch.phones import phone_sections


def phones(
    context: typer.Context,
    asterisk: Annotated[
        bool,
        typer.Option(
            "--asterisk", help="Print the sections for Asterisk's pjsip.conf, with passwords."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the phones that register with Asterisk as an agent's own."""
    from callcamp.engine.agents.softphones import Softphones

    found = over_store(
        context,
        lambda store, settings: Softphones(store, settings, utc_now).accounts(),
        json=json,
    )
    if asterisk:
        sections = phone_sections((one.agent, one.secret) for one in found)
        if json:
            emit_json({"pjsip": sections})
        else:
            for line in sections.splitlines():
                say(line)
            note("Then: asterisk -rx 'module reload res_pjsip.so'")
        return
    rows = [(one.agent.name, one.agent.phone.kind.value, one.agent.phone.address) for one in found]
    if json:
        items = [{"agent": agent, "kind": kind, "endpoint": name} for agent, kind, name in rows]
        emit_json({"items": items})
    elif not rows:
        say("No agent has a phone of that kind; `callcamp agent list` shows all agents.")
    else:
        table(("AGENT", "PHONE", "ENDPOINT"), rows)
