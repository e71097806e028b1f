"""The list of modules that doctor checks, against the configuration that we ship."""

from __future__ import annotations

import re
from pathlib import Path

from callcamp.switch.facts import NEEDED_MODULES
from callcamp.switch.orders import ANSWERED_CONTEXT, HANGUP_CONTEXT

ROOT = Path(__file__).parents[2]


def test_doctor_checks_what_the_dialplan_names() -> None:
    shipped = (ROOT / "asterisk/modules_callcamp.conf").read_text()
    loaded = set(re.findall(r"^load = (\w+)\.so", shipped, re.MULTILINE))
    assert set(NEEDED_MODULES) <= loaded
    named = {name for name in loaded if name.startswith(("app_", "func_"))}
    assert named <= set(NEEDED_MODULES)


def test_the_contexts_are_those_of_the_dialplan() -> None:
    dialplan = (ROOT / "dialplan/extensions_callcamp.conf").read_text()
    contexts = re.findall(r"^\[([\w-]+)\]", dialplan, re.MULTILINE)
    assert {ANSWERED_CONTEXT, HANGUP_CONTEXT} <= set(contexts)
