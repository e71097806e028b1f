"""The containers of ``docker/`` without a container engine.

The network namespace that the services share, the image that the Dockerfile makes of the lab's
root filesystem, its entry point and its user are real; only packages are not installed anew. A
second namespace is the host, which publishes ports as a container engine does (DNAT), and a third
is the street, where browsers are: they know the host's address and not the containers'.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).parents[1]
DOCKER = TOP / "docker"
POD, INSIDE, HOST, STREET = "172.30.99.2", "172.30.99.1", "203.0.113.5", "203.0.113.77"
"""Addresses of the services, of the host to them and to the street, and of the browser."""
SECRET = "a-secret-of-the-manager"
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])((?:[^{}]|\$\{[^{}]*\})*))?\}")


def interpolated(text: str, env: Mapping[str, str]) -> str:
    """Fill ``${NAME:-default}`` and ``${NAME:?problem}`` in, as compose does."""

    def value(match: re.Match[str]) -> str:
        name, how, rest = match.groups()
        if found := env.get(name):
            return found
        if how == "?":
            raise KeyError(f"{name}: {rest}")
        return interpolated(rest or "", env)

    return _VARIABLE.sub(value, text)


def composed(*names: str, **env: str) -> dict[str, Any]:
    """Return what compose makes of some of its files: lists are joined, tables are merged."""

    def merge(one: Any, other: Any) -> Any:
        if isinstance(one, dict) and isinstance(other, dict):
            return one | {key: merge(one[key], v) if key in one else v for key, v in other.items()}
        if isinstance(one, list) and isinstance(other, list):
            return one + [item for item in other if item not in one]
        return other

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(one) for key, one in value.items()}
        if isinstance(value, list):
            return [fill(one) for one in value]
        return interpolated(value, env) if isinstance(value, str) else value

    whole: dict[str, Any] = {}
    for name in ("compose.yaml", *names):
        whole = merge(whole, yaml.safe_load((DOCKER / name).read_text()))
    filled: dict[str, Any] = fill(whole)
    return filled


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, each with what follows it."""
    text = re.sub(r"(?m)^#.*\n", "", dockerfile.read_text()).replace("\\\n", " ")
    pairs = (line.partition(" ") for line in text.splitlines() if line.strip())
    return [(word, rest.strip()) for word, _, rest in pairs]


def wait_until(what: str, ready: Any, timeout_s: float = 60) -> None:
    """Wait until something holds."""
    until = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > until:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.05)


