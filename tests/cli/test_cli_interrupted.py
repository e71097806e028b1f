"""Ctrl-C and SIGTERM while a file is imported: the command ends, and leaves no copy behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture

PREVIEWS = Path("callcamp-data/imports")


@pytest.fixture
def begin(cli: Cli, tmp_path: Path) -> Callable[[int], subprocess.Popen[bytes]]:  # noqa: F811
    """Return what starts the import of so many rows, with nobody to answer its question."""
    cli("init")
    cli("trunk", "set", "carrier", "--dial", "PJSIP/{number}@carrier", "--cps", "5")
    cli("campaign", "create", "Spring", "--prompt", "welcome", "--default-region", "FR")

    def start(rows: int) -> subprocess.Popen[bytes]:
        file = tmp_path / "people.csv"
        file.write_text("phone\n" + "".join(f"+3361{n:07d}\n" for n in range(rows)))
        return subprocess.Popen(
            [sys.executable, "-m", "callcamp", "contacts", "import", "1", str(file)],
            cwd=tmp_path,
            env={**os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


def ended(process: subprocess.Popen[bytes]) -> bytes:
    """Wait for the end; ``wait`` and not ``communicate``, which would end the question, too."""
    try:
        process.wait(timeout=60)
        assert process.stderr is not None
        return process.stderr.read()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_at_the_question(
    begin: Callable[[int], subprocess.Popen[bytes]], number: signal.Signals
) -> None:
    process = begin(3)
    assert process.stderr is not None
    seen = b""
    while not seen.endswith(b"[y/N]:"):
        byte = process.stderr.read(1)
        assert byte, seen
        seen += byte
    assert len(list(PREVIEWS.iterdir())) == 1
    process.send_signal(number)
    rest = ended(process)
    assert process.returncode == 1
    assert rest.strip() == b"Aborted."
    assert list(PREVIEWS.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_the_file_is_read(
    begin: Callable[[int], subprocess.Popen[bytes]], number: signal.Signals
) -> None:
    process = begin(400_000)
    pause = threading.Event()
    while not list(PREVIEWS.glob("*/rows.sqlite3")):
        assert process.poll() is None
        pause.wait(0.01)
    process.send_signal(number)
    rest = ended(process)
    assert process.returncode == 130
    assert b"Traceback" not in rest
    assert list(PREVIEWS.iterdir()) == []
