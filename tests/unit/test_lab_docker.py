"""The container files say the same as the files they go with."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from callcamp.lab.rootfs import read_packages

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


def test_published_audio_ports_are_asterisks() -> None:
    rtp = dict(
        re.findall(r"(rtpstart|rtpend) = (\d+)", (DOCKER / "asterisk/etc/rtp.conf").read_text())
    )
    ports = f"{rtp['rtpstart']}-{rtp['rtpend']}"
    assert f'"{ports}:{ports}/udp"' in (DOCKER / "compose.yaml").read_text()


def test_the_manager_is_not_published() -> None:
    compose = (DOCKER / "compose.yaml").read_text()
    assert "bindaddr = 127.0.0.1" in (DOCKER / "asterisk/etc/manager.conf").read_text()
    assert not re.search(r"(?m)^ *- .*5038", compose)
    for published in re.findall(r'(?m)^ *- "(.*:8081)"$', compose):
        assert published.startswith("127.0.0.1:")


def entrypoint(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    tools = folder / "bin"
    tools.mkdir()
    asterisk = tools / "asterisk"
    asterisk.write_text('#!/bin/sh\necho "asterisk $*; $CALLCAMP_AMI_SECRET"\n')
    asterisk.chmod(0o755)
    return subprocess.run(
        [DOCKER / "asterisk/entrypoint.sh"],
        env={"PATH": f"{tools}:/usr/bin:/bin", "CALLCAMP_RUN_DIR": str(folder), **environment},
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
    ],
)
def test_what_would_break_the_configuration_is_refused(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = entrypoint(tmp_path, **environment)
    assert done.returncode == 1
    assert not (tmp_path / "manager_user.conf").exists()
