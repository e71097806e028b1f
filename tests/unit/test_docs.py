"""The documentation says what the code does: settings, commands, states, dispositions."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from callcamp.cli.draw import BLOCKS, commands, redraw
from callcamp.cli.setup import settings_file
from callcamp.core.outcome import Disposition
from callcamp.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_what_is_drawn_from_the_code_is_fresh(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert redraw(text) == text, f"{page.name} is stale: run `make docs`"


def test_every_block_is_drawn_somewhere() -> None:
    everything = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"<!-- drawn: ([a-z-]+) -->", everything)) == set(BLOCKS)


def test_a_stale_block_is_noticed() -> None:
    stale = "a\n<!-- drawn: states-attempt -->\nold\n<!-- end -->\nb\n"
    fresh = redraw(stale)
    assert fresh.startswith("a\n")
    assert fresh.endswith("\nb\n")
    assert "claimed --> dialing: sent" in fresh
    assert redraw(fresh) == fresh


def test_settings_and_their_page_agree() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))
    assert documented == set(Settings.model_fields)
    assert all(field.description for field in Settings.model_fields.values())


def test_every_command_is_on_its_page() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, command in commands().items():
        assert f"### `{name}" in page
        assert (command.help or "").strip()
        for option in (p for p in command.params if p.name != "help"):
            assert (getattr(option, "help", None) or "").strip(), f"{name} {option.name}"


def test_every_disposition_is_on_its_page() -> None:
    page = (ROOT / "docs" / "outcomes.md").read_text(encoding="utf-8")
    assert all(f"| `{disposition.value}` |" in page for disposition in Disposition)


def test_the_readme_says_how_to_try_and_how_to_test() -> None:
    for command in ("make demo", "make test", "make check", "callcamp doctor", "callcamp serve"):
        assert command in README


def test_the_readme_names_only_commands_and_options_that_exist() -> None:
    known = {name.split(" ", 1)[1]: command for name, command in commands().items()}
    found = re.findall(r"^\s*callcamp ([^#\n]+)$", README.replace("\\\n", " "), re.MULTILINE)
    assert found
    for line in found:
        name = max((n for n in known if line.startswith(n)), key=len, default=None)
        assert name is not None, f"README names `callcamp {line}`"
        options = {o for p in known[name].params for o in (*p.opts, *p.secondary_opts)}
        assert set(re.findall(r"(?<=\s)--[a-z-]+", line)) <= options, line


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    shown = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert {"demo", "test", "check", "bench", "lab-up", "lab-down", "lock", "clean"} <= shown
    assert shown <= phony
    printed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert all(f"make {target} " in printed for target in shown)


def test_the_settings_file_that_init_writes_is_toml_and_explains_everything() -> None:
    text = settings_file({"ami_secret": 'quo"te\\', "ami_port": 5039})
    assert tomllib.loads(text) == {"ami_secret": 'quo"te\\', "ami_port": 5039}
    everything = re.sub(r"^# ([a-z_]+ = )", r"\1", text, flags=re.MULTILINE)
    values = tomllib.loads(everything)
    assert set(values) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        assert f"# {field.description}\n" in text
        assert name in values
