"""The house rules that a machine can check."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "callcamp").rglob("*.py"))


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name(name)), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_room_imports_only_from_lower_floors() -> None:
    done = tool("lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_public_has_a_docstring() -> None:
    done = tool("interrogate", "-c", "pyproject.toml", "-v", "callcamp")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_outgrows_a_screenful_of_scrolling(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 400


def test_every_exception_from_the_security_rules_says_why() -> None:
    """Ruff's S rules, which are bandit's: excepted line by line, each with its reason."""
    without, seen = [], 0
    for path in [*MODULES, *sorted((ROOT / "benchmarks").rglob("*.py"))]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if excepted := re.search(r"# noqa:.*\bS[0-9]{3}\b(.*)$", line):
                seen += 1
                if not re.fullmatch(r" - \w.{3,}", excepted[1]):
                    without.append(f"{path.relative_to(ROOT)}:{number}")
    assert seen > 10
    assert not without
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert "S" in ruff["lint"]["select"]
    # Of a whole folder, or everywhere: told where people look for it.
    told = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    everywhere = [rule for rule in ruff["lint"]["ignore"] if re.fullmatch("S[0-9]*", rule)]
    assert everywhere == ["S603", "S607"]
    folders = [
        folder
        for folder, rules in ruff["lint"]["per-file-ignores"].items()
        if any(re.fullmatch("S[0-9]*", rule) for rule in rules)
    ]
    assert folders == ["tests/**", "benchmarks/**"]
    for name in (*everywhere, "`tests/`", "`benchmarks/`"):
        assert name in told


def test_the_locks_hold_every_library_with_its_hashes() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        lock = (ROOT / name).read_text(encoding="utf-8")
        pinned = [line for line in lock.splitlines() if line and line[0].isalnum()]
        assert len(pinned) > 20
        assert all("==" in line and line.endswith("\\") for line in pinned)
        assert "--index-url" not in lock
        assert "--find-links" not in lock


def test_what_pyproject_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = project["project"]["dependencies"]
    needed += project["project"]["optional-dependencies"]["postgresql"]
    for lock, requirements in (
        ("requirements.lock", needed),
        ("requirements-dev.lock", needed + project["dependency-groups"]["dev"]),
    ):
        text = (ROOT / lock).read_text(encoding="utf-8")
        locked = set(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==", text, re.MULTILINE))
        names = {re.match(r"[A-Za-z0-9._-]+", one)[0].lower() for one in requirements}  # type: ignore[index]
        assert names <= locked, f"run `make lock`: {lock} lacks {sorted(names - locked)}"


def test_every_benchmark_can_be_run() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [line.split()[0] for line in listed.splitlines()] == [
        "pacing",
        "plan",
        "import",
        "http",
        "claims",
        "calls",
        "forecast",
        "predictive",
    ]


WRITE_FILES = """
import pathlib, sys
from benchmarks import bench_import
bench_import.ROWS = 10
bench_import._write_files(pathlib.Path(sys.argv[1]))
"""


def test_what_the_import_benchmark_borrows_from_the_tests_is_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            WRITE_FILES,
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {p.suffix for p in tmp_path.iterdir()} >= {".csv", ".xlsx"}
