"""Draw what ``docs/`` shows of the code's own tables: ``python -m callcamp.cli.draw docs``.

A page holds blocks between ``<!-- drawn: NAME -->`` and ``<!-- end -->``; each is replaced
by what the code says now. A test fails when a page is stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import typer.main
from pydantic import SecretStr

from callcamp.cli.draw_legal import preset_rows
from callcamp.core.agents import AGENT
from callcamp.core.outcome import MEANING, Evidence, classify
from callcamp.core.reasons import REASON_MEANING
from callcamp.core.states import ATTEMPT, CAMPAIGN, CONTACT, Machine
from callcamp.settings import Settings

_MOST_CHOICES = 15
_BLOCK = re.compile(r"(<!-- drawn: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

# What Asterisk 22.10.1 with PJSIP showed:
# what the callee does, OriginateResponse reason, Q.850 cause, SIP code, rang.
_MEASURED: list[tuple[str, int, int, int | None, bool]] = [
    ("486 Busy Here", 0, 17, 486, False),
    ("600 Busy Everywhere", 0, 17, 600, False),
    ("603 Decline", 0, 21, 603, False),
    ("403 Forbidden", 0, 21, 403, False),
    ("404 Not Found", 0, 1, 404, False),
    ("183 with an announcement, then 404", 0, 1, 404, True),
    ("480 Temporarily Unavailable", 0, 19, 480, False),
    ("484 Address Incomplete", 0, 28, 484, False),
    ("488 Not Acceptable Here", 0, 58, 488, False),
    ("500 Server Internal Error", 0, 38, 500, False),
    ("503 Service Unavailable", 0, 34, 503, False),
    ("607 Unwanted", 0, 127, 607, False),
    ("408 Request Timeout", 0, 18, 408, False),
    ("rings until our ring timeout", 3, 19, 480, True),
    ("no SIP answer until our ring timeout", 3, 19, 480, False),
    ("no SIP answer, ring timeout over 32 s", 0, 18, 408, False),
]


def diagram(machine: Machine[Any, Any]) -> str:
    """Return a state table as a Mermaid diagram."""
    steps = [f"    {s.value} --> {to.value}: {e.value}" for (s, e), to in machine.table.items()]
    final = [
        f"    {state.value} --> [*]" for state in type(machine.initial) if state in machine.final()
    ]
    first = f"    [*] --> {machine.initial.value}"
    return "\n".join(["```mermaid", "stateDiagram-v2", first, *steps, *final, "```"])


def _rows(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _dispositions() -> str:
    yes = {True: "yes", False: "no"}
    return _rows(
        ["disposition", "meaning", "whose doing", "answered", "may be retried", "contact ends as"],
        [
            [
                f"`{d.value}`",
                m.text,
                m.fault.value,
                yes[m.answered],
                yes[m.retryable],
                "failed" if m.technical else "completed",
            ]
            for d, m in MEANING.items()
        ],
    )


def _reasons(*, campaign: bool) -> Callable[[], str]:
    """Return what draws the reasons that hold a campaign, or one contact, back."""

    def draw() -> str:
        return _rows(
            ["reason", "not called, because", "what to do"],
            [
                [f"`{reason.value}`", meaning.text, meaning.change or "Nothing but wait."]
                for reason, meaning in REASON_MEANING.items()
                if meaning.campaign is campaign
            ],
        )

    return draw


def _measured() -> str:
    return _rows(
        ["the callee", "OriginateResponse `Reason`", "`Cause`", "`TechCause`", "disposition"],
        [
            [
                what,
                str(reason),
                str(cause),
                str(sip or "–"),
                "`"
                + classify(
                    Evidence(cause=cause, sip_code=sip, originate_reason=reason, rang=rang),
                    ring_timeout_s=30,
                )
                + "`",
            ]
            for what, reason, cause, sip, rang in _MEASURED
        ],
    )


def _legal_presets() -> str:
    return _rows(["preset", "whom it protects", "numbers", "source", "checked on"], preset_rows())


def _settings() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        cell = f"`{shown}`" if shown else "empty"
        rows.append([f"`{name}`", f"`CALLCAMP_{name.upper()}`", cell, field.description or ""])
    return _rows(["in the file", "in the environment", "default", "what it is"], rows)


def commands() -> dict[str, Any]:
    """Return every command of the command line by its full name, groups left out."""
    from callcamp.cli.main import app

    found: dict[str, Any] = {}

    def walk(name: str, command: Any) -> None:
        if hasattr(command, "commands"):
            for child, one in command.commands.items():
                walk(f"{name} {child}", one)
        else:
            found[name] = command

    walk("callcamp", typer.main.get_command(app))
    return found


def _command_line() -> str:
    parts = []
    for name, command in commands().items():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option"]
        usage = " ".join([name, *(_metavar(p) for p in arguments)])
        parts += [f"### `{usage}`", "", _one_line(command.help), ""]
        shown = [p for p in (*arguments, *options) if getattr(p, "help", None)]
        parts += [
            f"- `{_names(p)}`: {_one_line(getattr(p, 'help', ''))}{_choices(p)}{_default(p)}"
            for p in shown
        ]
        parts += [""] if shown else []
    return "\n".join(parts).rstrip()


def _metavar(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name).upper().strip("[]")
    return name if parameter.required else f"[{name}]"


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _metavar(parameter)
    return ", ".join([*parameter.opts, *parameter.secondary_opts])


def _choices(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    kind = next(iter(get_args(kind)), kind)
    # A list as long as that of reasons has a page of its own.
    if not issubclass(kind, Enum) or len(kind) > _MOST_CHOICES:
        return ""
    return f" One of {', '.join(str(choice.value) for choice in kind)}."


def _default(parameter: Any) -> str:
    value = parameter.default
    # An option that is not given is told from its default: the words stand for that.
    words = getattr(parameter, "show_default", None)
    if isinstance(words, str):
        return f" (default {words})"
    if parameter.required and parameter.param_type_name == "option":
        return " (needed)"
    plain = isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    return f" (default {value})" if plain else ""


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


BLOCKS: dict[str, Callable[[], str]] = {
    "states-campaign": lambda: diagram(CAMPAIGN),
    "states-contact": lambda: diagram(CONTACT),
    "states-attempt": lambda: diagram(ATTEMPT),
    "states-agent": lambda: diagram(AGENT),
    "dispositions": _dispositions,
    "reasons-campaign": _reasons(campaign=True),
    "reasons-contact": _reasons(campaign=False),
    "measured": _measured,
    "settings": _settings,
    "commands": _command_line,
    "legal-presets": _legal_presets,
}
"""What can be drawn, by the name in the page."""


def redraw(page: str) -> str:
    """Return a page with all its blocks drawn as the code is now."""
    return _BLOCK.sub(lambda m: f"{m[1]}{BLOCKS[m[2]]()}\n{m[3]}", page)


def main(folder: Path) -> None:
    """Draw the blocks of every page in a folder."""
    for path in sorted(folder.glob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = redraw(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"{path} is drawn again.")  # noqa: T201 - a tool for developers


if __name__ == "__main__":
    main(Path(sys.argv[1]))
