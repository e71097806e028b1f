"""The container files say the same as the files they go with."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from container_kit import composed

from callcamp.http.security import phone_origin
from callcamp.lab.rootfs import read_packages
from callcamp.settings import Settings

TOP = Path(__file__).parents[2]
DOCKER = TOP / "docker"


def test_tests_and_container_use_one_suite() -> None:
    dockerfile = (DOCKER / "asterisk/Dockerfile").read_text()
    assert f"FROM debian:{read_packages().suite}-slim" in dockerfile


def test_every_file_that_is_copied_is_there_and_not_ignored() -> None:
    for name in ("asterisk", "callcamp"):
        dockerfile = (DOCKER / name / "Dockerfile").read_text().replace("\\\n", " ")
        ignore = (DOCKER / name / "Dockerfile.dockerignore").read_text().split()
        kept = [word[1:] for word in ignore if word.startswith("!")]
        for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", dockerfile):
            for source in [word for word in line.split() if not word.startswith("--")][:-1]:
                assert (TOP / source).exists(), source
                assert any(source == one or source.startswith(f"{one}/") for one in kept), source


def test_published_audio_ports_are_asterisks(tmp_path: Path) -> None:
    for end in ("", "10399"):
        whole = composed(CALLCAMP_RTP_END=end)["services"]
        environment = whole["asterisk"]["environment"]
        done = entrypoint(tmp_path, CALLCAMP_AMI_SECRET="x", CALLCAMP_RTP_END=end)
        assert done.returncode == 0
        text = (tmp_path / "rtp.conf").read_text()
        rtp = dict(re.findall(r"(rtpstart|rtpend) = (\d+)", text))
        ports = f"{rtp['rtpstart']}-{rtp['rtpend']}"
        assert environment["CALLCAMP_RTP_END"] == rtp["rtpend"]
        assert f"{ports}:{ports}/udp" in whole["pod"]["ports"]


def test_the_manager_is_not_published_and_pages_only_on_loopback() -> None:
    assert "bindaddr = 127.0.0.1" in (DOCKER / "asterisk/etc/manager.conf").read_text()
    assert "bindaddr = 127.0.0.1" in (TOP / "asterisk/http_callcamp.conf").read_text()
    for names in ((), ("compose.https.yaml",), ("compose.wss.yaml",), ("compose.turn.yaml",)):
        whole = composed(*names, CALLCAMP_HOST="calls.test", CALLCAMP_TLS="internal")
        ports = whole["services"]["pod"]["ports"]
        assert not any("5038" in port for port in ports)
        for port in ports:
            if port.endswith((":8080", ":8081", ":8082", ":8088")):
                assert port.startswith("127.0.0.1:")
        assert all("ports" not in one for name, one in whole["services"].items() if name != "pod")


def test_every_way_in_is_one_that_callcamp_takes() -> None:
    """What compose gives to callcamp are settings that it knows, and that pages may open."""
    for names, host, source in (
        ((), "127.0.0.1", "ws://127.0.0.1:8088"),
        (("compose.https.yaml", "compose.turn.yaml"), "calls.test", ""),
    ):
        whole = composed(*names, CALLCAMP_HOST="calls.test", CALLCAMP_TLS="internal")
        environment = whole["services"]["callcamp"]["environment"]
        values = {
            name.removeprefix("CALLCAMP_").lower(): value
            for name, value in environment.items()
            if not name.endswith("_FILE")
        }
        assert set(values) <= set(Settings.model_fields)
        lists = {key: json.loads(value) for key, value in values.items() if value[:1] == "["}
        settings = Settings(**{**values, **lists})
        assert phone_origin(settings) == source
        assert host in {*settings.http_allowed_hosts, "127.0.0.1"}


def entrypoint(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    asterisk = tools / "asterisk"
    asterisk.write_text('#!/bin/sh\necho "asterisk $*; $CALLCAMP_AMI_SECRET"\n')
    asterisk.chmod(0o755)
    folders = {"CALLCAMP_RUN_DIR": str(folder), "CALLCAMP_PHONES_DIR": str(folder)}
    return subprocess.run(
        [DOCKER / "asterisk/entrypoint.sh"],
        env={"PATH": f"{tools}:/usr/bin:/bin", **folders, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-file\n")
    done = entrypoint(tmp_path, CALLCAMP_AMI_SECRET_FILE=str(secret), CALLCAMP_AMI_SECRET="x")
    assert done.stdout == "asterisk -f -C /etc/asterisk/asterisk.conf; \n"
    user = tmp_path / "manager_user.conf"
    assert "secret = from-file\n" in user.read_text()
    assert user.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"CALLCAMP_AMI_SECRET": "two\nlines"},
        {"CALLCAMP_AMI_SECRET": "semi;colon"},
        {"CALLCAMP_AMI_SECRET": "good", "CALLCAMP_EXTERNAL_ADDRESS": "a\nb = c"},
        {"CALLCAMP_AMI_SECRET": "good", "CALLCAMP_AGENT_ADDRESS": "pbx.example.com"},
        {"CALLCAMP_AMI_SECRET": "good", "CALLCAMP_AGENT_ADDRESS": "192.0.2.1\nb = c"},
        {"CALLCAMP_AMI_SECRET": "good", "CALLCAMP_RTP_END": "99"},
        {"CALLCAMP_AMI_SECRET": "good", "CALLCAMP_RTP_END": "10\n0"},
        {"CALLCAMP_AMI_SECRET": "good", "CALLCAMP_WSS_CERTIFICATE": "/etc/hostname"},
        {"CALLCAMP_AMI_SECRET": "good", "CALLCAMP_WSS_CERTIFICATE": "/no", "CALLCAMP_WSS_KEY": "/"},
        {
            "CALLCAMP_AMI_SECRET": "good",
            "CALLCAMP_WSS_CERTIFICATE": "/etc/hostname\nb = c",
            "CALLCAMP_WSS_KEY": "/etc/hostname",
        },
    ],
)
def test_what_would_break_the_configuration_is_refused(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = entrypoint(tmp_path, **environment)
    assert done.returncode == 1
    assert not (tmp_path / "manager_user.conf").exists()


def test_phones_are_told_the_address_that_they_know(tmp_path: Path) -> None:
    def written(**environment: str) -> tuple[str, str, str]:
        done = entrypoint(tmp_path, CALLCAMP_AMI_SECRET="x", **environment)
        assert done.returncode == 0, done.stderr
        names = ("pjsip_outside.conf", "pjsip_phones_outside.conf", "rtp.conf")
        provider, desks, browsers = ((tmp_path / name).read_text() for name in names)
        return provider, desks, browsers

    for text in written():
        assert "external" not in text
        assert "ice_host_candidates" not in text
    for environment, provider_address, phones_address in (
        ({"CALLCAMP_EXTERNAL_ADDRESS": "203.0.113.5"}, "203.0.113.5", "203.0.113.5"),
        (
            {"CALLCAMP_EXTERNAL_ADDRESS": "pbx.test", "CALLCAMP_AGENT_ADDRESS": "192.0.2.9"},
            "pbx.test",
            "192.0.2.9",
        ),
    ):
        provider, desks, browsers = written(**environment)
        assert f"external_media_address = {provider_address}\n" in provider
        assert f"external_media_address = {phones_address}\n" in desks
        for line in browsers.partition("[ice_host_candidates]\n")[2].splitlines():
            assert line.endswith(f" => {phones_address},include_local_address")


def test_phones_that_are_there_are_kept(tmp_path: Path) -> None:
    phones = tmp_path / "pjsip_callcamp_phones.conf"
    entrypoint(tmp_path, CALLCAMP_AMI_SECRET="x")
    assert phones.read_text() == ""
    phones.write_text("[anna]\n")
    entrypoint(tmp_path, CALLCAMP_AMI_SECRET="x")
    assert phones.read_text() == "[anna]\n"


def test_phones_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    phones = tmp_path / "pjsip_callcamp_phones.conf"
    phones.write_text("[anna]\n")
    callcamp = tmp_path / "callcamp"

    def written(script: str) -> int:
        callcamp.write_text(f"#!/bin/sh\n{script}\n")
        callcamp.chmod(0o755)
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CALLCAMP_PHONES_DIR": str(tmp_path)}
        command = [DOCKER / "callcamp/phones.sh"]
        return subprocess.run(command, env=environment, check=False).returncode

    assert written("echo '[bert]'; exit 1") == 1
    assert phones.read_text() == "[anna]\n"
    assert written("echo '[bert]'") == 0
    assert phones.read_text() == "[bert]\n"
    assert phones.stat().st_mode & 0o007 == 0
    assert sorted(tmp_path.iterdir()) == [callcamp, phones]


@pytest.mark.parametrize("secret", ["", "two\nlines", "a b"])
def test_a_relay_without_a_good_secret_does_not_start(tmp_path: Path, secret: str) -> None:
    (tmp_path / "secret").write_text(secret)
    environment = {
        "PATH": "/usr/bin:/bin",
        "CALLCAMP_RUN_DIR": str(tmp_path),
        "CALLCAMP_TURN_SECRET_FILE": str(tmp_path / "secret"),
    }
    done = subprocess.run(
        ["sh", DOCKER / "turn.sh"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "turn_secret must hold" in done.stderr
    assert not (tmp_path / "turnserver.conf").exists()
