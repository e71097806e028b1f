"""Building and distrusting the lab's root filesystem, with fake builders and programs."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from callcamp.errors import LabError
from callcamp.lab import rootfs
from callcamp.lab.mirror import debian_mirror
from callcamp.lab.place import Place, data_folder

FAKE_BUILDER = """#!/bin/sh
for word; do case "$word" in */rootfs-*) root="$word" ;; esac; done
echo built >> "$COUNT"
[ -e "$COUNT.fail" ] && { echo "E: no such mirror"; exit 1; }
sleep 0.2
mkdir -p "$root/var/cache/apt/archives" "$root/var/lib/apt/lists"
"""


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake mmdebstrap; returns the file with a line for each time it ran."""
    tools = tmp_path / "bin"
    tools.mkdir()
    builder = tools / "mmdebstrap"
    builder.write_text(FAKE_BUILDER)
    builder.chmod(0o755)
    count = tmp_path / "count"
    count.write_text("")
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("COUNT", str(count))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def run(self: Place, arguments: list[str], *, timeout_s: float = 0) -> str:
        assert self.root is not None
        if (self.root / "broken").exists():
            raise LabError("asterisk failed")
        return "Asterisk 22.1.0" if "asterisk" in arguments[0] else "SIPp v3"

    monkeypatch.setattr(Place, "run", run)
    return count


def test_is_built_once_and_then_used(builds: Path) -> None:
    said: list[str] = []
    root = rootfs.ensure_rootfs(said.append)
    assert (root / rootfs.STAMP).exists()
    assert not (root / "var/cache/apt").exists()
    assert rootfs.ensure_rootfs(said.append) == root
    assert builds.read_text().count("built") == 1
    assert len(said) == 1


def test_half_built_or_broken_is_built_again(builds: Path) -> None:
    root = rootfs.ensure_rootfs()
    (root / rootfs.STAMP).unlink()
    assert rootfs.ensure_rootfs() == root
    (root / "broken").touch()
    assert rootfs.ensure_rootfs() == root
    assert rootfs.what_is_wrong(root) is None
    assert builds.read_text().count("built") == 3
    assert [one.name for one in root.parent.glob("rootfs-*/..")] == [".."]


def test_one_that_a_process_lives_in_is_never_thrown_away(
    builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = rootfs.ensure_rootfs()
    (root / "broken").touch()
    monkeypatch.setattr(rootfs, "_in_use", lambda path: path == root)
    with pytest.raises(LabError, match="take it down"):
        rootfs.ensure_rootfs()
    assert root.exists()


def test_a_failed_build_says_why_and_leaves_nothing(builds: Path) -> None:
    Path(f"{builds}.fail").touch()
    with pytest.raises(LabError, match="no such mirror"):
        rootfs.ensure_rootfs()
    cache = rootfs.rootfs_path(rootfs.read_packages()).parent
    assert not [one for one in cache.iterdir() if one.is_dir()]


def test_two_processes_build_once(builds: Path) -> None:
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=rootfs.ensure_rootfs) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
        assert one.exitcode == 0
    assert builds.read_text().count("built") == 1


def test_without_root_it_says_what_to_do(builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="sudo"):
        rootfs.ensure_rootfs()


def test_the_key_follows_suite_and_packages(tmp_path: Path) -> None:
    path = tmp_path / "packages.txt"
    path.write_text("# suite: forky\n# a comment\nasterisk\n\nsox\n")
    packages = rootfs.read_packages(path)
    assert packages == rootfs.PackageList("forky", ("asterisk", "sox"))
    assert packages.key != rootfs.PackageList("forky", ("asterisk",)).key
    assert packages.key != rootfs.PackageList("sid", ("asterisk", "sox")).key
    path.write_text("asterisk\n")
    with pytest.raises(LabError):
        rootfs.read_packages(path)


def test_the_shipped_list_is_complete() -> None:
    packages = rootfs.read_packages(data_folder("asterisk") / "packages.txt")
    assert {"asterisk", "sip-tester", "espeak-ng", "sox"} <= set(packages.packages)


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        (
            "sources.list",
            "deb [signed-by=/k] https://m.example/debian/ stable main\n",
            "https://m.example/debian",
        ),
        ("sources.list", "# deb http://m.example/debian x main\n", None),
        ("sources.list", "deb http://m.example/ubuntu noble main\n", None),
        ("sources.list.d/a.list", "deb http://m.example/debian-security x main\n", None),
        (
            "sources.list.d/a.sources",
            "Types: deb\nURIs: http://s.example/debian-security\n\nTypes: deb deb-src\nURIs: http://m.example/debian\n",
            "http://m.example/debian",
        ),
        (
            "sources.list.d/a.sources",
            "Types: deb\nEnabled: no\nURIs: http://m.example/debian\n",
            None,
        ),
        ("sources.list.d/a.sources", "Types: deb-src\nURIs: http://m.example/debian\n", None),
    ],
)
def test_the_hosts_mirror_is_found(
    tmp_path: Path, name: str, text: str, mirror: str | None
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert debian_mirror(tmp_path) == mirror