class Containers:
    """The services of compose.yaml on this machine.

    Args:
        folder: for their files; readable by everybody.
        root: the root filesystem in which the image's packages are.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self._root = root
        self._stack = ExitStack()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.phones = folder / "phones"
        self.certs = folder / "certs"
        self.merged = folder / "merged"

    def __enter__(self) -> Containers:
        for path in (self.phones, self.certs, self.merged, self.folder / "work"):
            path.mkdir()
        os.chown(self.phones, 0, 10001)
        self.phones.chmod(0o2770)
        (self.folder / "ami_secret").write_text(SECRET)
        (self.folder / "ami_secret").chmod(0o644)
        here = Path("/proc/self/ns/net").readlink()
        for name in ("pod", "host", "street"):
            held = self.start(name, ["unshare", "--net", "sleep", "infinity"])
            link = Path(f"/proc/{held.pid}/ns/net")
            wait_until(f"a namespace for {name}", lambda link=link: link.readlink() != here)
            self.run(name, "ip link set lo up")
        self._cable("pod", POD, "host", INSIDE, "eth0")
        self._cable("street", STREET, "host", HOST, "eth1")
        self.run("pod", f"ip route add default via {INSIDE}")
        self.run("host", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        return self

    def _cable(self, one: str, address: str, other: str, its: str, device: str) -> None:
        peer = f"peer name {device} netns {self._running[other].pid}"
        self.run(one, f"ip link add eth0 type veth {peer}")
        for name, own, link in ((one, address, "eth0"), (other, its, device)):
            self.run(name, f"ip addr add {own}/24 dev {link} && ip link set {link} up")

    def publish(self, service: Mapping[str, Any]) -> None:
        """Publish ports to the street as compose.yaml says; those of loopback are not."""
        rules = []
        for port in service["ports"]:
            outer, inner = port.removesuffix("/udp").rsplit(":", 1)
            kind = "udp" if port.endswith("/udp") else "tcp"
            if not outer.startswith("127."):
                to = POD if outer == inner else f"{POD}:{inner}"
                rules.append(f"iif eth1 {kind} dport {outer} dnat to {to}")
        text = "\n".join(
            (
                "table ip engine {",
                "chain in {",
                "type nat hook prerouting priority -100; policy accept;",
                *rules,
                "}",
                "chain out {",
                "type nat hook postrouting priority 100; policy accept;",
                "oif eth1 masquerade",
                "}",
                "}",
                "",
            )
        )
        (self.folder / "rules").write_text(text)
        self.run("host", f"nft -f {self.folder}/rules")

    def pid(self, name: str) -> int:
        """Return the process that runs as a service, or that holds a network."""
        return self._running[name].pid

    def run(self, name: str, script: str) -> str:
        """Run a shell's command in a network; returns what it printed."""
        command = self.inside(name, ["sh", "-ec", script])
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running.values()):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(
        self, name: str, command: list[str], env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a service; what it says goes to a file of its name."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if env is None else {"PATH": os.environ["PATH"], **env},
            )
        self._running[name] = process
        return process

    def said(self, name: str) -> str:
        """Return what a service has said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def inside(self, name: str, command: list[str]) -> list[str]:
        """Return a command that runs in the network of ``pod``, ``host`` or ``street``."""
        return ["nsenter", "--target", str(self._running[name].pid), "--net", *command]

    def listens(self, name: str, port: int) -> None:
        """Wait until somebody listens on a TCP port of a network."""
        probe = f"socat -u OPEN:/dev/null TCP:127.0.0.1:{port} 2> /dev/null && echo yes || true"
        wait_until(f"{name} listens on {port}", lambda: "yes" in self.run(name, probe))

    def leads(self, where: str, port: int, to: str) -> None:
        """Lead a TCP port on, as the service ``pod`` does."""
        listen = f"TCP-LISTEN:{port},fork,reuseaddr"
        self.start(f"{where}-{port}", self.inside(where, ["socat", listen, f"TCP:{to}"]))

    def _mounted(self, *more: str) -> str:
        upper, work = self.folder / "upper", self.folder / "work"
        layers = f"lowerdir={self._root},upperdir={upper},workdir={work}"
        return "\n".join(
            (
                "set -e",
                f"mount -t overlay overlay -o {layers} {self.merged}",
                f"mount -t proc proc {self.merged}/proc",
                f"mount --rbind /dev {self.merged}/dev",
                *more,
            )
        )

    def build(self) -> None:
        """Make Asterisk's image: every instruction but those that install packages."""
        upper = self.folder / "upper"
        upper.mkdir()
        (upper / "etc").mkdir()
        names = f"127.0.0.1 localhost\n{POD} {socket.gethostname()}\n"
        (upper / "etc/hosts").write_text(names)
        for word, rest in instructions(DOCKER / "asterisk/Dockerfile"):
            if word == "COPY":
                options = [one for one in rest.split() if one.startswith("--")]
                *sources, target = [one for one in rest.split() if not one.startswith("--")]
                for source in sources:
                    self._copy(TOP / source, target, "--chmod=755" in options)
            elif word == "RUN" and "apt-get" not in rest:
                script = self._mounted(f"exec chroot {self.merged} sh -c {shlex.quote(rest)}")
                subprocess.run(["unshare", "--mount", "sh", "-c", script], check=True)

    def _copy(self, source: Path, target: str, executable: bool) -> None:
        path = self.folder / "upper" / target.lstrip("/")
        if source.is_dir():
            shutil.copytree(source, path, dirs_exist_ok=True)
            return
        if target.endswith("/"):
            path = path / source.name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
        path.chmod(0o755 if executable else 0o644)

    def asterisk(self, service: Mapping[str, Any]) -> None:
        """Start Asterisk as the service says, with the user and entry point of its image."""
        words = dict(instructions(DOCKER / "asterisk/Dockerfile"))
        entry = yaml.safe_load(words["ENTRYPOINT"])
        binds = []
        for inside, outside in (
            ("/phones", self.phones),
            ("/certs", self.certs),
            ("/run/secrets/ami_secret", self.folder / "ami_secret"),
        ):
            target = self.folder / "upper" / inside.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.mkdir(exist_ok=True) if outside.is_dir() else target.touch()
            binds.append(f"mount --bind {outside} {self.merged}{inside}")
        run = ["exec", "chroot", f"--userspec={words['USER']}", str(self.merged), *entry]
        script = self._mounted(*binds, shlex.join(run))
        self.start(
            "asterisk",
            self.inside("pod", ["unshare", "--mount", "sh", "-c", script]),
            env=service["environment"],
        )
        wait_until("Asterisk has started", lambda: self.healthy() or self._ended("asterisk"))
        assert not self._ended("asterisk"), self.said("asterisk")

    def _ended(self, name: str) -> bool:
        return self._running[name].poll() is not None

    def stop(self, name: str) -> None:
        """Stop a service."""
        process = self._running.pop(name)
        process.terminate()
        process.wait(30)

    def _exec(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in Asterisk's container."""
        target = ["nsenter", "--target", str(self._running["asterisk"].pid), "--mount", "--net"]
        return subprocess.run(
            [*target, "--root", "--", *command], capture_output=True, text=True, check=False
        )

    def healthy(self) -> bool:
        """Say what the image's health check says."""
        check = dict(instructions(DOCKER / "asterisk/Dockerfile"))["HEALTHCHECK"]
        return self._exec("sh", "-c", check.partition("CMD ")[2]).returncode == 0

    def log(self) -> str:
        """Return what Asterisk wrote where it may not write to its output."""
        path = self.folder / "upper/var/log/asterisk/messages.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def cli(self, command: str) -> str:
        """Return what Asterisk's console answers."""
        return self._exec("asterisk", "-rx", command).stdout

    def callcamp_env(self, service: Mapping[str, Any]) -> dict[str, str]:
        """Return the environment of callcamp's container."""
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        return {
            "HOME": str(data),
            "CALLCAMP_DATA_DIR": str(data),
            "CALLCAMP_DATABASE_URL": f"sqlite:///{data}/callcamp.sqlite3",
            "CALLCAMP_PHONES_DIR": str(self.phones),
            **{
                key: value.replace("/run/secrets", str(self.folder))
                for key, value in service["environment"].items()
            },
        }

    def callcamp(self, service: Mapping[str, Any], *words: str) -> str:
        """Run a command in callcamp's container."""
        tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            self.inside("pod", [str(DOCKER / "callcamp/entrypoint.sh"), *words]),
            env={"PATH": tools, **self.callcamp_env(service)},
            cwd=self.folder / "data",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    def serve(self, service: Mapping[str, Any]) -> None:
        """Start callcamp, and wait until it answers."""
        tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        command = [str(DOCKER / "callcamp/entrypoint.sh"), "callcamp", "serve"]
        self.start(
            "callcamp",
            self.inside("pod", command),
            env={**self.callcamp_env(service), "PATH": tools},
        )
        health = "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"
        probe = self.inside("pod", [sys.executable, "-c", health])
        wait_until(
            "callcamp answers",
            lambda: subprocess.run(probe, capture_output=True, check=False).returncode == 0,
        )


@contextmanager
def containers(folder: Path, root: Path) -> Iterator[Containers]:
    """Have the containers for a block, Asterisk's image built."""
    folder.chmod(0o755)
    with Containers(folder, root) as found:
        found.build()
        yield found
