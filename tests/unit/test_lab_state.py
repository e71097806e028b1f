"""What the lab remembers, and how it recognises its processes."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from callcamp.errors import LabError
from callcamp.lab import lab_down, lab_status, lab_up, stop_asterisk
from callcamp.lab.config import TRUNK, trunk_from_example, write_config
from callcamp.lab.info import LabInfo, State, load_state, save_state, state_path
from callcamp.lab.place import Place, data_folder
from callcamp.lab.ports import Ports, choose_ports, is_free
from callcamp.lab.process import Process, identify, spawn, stop


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def a_state(tmp_path: Path, **changes: object) -> State:
    info = LabInfo(
        name="one", run_dir=tmp_path / "run", ami_host="127.0.0.1", ami_port=1,
        ami_username="u", ami_secret="hush", trunk=TRUNK, sip_port=2, sipp_port=3,
        asterisk_pid=4, sipp_pid=5, asterisk_version="22.0", prompt_sound="p",
        machine_message_sound="m", witness_log=tmp_path / "sipp" / "invites.log",
    )  # fmt: skip
    gone = Process(2**22 - 1, 1, "another boot")
    state = State(info, gone, gone, "/usr/sbin/asterisk", Path("/root"), None)
    return replace(state, **changes)  # type: ignore[arg-type]


def test_state_survives_the_file_and_keeps_its_secret(tmp_path: Path) -> None:
    state = a_state(tmp_path)
    save_state(state)
    assert load_state("one") == state
    assert stat.S_IMODE(state_path("one").stat().st_mode) == 0o600
    assert "hush" not in repr(state)
    assert state.with_asterisk(None).asterisk is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"info": {}}', '{"info": 5}'])
def test_an_unreadable_state_is_none(text: str) -> None:
    path = state_path("one")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert load_state("one") is None
    assert lab_status("one").info is None


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "-a", "a" * 41])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(LabError):
        lab_status(name)
    with pytest.raises(LabError):
        lab_up(name)


def test_status_of_nothing_of_a_stale_lab_and_of_a_stopped_one(tmp_path: Path) -> None:
    assert lab_status("one") == replace(lab_status("one"), running=False, info=None, problems=())
    stale = a_state(tmp_path)
    save_state(stale)
    status = lab_status("one")
    assert not status.running
    assert status.info == stale.info
    assert len(status.problems) == 3
    lab_down("one")
    assert lab_status("one").problems == ()
    lab_down("one")
    lab_down("never-was")
    with pytest.raises(LabError):
        stop_asterisk(replace(stale.info, name="never-was"))


def test_a_pid_that_is_now_somebody_else_is_never_signalled(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        found = identify(other.pid)
        assert found is not None
        assert found.is_alive()
        for not_it in (replace(found, started=found.started - 1), replace(found, boot="x")):
            assert not not_it.is_alive()
            stop(not_it, kill=True)
        save_state(a_state(tmp_path, asterisk=replace(found, started=1)))
        assert not lab_status("one").running
        lab_down("one")
        assert other.poll() is None
        other.kill()
        # Until its parent has asked for its end it is a zombie, which is not alive.
        stop(found)
        assert not found.is_alive()
        assert identify(found.pid) is None
    finally:
        other.kill()
        other.wait()


def test_a_daemon_has_its_own_session_and_can_be_stopped(tmp_path: Path) -> None:
    process = spawn(["sleep", "60"], output=tmp_path / "out")
    assert process.is_alive()
    assert os.getsid(process.pid) != os.getsid(0)
    stop(process)
    assert not process.is_alive()
    stop(process)


def test_a_daemon_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; touch {ready}; while :; do sleep 0.05; done"
    process = spawn(["/bin/sh", "-c", script], output=tmp_path / "out")
    while not ready.exists():
        assert process.is_alive()
    stop(process, patience_s=0.1)
    assert not process.is_alive()


def test_ports_are_kept_when_free_and_avoided_when_taken() -> None:
    ports = choose_ports(None, ())
    assert choose_ports(ports, ()) == ports
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind(("127.0.0.1", ports.sipp))
        assert not is_free(socket.SOCK_DGRAM, ports.sipp)
        again = choose_ports(ports, (ports.ami,))
    assert again.sip == ports.sip
    assert again.sipp != ports.sipp
    assert again.ami != ports.ami
    assert len({again.ami, again.sip, again.sipp}) == 3


def test_configuration_is_made_of_the_shipped_files(tmp_path: Path) -> None:
    run_dir = tmp_path / "lab"
    write_config(run_dir, Place(tmp_path), Ports(1, 2, 3, 4), "hush")
    etc = run_dir / "etc"
    manager = etc / "manager.conf"
    assert stat.S_IMODE(manager.stat().st_mode) == 0o600
    assert "secret = hush" in manager.read_text()
    assert "astdbdir => /lab/db" in (etc / "asterisk.conf").read_text()
    shipped = data_folder("dialplan") / "extensions_callcamp.conf"
    assert (etc / "extensions_callcamp.conf").read_bytes() == shipped.read_bytes()
    (run_dir / "db" / "astdb.sqlite3").touch()
    write_config(run_dir, Place(tmp_path), Ports(1, 2, 3, 4), "hush")
    assert (run_dir / "db" / "astdb.sqlite3").exists()


def test_the_trunk_has_the_shape_of_the_example() -> None:
    example = (data_folder("asterisk") / "pjsip_callcamp_example.conf").read_text()
    trunk = trunk_from_example(example, 12345)
    assert f"[{TRUNK}]" in trunk
    assert "contact = sip:127.0.0.1:12345" in trunk
    assert "example" not in trunk


def test_a_place_names_its_own_files_and_no_others(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert place.inside(tmp_path / "a" / "b") == "/a/b"
    assert place.command(["x"]) == ["chroot", str(tmp_path), "x"]
    assert Place().inside(tmp_path) == str(tmp_path)
    with pytest.raises(LabError):
        place.inside(Path("/elsewhere"))
    assert Place().run(["echo", "hello"]) == "hello\n"
    for bad in (["false"], ["/no/such/program"], ["sleep", "5"]):
        with pytest.raises(LabError):
            Place().run(bad, timeout_s=0.2)
