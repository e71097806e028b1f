"""Tests on real programs that fail are run once more, alone, where that is fair."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "xdist.plugin", "-m", "faults")
CACHE = ("-o", "cache_dir=.pytest_cache/heavy")
SETTINGS = """[pytest]
markers =
  faults: x
  strict: x
"""
HEAD = """
from pathlib import Path
import pytest
from promise_kit import promised
pytestmark = pytest.mark.faults
def fails(times):
    runs = Path("runs")
    runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
    return len(runs.read_text()) <= times
def test_that_passes():
    pass
"""
FLAKY = "def test_shaky():\n    assert not fails({})\n"


@dataclass(frozen=True)
class Ended:
    """How the two runs ended, what they said, and how often the shaky test ran."""

    status: int
    said: str
    runs: int


@pytest.fixture
def run(tmp_path: Path):
    """Run tests as the Makefile does."""

    def run(tests: str) -> Ended:
        (tmp_path / "pytest.ini").write_text(SETTINGS)
        (tmp_path / "conftest.py").write_text("from promise_kit import *\n")
        (tmp_path / "test_it.py").write_text(HEAD + tests)
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "tests"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        env.pop("PYTEST_ADDOPTS", None)
        done = subprocess.run(
            [
                *("bash", "-euo", "pipefail", "-c"),
                'again=$1; shift; "$@" -n 1 --cache-clear || "$again" $? "$@"',
                *("make", str(ROOT / ".ci/again"), *PYTEST, *CACHE),
            ],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        runs = tmp_path / "runs"
        ran = len(runs.read_text()) if runs.exists() else 0
        return Ended(done.returncode, done.stdout + done.stderr, ran)

    return run


def test_what_passes_is_run_once(run) -> None:
    ended = run(FLAKY.format(0))
    assert (ended.status, ended.runs) == (0, 1)
    assert "ONCE MORE" not in ended.said


def test_what_passes_the_second_time_is_said_loudly(run) -> None:
    ended = run(FLAKY.format(1))
    assert (ended.status, ended.runs) == (0, 2)
    assert "PASSED ONLY WHEN RUN ONCE MORE" in ended.said
    assert "  test_it.py::test_shaky\n=" in ended.said


def test_what_fails_twice_fails(run) -> None:
    ended = run(FLAKY.format(2))
    assert (ended.status, ended.runs) == (1, 2)
    assert "FAILED TWICE" in ended.said


@pytest.mark.parametrize(
    "test",
    [
        "@pytest.mark.strict\n" + FLAKY.format(1),
        "def test_shaky():\n    promised(not fails(1), 'called twice')\n",
    ],
)
def test_a_broken_promise_stands(run, test: str) -> None:
    ended = run(test)
    assert (ended.status, ended.runs) == (6, 1)
    assert "no second chance for test_it.py::test_shaky" in ended.said


def test_one_broken_promise_among_other_failures_stands(run) -> None:
    ended = run(FLAKY.format(1) + "def test_promise():\n    promised(False, 'called twice')\n")
    assert (ended.status, ended.runs) == (6, 1)


def test_what_cannot_be_collected_fails_at_once(run) -> None:
    ended = run(FLAKY.format(1) + "import nothing_of_that_name\n")
    assert (ended.status, ended.runs) == (1, 0)
    assert "test_it.py cannot even be read" in ended.said
    assert "once more" not in ended.said


def test_many_failures_are_no_misfortune(run) -> None:
    ended = run(
        "@pytest.mark.parametrize('n', range(6))\ndef test_it(n):\n    assert not fails(99)\n"
    )
    assert (ended.status, ended.runs) == (1, 6)
    assert "too many for a second chance" in ended.said
