"""Bring labs up and down: one Asterisk and one SIPp each, both daemons."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Final

from callcamp.errors import LabError
from callcamp.lab import agents, audio, config, invites, scenario
from callcamp.lab.ami import Ami
from callcamp.lab.info import (
    LabInfo,
    LabStatus,
    State,
    all_states,
    load_state,
    save_state,
    state_path,
)
from callcamp.lab.place import Place, cache_folder, data_folder
from callcamp.lab.ports import HOST, Ports, choose_ports, is_free
from callcamp.lab.process import Process, spawn, stop, tail
from callcamp.lab.rootfs import Progress, ensure_rootfs, locked

_OLDEST_ASTERISK: Final = 18
_START_TIMEOUT_S: Final = 60.0
_RECIPE: Final = (
    "agents",
    "audio",
    "behaviours",
    "config",
    "scenario",
    "steps",
    "webphones",
)


@dataclass(frozen=True, slots=True)
class _Programs:
    """What a lab runs, and where."""

    binary: str
    version: str
    asterisk: Place
    callees: Place


def lab_up(
    name: str = "default",
    *,
    asterisk_binary: Path | str | None = None,
    progress: Progress | None = None,
    go_on: bool = False,
) -> LabInfo:
    """Bring a lab up and return how to reach it; a healthy one is returned as it is.

    A lab that died (crash, reboot) comes back with its ports, secret, AstDB and witness log;
    so does one that an older callcamp made, when its dialplan or callees have changed since.
    One that was taken down on purpose starts fresh, but keeps ports and secret if it can.
    The first call on a machine builds the root filesystem, which takes about a minute.

    Args:
        name: which lab; several may run side by side.
        asterisk_binary: path of an installed Asterisk 18 or later to use instead of the
            lab's own. SIPp, espeak-ng and sox are then taken from PATH, or from the lab's
            root filesystem if one of them is missing.
        progress: told what is being done when it takes long.
        go_on: a lab that was taken down on purpose keeps its AstDB and witness log, too.

    Raises:
        LabError: rights or tools are missing, the Asterisk is too old, or something did not
            start; the message says what to do.
    """
    say = progress or (lambda _text: None)
    state_path(name)
    if (info := _usable(name)) is not None:
        return info
    programs = _find_programs(asterisk_binary, say)
    with locked(cache_folder() / "labs.lock"):
        if (info := _usable(name)) is not None:
            return info
        return _start_lab(name, programs, say, go_on=go_on)


def lab_down(name: str = "default") -> None:
    """Stop a lab; its folder with logs and witness stays until it is brought up again.

    Doing it twice, or for a lab that never was, is no error.

    Raises:
        LabError: a process cannot be ended.
    """
    with locked(cache_folder() / "labs.lock"):
        if state := load_state(name):
            _stop_processes(state)
            save_state(replace(state, asterisk=None, sipp=None, agents=None))


def lab_status(name: str = "default") -> LabStatus:
    """Say how a lab is, by looking at its processes and logging in to its AMI."""
    state = load_state(name)
    if state is None:
        return LabStatus(running=False, info=None)
    if state.asterisk is None and state.sipp is None:
        return LabStatus(running=False, info=state.info)
    problems = []
    if state.sipp is None or not state.sipp.is_alive():
        problems.append(f"SIPp does not run: {tail(_sipp_dir(state) / 'output.log', 200)}")
    if state.agents is None or not state.agents.is_alive():
        problems.append(f"The agents' SIPp does not run: {tail(_agents_output(state), 200)}")
    if state.asterisk is None:
        problems.append("Asterisk is stopped.")
    elif not state.asterisk.is_alive():
        problems.append("Asterisk does not run any more.")
    else:
        try:
            _ping(state.info, timeout_s=5)
        except LabError as error:
            problems.append(f"Asterisk does not work: {error.message}")
    return LabStatus(running=not problems, info=state.info, problems=tuple(problems))


def stop_asterisk(info: LabInfo, *, kill: bool = False) -> None:
    """Stop the lab's Asterisk only; SIPp goes on.

    Args:
        info: of the lab.
        kill: as a crash would (SIGKILL), instead of SIGTERM.

    Raises:
        LabError: there is no such lab, or the process cannot be ended.
    """
    with locked(cache_folder() / "labs.lock"):
        state = _known(info)
        if state.asterisk is not None:
            stop(state.asterisk, kill=kill)
            save_state(state.with_asterisk(None))


def start_asterisk(info: LabInfo) -> LabInfo:
    """Start the lab's Asterisk again with the same ports and AstDB; wait until it works.

    Raises:
        LabError: there is no such lab, or Asterisk does not start.
    """
    with locked(cache_folder() / "labs.lock"):
        state = _known(info)
        if state.asterisk is not None and state.asterisk.is_alive():
            return state.info
        return _start_asterisk(state).info


def restart_asterisk(info: LabInfo, kill: bool = True) -> LabInfo:
    """Stop the lab's Asterisk and start it again: same ports, same AstDB, another pid.

    Args:
        info: of the lab.
        kill: as a crash would (SIGKILL), instead of SIGTERM.

    Raises:
        LabError: as :func:`stop_asterisk` and :func:`start_asterisk`.
    """
    stop_asterisk(info, kill=kill)
    return start_asterisk(info)


def witness(info: LabInfo, since: int = 0) -> dict[str, int]:
    """Count the calls per number (E.164 with +) that the lab's SIPp has really got.

    Retransmissions count once. The log is complete for calls up to now, and stays readable
    after :func:`lab_down`.

    Args:
        info: of the lab.
        since: a marker from :func:`witness_mark`; 0 is the start of the lab.
    """
    return invites.read_calls(info.witness_log, since)


def witness_callers(info: LabInfo, since: int = 0) -> dict[str, list[str]]:
    """Return which numbers were shown to whom: each called number's calls, in order.

    Args:
        info: of the lab.
        since: a marker from :func:`witness_mark`; 0 is the start of the lab.
    """
    return invites.read_callers(info.witness_log, since)


def witness_mark(info: LabInfo) -> int:
    """Return a marker for :func:`witness`: count only calls from now on."""
    return invites.size(info.witness_log)


def _usable(name: str) -> LabInfo | None:
    """Return a lab that runs and was made from what this callcamp would make it from."""
    state = load_state(name)
    if state is None or state.recipe != _recipe() or not lab_status(name).running:
        return None
    return state.info


def _recipe() -> str:
    """A name for all that a lab is made from; it changes when callcamp is updated."""
    folder = Path(__file__).parent
    files = [
        *(folder / f"{one}.py" for one in _RECIPE),
        *sorted(data_folder("asterisk").glob("*.conf")),
        *sorted(data_folder("dialplan").glob("*.conf")),
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _known(info: LabInfo) -> State:
    state = load_state(info.name)
    if state is None:
        raise LabError(f"There is no lab {info.name!r}; bring it up first.", name=info.name)
    return state


def _find_programs(binary: Path | str | None, say: Progress) -> _Programs:
    if binary is None:
        place = callees = Place(ensure_rootfs(say))
        binary = "/usr/sbin/asterisk"
    else:
        place = Place()
        has_all = all(shutil.which(tool) for tool in ("sipp", "espeak-ng", "sox"))
        callees = Place() if has_all else Place(ensure_rootfs(say))
    printed = place.run([str(binary), "-V"], timeout_s=30)
    found = re.search(r"Asterisk (?:certified[/-])?((\d+)\.[\d.]+)", printed)
    if found is None or int(found[2]) < _OLDEST_ASTERISK:
        raise LabError(
            f"callcamp needs Asterisk {_OLDEST_ASTERISK} or later; {binary} says"
            f" {printed.strip()[:100]!r}.",
            binary=str(binary),
        )
    return _Programs(str(binary), found[1].rstrip("."), place, callees)


def _base(place: Place) -> Path:
    """The folder of all labs in a place."""
    return cache_folder() / "run" if place.root is None else place.root / "var/callcamp-lab"


def _sipp_dir(state: State) -> Path:
    return state.info.witness_log.parent


def _agents_output(state: State) -> Path:
    return state.info.agents_log.parent / "output.log"


def _start_lab(name: str, programs: _Programs, say: Progress, *, go_on: bool) -> LabInfo:
    before = load_state(name)
    if before is not None:
        _stop_processes(before)
    run_dir = _base(programs.asterisk) / name
    sipp_dir = _base(programs.callees) / name / "sipp"
    agents_dir = _base(programs.callees) / name / "agents"
    taken_down = before is not None and before.asterisk is None and before.sipp is None
    if before is None or (taken_down and not go_on):
        shutil.rmtree(run_dir, ignore_errors=True)
        shutil.rmtree(sipp_dir, ignore_errors=True)
        shutil.rmtree(agents_dir, ignore_errors=True)
    for folder in (run_dir, sipp_dir, agents_dir):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    sounds = _sounds(programs.callees, say)
    info = LabInfo(
        name=name,
        run_dir=run_dir,
        ami_host=HOST,
        ami_port=0,
        ami_username=config.AMI_USERNAME,
        ami_secret=before.info.ami_secret if before else secrets.token_urlsafe(24),
        trunk=config.TRUNK,
        sip_port=0,
        sipp_port=0,
        asterisk_pid=0,
        sipp_pid=0,
        asterisk_version=programs.version,
        prompt_sound=programs.asterisk.inside(sounds / audio.PROMPT),
        machine_message_sound=programs.asterisk.inside(sounds / audio.MACHINE_MESSAGE),
        witness_log=sipp_dir / invites.LOG_NAME,
        agents_log=agents_dir / invites.LOG_NAME,
    )
    ports = _ports(name, before)
    info = replace(info, ami_port=ports.ami, sip_port=ports.sip, sipp_port=ports.sipp)
    info = replace(info, http_port=ports.http, agents_port=ports.agents)
    music = programs.asterisk.inside(sounds)
    config.write_config(run_dir, programs.asterisk, ports, info.ami_secret, music)
    say("Starting SIPp and Asterisk")
    inside = programs.callees.inside(sounds)
    sipp = _start_sipp(programs.callees, sipp_dir, scenario.render(inside), ports.sipp)
    try:
        phones = _start_sipp(programs.callees, agents_dir, agents.render(inside), ports.agents)
    except LabError:
        stop(sipp, kill=True)
        raise
    state = State(
        info=replace(info, sipp_pid=sipp.pid, agents_pid=phones.pid),
        asterisk=None,
        sipp=sipp,
        binary=programs.binary,
        asterisk_root=programs.asterisk.root,
        sipp_root=programs.callees.root,
        recipe=_recipe(),
        agents=phones,
    )
    save_state(state)
    try:
        return _start_asterisk(state).info
    except LabError:
        _stop_processes(replace(state, asterisk=None))
        save_state(replace(state, sipp=None, agents=None))
        raise


def _sounds(place: Place, say: Progress) -> Path:
    # The voices are made again when the code that makes them changes.
    key = hashlib.sha256(Path(audio.__file__).read_bytes()).hexdigest()[:12]
    folder = _base(place) / f".audio-{key}"
    if not audio.is_made(folder):
        say("Making the callees' voices")
        audio.make_audio(place, folder)
    return folder


def _start_sipp(place: Place, folder: Path, xml: str, port: int) -> Process:
    (folder / "scenario.xml").write_text(xml)
    inside = place.inside(folder)
    arguments = ["sipp", "-sf", f"{inside}/scenario.xml", "-i", HOST, "-p", str(port)]
    arguments += ["-mi", HOST, "-min_rtp_port", str(config.SIPP_RTP_PORTS[0])]
    arguments += ["-max_rtp_port", str(config.SIPP_RTP_PORTS[1]), "-nostdin"]
    arguments += ["-buff_size", "4000000", "-f", "3600"]
    arguments += ["-trace_logs", "-log_file", f"{inside}/{invites.LOG_NAME}"]
    # No -max_log_size: it would silently end the witness's log, too.
    arguments += ["-log_overwrite", "false"]
    process = spawn(place.command(arguments), output=folder / "output.log", folder=folder)
    _wait(
        process,
        lambda: not is_free(socket.SOCK_DGRAM, port),
        lambda: f"SIPp did not start: {tail(folder / 'output.log')}",
    )
    return process


def _start_asterisk(state: State) -> State:
    info, place = state.info, state.asterisk_place
    configuration = place.inside(info.run_dir / "etc" / "asterisk.conf")
    process = spawn(
        place.command([state.binary, "-C", configuration, "-f"]),
        output=info.run_dir / "output.log",
        folder=info.run_dir,
    )
    state = state.with_asterisk(process)
    save_state(state)

    def works() -> bool:
        try:
            _ping(info, timeout_s=2)
        except LabError:
            return False
        return True

    log = info.run_dir / "log" / "messages.log"
    output = info.run_dir / "output.log"
    _wait(process, works, lambda: f"Asterisk did not start: {tail(log)} {tail(output)}")
    return state


def _wait(process: Process, ready: Callable[[], bool], why: Callable[[], str]) -> None:
    """Wait for a daemon to work; end it if it does not."""
    until = time.monotonic() + _START_TIMEOUT_S
    while process.is_alive() and time.monotonic() < until:
        if ready():
            return
        time.sleep(0.05)
    stop(process, kill=True)
    raise LabError(why())


def _ping(info: LabInfo, *, timeout_s: float) -> None:
    """Check that Asterisk is fully booted and knows the trunk and the dialplan."""
    address = (info.ami_host, info.ami_port)
    with Ami(*address, info.ami_username, info.ami_secret, timeout_s=timeout_s) as ami:
        ami.wait_for("FullyBooted", timeout_s=timeout_s)
        ami.listed("PJSIPShowEndpoint", "EndpointDetailComplete", Endpoint=info.trunk)


def _stop_processes(state: State) -> None:
    for process in (state.asterisk, state.sipp, state.agents):
        if process is not None:
            stop(process, patience_s=3)


def _ports(name: str, before: State | None) -> Ports:
    def of(info: LabInfo) -> Ports:
        return Ports(info.ami_port, info.sip_port, info.sipp_port, info.http_port, info.agents_port)

    others = [of(state.info) for state in all_states() if state.info.name != name]
    taken = {port for ports in others for port in astuple(ports)}
    return choose_ports(of(before.info) if before else None, taken)
