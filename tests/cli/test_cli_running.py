"""What runs for long: serve, demo and the lab; and their logs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture

from callcamp.cli.logs import set_up_logs
from callcamp.demo import DemoOptions
from callcamp.errors import LabError
from callcamp.lab import LabInfo, LabStatus
from callcamp.settings import Settings

INFO = LabInfo(
    name="default",
    run_dir=Path("/nowhere"),
    ami_host="127.0.0.1",
    ami_port=32001,
    ami_username="callcamp",
    ami_secret="s3cret",
    trunk="callees",
    sip_port=32002,
    sipp_port=32003,
    asterisk_pid=1,
    sipp_pid=2,
    asterisk_version="22.10.1",
    prompt_sound="/p",
    machine_message_sound="/m",
    witness_log=Path("/nowhere/log"),
)


def test_the_demo_gets_what_was_asked_for(
    cli: Cli,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[DemoOptions] = []

    def run_demo(options: DemoOptions) -> int:
        asked.append(options)
        return 1 if options.exit else 0

    monkeypatch.setattr("callcamp.demo.run_demo", run_demo)
    cli("demo")
    cli("demo", "--contacts", "60", "--exit", "--json", "--concurrency", "5", code=1)
    cli("demo", "--simulated", "--speed", "20", "--fresh", "--port", "8123")
    assert asked == [
        DemoOptions(),
        DemoOptions(contacts=60, exit=True, json=True, concurrency=5),
        DemoOptions(simulated=True, speed=20.0, fresh=True, port=8123),
    ]


@pytest.mark.parametrize(
    "options", [["--contacts", "0"], ["--speed", "3"], ["--port", "70000"], ["--contacts", "x"]]
)
def test_a_demo_that_cannot_be_is_wrong_use(cli: Cli, options: list[str]) -> None:  # noqa: F811
    cli("demo", *options, code=2)


def test_the_lab(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    state = {"status": LabStatus(running=False, info=None, problems=("SIPp does not run: x",))}
    downs: list[str] = []

    def up(name: str, **_: Any) -> LabInfo:
        if name == "broken":
            raise LabError("Building the lab needs root rights.")
        state["status"] = LabStatus(running=True, info=replace(INFO, name=name))
        return replace(INFO, name=name)

    monkeypatch.setattr("callcamp.cli.lab.lab_up", up)
    monkeypatch.setattr("callcamp.cli.lab.lab_down", downs.append)
    monkeypatch.setattr("callcamp.cli.lab.lab_status", lambda _name: state["status"])
    monkeypatch.setattr("callcamp.cli.lab.ensure_rootfs", lambda _say: None)
    assert "SIPp does not run" in cli("lab", "status", code=1).out
    assert cli("lab", "status", "--json", code=1).json["running"] is False
    cli("lab", "build")
    assert "127.0.0.1:32001" in cli("lab", "up").out
    assert cli("lab", "up", "--name", "two", "--json").json["ami_secret"] == "s3cret"
    shown = cli("lab", "status")
    assert "s3cret" not in shown.out
    assert cli("lab", "status", "--json").json["info"]["trunk"] == "callees"
    assert cli("lab", "up", "--name", "broken", "--json", code=1).json["error"]["id"] == "lab_error"
    cli("lab", "down", "--name", "two")
    assert downs == ["two"]


@contextlib.contextmanager
def serving(folder: Path, changes: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run `callcamp serve` for a block, with settings changed by the environment."""
    process = subprocess.Popen(
        [sys.executable, "-m", "callcamp", "serve"],
        cwd=folder,
        env={**os.environ, **{f"CALLCAMP_{name}": value for name, value in changes.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ends_cleanly(process: subprocess.Popen[str]) -> None:
    """Send SIGTERM; nothing more is said on standard output, and nothing crashes."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == ""
    assert "Traceback" not in err


def test_serve_tells_its_address_and_ends_cleanly_on_sigterm(
    cli: Cli,  # noqa: F811
    tmp_path: Path,
) -> None:
    cli("init")
    changes = {"HTTP_PORT": "0", "AMI_PORT": "9", "AMI_CONNECT_TIMEOUT_S": "0.2"}
    with serving(tmp_path, changes) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Pages: http://127.0.0.1:")
        with urllib.request.urlopen(line.split()[1] + "healthz", timeout=20) as answer:
            assert answer.status == 200
        ends_cleanly(process)


def test_serve_ends_on_sigterm_while_asterisk_says_nothing(
    cli: Cli,  # noqa: F811
    tmp_path: Path,
) -> None:
    cli("init")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        changes = {
            "HTTP_PORT": "0",
            "AMI_PORT": str(silent.getsockname()[1]),
            "AMI_CONNECT_TIMEOUT_S": "300",
        }
        with serving(tmp_path, changes) as process:
            silent.settimeout(60)
            connection, _ = silent.accept()
            with connection:
                ends_cleanly(process)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLCAMP_AMI_CONNECT_TIMEOUT_S", "inf"),
        ("CALLCAMP_AMI_ACTION_TIMEOUT_S", "nan"),
        ("CALLCAMP_MAX_CALL_S", "1e300"),
        ("CALLCAMP_LOG_LEVEL", "loud"),
        ("CALLCAMP_HTTP_HOST", "0.0.0.0"),
    ],
)
def test_serve_refuses_settings_before_it_does_anything(
    cli: Cli,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    ran = cli("serve", code=2)  # not 1, which it would be for the database that is not there
    assert name.removeprefix("CALLCAMP_").lower() in ran.err or value in ran.err


@pytest.mark.parametrize("as_json", [True, False])
def test_a_crash_in_the_log_has_no_values_of_variables_and_no_escapes(
    cli: Cli,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    as_json: bool,
) -> None:
    set_up_logs(Settings(log_json=as_json))
    phone_of_someone = f"+3326191{1000 + 1}"
    try:
        raise ValueError("\x1b[31mred")
    except ValueError:
        structlog.get_logger("callcamp.x").exception("crashed")
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "ValueError" in err
    assert phone_of_someone not in err
    assert "\x1b[31mred" not in err


@pytest.mark.parametrize("as_json", [True, False])
def test_logs_go_to_stderr_in_the_form_that_was_chosen(
    cli: Cli,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    as_json: bool,
) -> None:
    set_up_logs(Settings(log_json=as_json, log_level="warning"))
    structlog.get_logger("callcamp.x").info("quiet")
    structlog.get_logger("callcamp.x").warning("loud", name="\x1b[31mred")
    logging.getLogger("some.library").warning("also %s", "this")
    logging.getLogger("some.library").info("not this")
    out, err = capsys.readouterr()
    assert out == ""
    assert "quiet" not in err
    assert "not this" not in err
    assert "\x1b[31mred" not in err
    lines = err.splitlines()
    assert len(lines) == 2
    if as_json:
        first, second = (json.loads(line) for line in lines)
        assert (first["event"], first["level"]) == ("loud", "warning")
        assert second["event"] == "also this"


@pytest.mark.parametrize(
    ("was_up", "finished", "goes_down"),
    [(False, True, True), (False, False, False), (True, True, False), (True, False, False)],
)
async def test_a_demo_that_was_cut_off_leaves_its_lab_for_the_next_run(
    monkeypatch: pytest.MonkeyPatch, was_up: bool, finished: bool, goes_down: bool
) -> None:
    from callcamp.demo import ground as ground_of

    told: list[str] = []
    lab = INFO
    monkeypatch.setattr(ground_of, "lab_status", lambda _name: LabStatus(was_up, lab))
    monkeypatch.setattr(ground_of, "lab_up", lambda _name, **_: lab)
    monkeypatch.setattr(ground_of, "lab_down", told.append)
    monkeypatch.setattr(ground_of, "witness_mark", lambda _lab: 0)
    async with ground_of.ground_for(DemoOptions(), print) as ground:
        ground.finished = finished
    assert bool(told) == goes_down
