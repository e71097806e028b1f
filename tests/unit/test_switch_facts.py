"""The list of modules that doctor checks, against the configuration that we ship."""

from __future__ import annotations

import re
from pathlib import Path

from callcamp.switch.contexts import NEEDED_CONTEXTS, OWN_QUEUES
from callcamp.switch.facts import NEEDED_MODULES

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
    assert set(NEEDED_CONTEXTS) <= set(contexts)


def test_our_queues_are_those_of_the_shipped_file() -> None:
    shipped = (ROOT / "asterisk/queues_callcamp.conf").read_text()
    assert set(re.findall(r"^\[([\w-]+)\]\(callcamp-queue\)", shipped, re.MULTILINE)) == set(
        OWN_QUEUES
    )


def test_every_place_of_the_dialplan_that_is_gone_to_is_there() -> None:
    dialplan = (ROOT / "dialplan/extensions_callcamp.conf").read_text()
    contexts = set(re.findall(r"^\[([\w-]+)\]", dialplan, re.MULTILINE))
    steps = [line for line in dialplan.splitlines() if not line.startswith((";", "["))]
    named = set(re.findall(r"\bcallcamp-[a-z-]+\b", "\n".join(steps)))
    assert len(named) > 8
    assert named <= contexts


def test_data_of_contacts_is_not_named_in_the_dialplan() -> None:
    dialplan = (ROOT / "dialplan/extensions_callcamp.conf").read_text()
    code = [line for line in dialplan.splitlines() if not line.lstrip().startswith(";")]
    assert "CC_VAR_" not in "\n".join(code)
