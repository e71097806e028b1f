"""Set-up, settings, errors and harmless output of the command line."""

from __future__ import annotations

import io
import logging
import os
import re
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from cli_runner import Cli
from hypothesis import given
from hypothesis import strategies as st

from callcamp import __version__
from callcamp.cli.output import clean, count, plain, share, when


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Cli]:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CALLCAMP_")]:
        monkeypatch.delenv(name)
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield Cli(capsys)
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


@pytest.mark.parametrize(
    "arguments",
    [
        ["campaign", "show", "abc", "--json"],
        ["campaign", "show", "--json"],
        ["campaign", "list", "--json", "--bogus"],
        ["trunk", "set", "x", "--dial", "PJSIP/{number}@x", "--cps", "abc", "--json"],
        ["trunk", "set", "x", "--dial", "PJSIP/{number}@x", "--cps", "nan", "--json"],
        ["campaign", "show", "9" * 30, "--json"],
        ["contacts", "undo", "9" * 30, "--json"],
    ],
)
def test_wrong_use_is_told_to_programs_too(cli: Cli, arguments: list[str]) -> None:
    cli("migrate")
    ran = cli(*arguments, code=2)
    assert ran.json["error"]["id"] == "invalid_input"
    assert ran.json["error"]["message"]
    assert "NaN" not in ran.out.replace('"NaN"', "").replace("nan", "")


def test_a_question_without_an_answer_is_told_to_programs(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    cli("migrate")
    cli("trunk", "set", "x", "--dial", "PJSIP/{number}@x")
    cli("campaign", "create", "x")
    ran = cli("campaign", "stop", "1", "--json", code=1)
    assert ran.json["error"]["id"] == "conflict"


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version").out == f"callcamp {__version__}\n"
    assert "campaign" in cli("--help").out
    assert "Usage" in cli("campaign", "create", "--help").out


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "callcamp", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("callcamp ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["campaign", "create"],
        ["campaign", "show", "abc"],
        ["campaign", "list", "--status", "bogus"],
        ["trunk", "set", "x"],
        ["contacts", "import", "1", "no-such-file.csv"],
        ["--config", "no-such-file.toml", "trunk", "list"],
        ["export", "1", "result.pdf"],
        ["export", "1", "no-such-folder/result.csv"],
    ],
)
def test_wrong_use_is_two(cli: Cli, arguments: list[str]) -> None:
    ran = cli(*arguments, code=2)
    assert ran.err
    assert not ran.out


def test_init_writes_a_private_file_with_a_new_secret_and_says_what_asterisk_needs(
    cli: Cli, tmp_path: Path
) -> None:
    umask = os.umask(0)
    try:
        ran = cli("init", "--ami-port", "5039")
    finally:
        os.umask(umask)
    file = tmp_path / "callcamp.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = re.search(r'^ami_secret = "(.{32,})"$', file.read_text(), re.MULTILINE)
    assert secret
    assert f"secret = {secret[1]}" in ran.out
    assert re.search(r"^ami_port = 5039$", file.read_text(), re.MULTILINE)
    for words in ("#include manager_callcamp.conf", "#include extensions_callcamp.conf"):
        assert words in ran.out
    named = [Path(line.strip()) for line in ran.out.splitlines() if line.strip().endswith(".conf")]
    assert len([path for path in named if path.is_file()]) == 2
    assert cli("migrate", "--json").json["revision"]
    assert cli("trunk", "list", "--json").json == {"items": []}


def test_init_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "callcamp.toml").write_text("mine")
    ran = cli("init", code=1)
    assert "not overwritten" in ran.err
    assert (tmp_path / "callcamp.toml").read_text() == "mine"


def test_another_file_of_settings(cli: Cli, tmp_path: Path) -> None:
    cli("--config", "other.toml", "init")
    assert not (tmp_path / "callcamp.toml").exists()
    cli("--config", "other.toml", "trunk", "list")


def test_without_a_database_the_way_to_make_one_is_told(cli: Cli) -> None:
    ran = cli("campaign", "list", "--json", code=1)
    assert ran.json["error"]["id"] == "store_error"
    assert "callcamp migrate" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bogus = 1", "bogus: there is no such setting"),
        ("http_port = 99999", "http_port"),
        ("this is not toml", "not TOML"),
    ],
)
def test_unusable_settings_are_named(cli: Cli, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "callcamp.toml").write_text(text)
    assert words in cli("trunk", "list", code=2).err


def test_the_environment_wins_and_is_checked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("init")
    monkeypatch.setenv("CALLCAMP_LOG_LEVEL", "shout")
    # Commands log nothing of their own, so the level of serve does not matter to them.
    cli("trunk", "list")
    assert "shout" in cli("serve", code=2).err
    monkeypatch.setenv("CALLCAMP_HTTP_PORT", "eighty")
    ran = cli("trunk", "list", "--json", code=2)
    assert "http_port" in ran.json["error"]["details"]["fields"]


def test_an_interrupted_question_ends_cleanly(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("callcamp.cli.trunk.with_commands", interrupt)
    ran = cli("trunk", "list", code=None)
    assert ran.code in {1, 130}


@given(st.text())
def test_nothing_that_a_terminal_would_obey_is_left(value: str) -> None:
    cleaned = clean(value)
    assert not {unicodedata.category(c) for c in cleaned} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert all(c in cleaned for c in value if c.isprintable())


def test_escapes_become_visible() -> None:
    assert clean("a\x1b[31m\u202e\u2028\n\x9b") == r"a\x1b[31m\u202e\u2028\n\x9b"
    assert clean(None) == ""


def test_small_words() -> None:
    assert [count(n, "call") for n in (0, 1, 2000)] == ["0 calls", "1 call", "2,000 calls"]
    assert (share(None), share(0.256)) == ("–", "25.6%")
    assert when(None) == "–"
    with pytest.raises(TypeError):
        plain(object())
