"""Accounts and tokens from the command line, and the first administrator."""

from __future__ import annotations

import getpass
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import argon2.profiles
import pytest
from cli_runner import Cli, Ran
from test_cli_basics import cli  # noqa: F401 - a fixture

from callcamp.engine import passwords

PASSWORD = "correct pony battery"
OTHER = "another pony battery"
EVIL = "\x1b[31m[bold]<b>\u202e"
Typed = Callable[[str], None]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "RFC_9106_LOW_MEMORY", argon2.profiles.CHEAPEST)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Have something on stdin, which is no terminal."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


class Terminal(io.StringIO):
    """Answers of somebody who sits there; passwords are typed as well."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def sit(*answers: str) -> None:
        left = list(answers)

        def answer(*_: Any, **__: Any) -> str:
            if not left:
                raise KeyboardInterrupt
            return left.pop(0)

        monkeypatch.setattr("sys.stdin", Terminal())
        monkeypatch.setattr(getpass, "getpass", answer)
        monkeypatch.setattr("typer._click.termui.hidden_prompt_func", answer, raising=False)
        monkeypatch.setattr("typer._click.termui.visible_prompt_func", answer, raising=False)

    return sit


@pytest.fixture
def made(cli: Cli, typed: Typed) -> Cli:  # noqa: F811
    typed(f"{PASSWORD}\n")
    cli("init", "--admin", "Ann")
    return cli


def items(ran: Ran) -> list[Any]:
    return list(ran.json["items"])


def test_init_makes_the_first_administrator(cli: Cli, typed: Typed, tmp_path: Path) -> None:  # noqa: F811
    typed(f"{PASSWORD}\r\nnothing else is read")
    ran = cli("init", "--admin", "Ann")
    assert "Made the administrator ann." in ran.out
    (ann,) = items(cli("user", "list", "--json"))
    assert (ann["name"], ann["role"], ann["active"]) == ("ann", "admin", True)
    assert PASSWORD not in ran.out + ran.err
    assert PASSWORD.encode() not in b"".join(
        path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    )


def test_init_takes_the_password_from_a_file(cli: Cli, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "pw").write_text(f"{PASSWORD}\n")
    cli("init", "--admin", "ann", "--password-file", "pw")
    assert len(items(cli("user", "list", "--json"))) == 1


def test_init_makes_nobody_when_nobody_can_be_asked(cli: Cli, typed: Typed) -> None:  # noqa: F811
    typed("")
    ran = cli("init")
    assert "No administrator was made" in ran.out
    assert "callcamp user add NAME --role admin" in ran.out
    assert items(cli("user", "list", "--json")) == []
    assert "makes the first" in cli("user", "list").out


@pytest.mark.parametrize(
    "case",
    [
        ("ann", "", "no password on the first line"),
        ("ann", "\n" + PASSWORD, "no password on the first line"),
        ("ann", "short", "10 to 200"),
        ("ann", "password123", "tried first"),
        ("a b", PASSWORD, "admin is"),
        (EVIL, PASSWORD, "admin is"),
    ],
)
def test_init_leaves_nothing_half_done(
    cli: Cli,  # noqa: F811
    typed: Typed,
    tmp_path: Path,
    case: tuple[str, str, str],
) -> None:
    name, password, words = case
    typed(password)
    ran = cli("init", "--admin", name, code=2)
    assert words in ran.err
    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_init_asks_on_a_terminal_until_it_can_be_used(
    cli: Cli,  # noqa: F811
    at_terminal: Callable[..., None],
) -> None:
    at_terminal("not a name", "ann", "short", "short", "Ann", PASSWORD, PASSWORD)
    ran = cli("init")
    assert "Made the administrator ann." in ran.out
    assert "10 to 200" in ran.err
    assert [one["name"] for one in items(cli("user", "list", "--json"))] == ["ann"]


def test_a_password_is_typed_twice(made: Cli, at_terminal: Callable[..., None]) -> None:
    at_terminal(PASSWORD, OTHER, OTHER, OTHER)
    made("user", "add", "bob", "--role", "agent")
    assert len(items(made("user", "list", "--json"))) == 2


def test_a_question_that_is_left_changes_nothing(
    made: Cli, at_terminal: Callable[..., None]
) -> None:
    at_terminal(PASSWORD)
    assert made("user", "add", "bob", "--role", "agent", code=None).code
    assert len(items(made("user", "list", "--json"))) == 1


def test_init_adds_nobody_to_a_database_with_accounts(
    made: Cli, typed: Typed, tmp_path: Path
) -> None:
    (tmp_path / "callcamp.toml").unlink()
    typed(f"{PASSWORD}\n")
    assert "has accounts already" in made("init", "--admin", "eve").out
    assert [one["name"] for one in items(made("user", "list", "--json"))] == ["ann"]


def test_accounts_from_first_to_last(made: Cli, typed: Typed) -> None:
    typed(f"{PASSWORD}\n")
    ran = made("user", "add", "Bob", "--role", "supervisor", "--manage-campaigns")
    assert "bob (supervisor, manages campaigns)" in ran.out
    typed(f"{PASSWORD}\n")
    eve = made("user", "add", "eve", "--role", "agent", "--json").json
    assert (eve["name"], eve["role"]) == ("eve", "agent")
    assert "password" not in str(eve)
    assert "agent" in made("user", "change", "bob", "--role", "agent").out
    changed = made(
        "user", "change", "bob", "--role", "supervisor", "--manage-campaigns", "--json"
    ).json
    assert changed["manages_campaigns"] is True
    assert made("user", "change", "bob", "--no-manage-campaigns", "--json").json["role"]
    typed(f"{OTHER}\n")
    assert made("user", "password", "bob", "--json").json["password_changed"] is True
    typed(f"{PASSWORD}\n")
    assert "logged out everywhere" in made("user", "password", "bob").out
    assert made("user", "log-out", "bob", "--json").json == {"name": "bob", "sessions": 0}
    assert "0 sessions" in made("user", "log-out", "bob").out
    assert made("user", "codes-off", "bob", "--yes", "--json").json["has_totp"] is False
    assert "password alone" in made("user", "codes-off", "bob", "-y").out
    typed("n\n")
    made("user", "remove", "bob", code=1)
    assert "inactive" in made("user", "remove", "bob", "-y").out
    assert made("user", "remove", "bob", "--yes", "--json").json["active"] is False
    assert "bob is active" in made("user", "change", "bob", "--active").out
    table = made("user", "list").out
    assert [line.split()[0] for line in table.splitlines()] == ["NAME", "ann", "bob", "eve"]
    told = items(made("audit", "--json"))
    assert {entry["actor"].partition(":")[0] for entry in told} == {"cli"}
    assert PASSWORD not in str(told)
    assert OTHER not in str(told)


def test_the_last_administrator_stays(made: Cli) -> None:
    for change in (("remove", "ann", "-y"), ("change", "ann", "--inactive")):
        ran = made("user", *change, "--json", code=1)
        assert ran.json["error"]["id"] == "conflict"
    assert made("user", "change", "ann", "--role", "agent", code=1).err.count("\n") == 1


@pytest.mark.parametrize("name", ["nobody", EVIL, "", "'; --", "x" * 500])
def test_accounts_that_are_not_there(made: Cli, name: str) -> None:
    for command in (["log-out"], ["remove", "-y"], ["codes-off", "-y"], ["change", "--active"]):
        ran = made("user", *command, "--", name, code=1)
        assert "There is no account" in ran.err
        assert "\x1b" not in ran.err


def test_unusable_values(made: Cli, typed: Typed, tmp_path: Path) -> None:
    typed(f"{PASSWORD}\n")
    made("user", "add", EVIL, "--role", "agent", code=2)
    typed(f"{PASSWORD}\n")
    made("user", "add", "ann", "--role", "agent", code=1)
    typed(f"{PASSWORD}\n")
    made("user", "add", "bob", "--role", "agent", "--manage-campaigns", code=2)
    made("user", "add", "bob", "--role", "king", code=2)
    made("user", "add", "bob", "--role", "agent", "--password-file", "missing", code=2)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    made("user", "add", "bob", "--role", "agent", "--password-file", "binary", code=2)
    assert len(items(made("user", "list", "--json"))) == 1


def test_a_password_is_no_argument(made: Cli) -> None:
    for given in (("--password", PASSWORD), (PASSWORD,)):
        made("user", "add", "bob", "--role", "agent", *given, code=2)
        made("user", "password", "ann", *given, code=2)


def test_tokens_from_first_to_last(made: Cli) -> None:
    assert "No tokens" in made("token", "list").out
    ran = made("token", "create", "crm", "--scope", "contacts", "--scope", "read")
    secret = ran.out.strip()
    assert secret.startswith("ccp_")
    assert secret not in ran.err
    assert "not shown again" in ran.err
    one = made(
        "token", "create", "nightly", "--scope", "read", "--expires-days", "1", "--user", "ann",
        "--json",
    ).json  # fmt: skip
    assert one["token"].startswith(one["prefix"])
    assert (one["scopes"], one["user_id"]) == (["read"], 1)
    found = made("token", "list", "--json")
    assert [token["name"] for token in items(found)] == ["nightly", "crm"]
    shown = made("token", "list").out
    for hidden in (secret, one["token"]):
        assert hidden not in found.out + shown + made("audit", "--json").out
    assert "contacts, read" in shown
    assert "revoked" in made("token", "revoke", "1").out
    assert made("token", "revoke", "1", "--json").json == {"id": 1, "revoked": True}
    assert items(made("token", "list", "--json"))[1]["revoked_at"]
    assert "revoked" in made("token", "list").out


def test_tokens_that_cannot_be_made(made: Cli, typed: Typed) -> None:
    typed(f"{PASSWORD}\n")
    made("user", "add", "eve", "--role", "agent")
    for given in (
        ["x"],
        ["x", "--scope", "everything"],
        ["x", "--scope", "read", "--expires-days", "0"],
        ["x", "--scope", "read", "--user", "eve"],
        [EVIL, "--scope", "read"],
    ):
        made("token", "create", *given, code=2)
    made("token", "create", "x", "--scope", "read", "--user", "nobody", code=1)
    made("token", "revoke", "99", code=1)
    assert items(made("token", "list", "--json")) == []
