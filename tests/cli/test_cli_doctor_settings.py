"""The doctor on settings: variables that are none, and an address that `serve` refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def nowhere(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Let the doctor find no Asterisk, soon."""
    monkeypatch.setenv("CALLCAMP_AMI_PORT", "9")
    monkeypatch.setenv("CALLCAMP_AMI_CONNECT_TIMEOUT_S", "0.2")


def checks(cli: Cli) -> dict[str, Any]:  # noqa: F811
    return {check["name"]: check for check in cli("doctor", "--json", code=1).json["checks"]}


def test_a_misspelt_variable_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("CALLCAMP_AMI_SECRT", "hush")
    monkeypatch.setenv("callcamp_zzz", "1")
    found = checks(cli)["environment"]
    assert found["verdict"] == "warn"
    assert "CALLCAMP_AMI_SECRT, callcamp_zzz" in found["text"]
    assert found["text"].count("Perhaps") == 1
    assert "Perhaps CALLCAMP_AMI_SECRET was meant" in found["text"]
    assert "hush" not in str(found)


def test_variables_of_tests_and_containers_are_no_mistakes(
    cli: Cli,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TEST_POSTGRES_URL", "MODEL_SEEDS", "AMI_SECRET_FILE", "WEB_PORT"):
        monkeypatch.setenv(f"CALLCAMP_{name}", "1")
    monkeypatch.setenv("callcamp_http_port", "8081")
    assert checks(cli)["environment"]["verdict"] == "ok"


def test_an_address_that_serve_refuses(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    assert checks(cli)["pages"]["verdict"] == "ok"
    monkeypatch.setenv("CALLCAMP_HTTP_HOST", "0.0.0.0")
    found = checks(cli)["pages"]
    assert found["verdict"] == "fail"
    assert "0.0.0.0" in found["text"]
    assert "127.0.0.1" in found["mend"]


def test_an_address_on_the_network_wants_an_administrator(
    cli: Cli,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    cli("migrate")
    monkeypatch.setenv("CALLCAMP_HTTP_HOST", "192.0.2.7")
    found = checks(cli)["pages"]
    assert found["verdict"] == "fail"
    assert "192.0.2.7" in found["text"]
    assert "callcamp init" in found["text"]
    secret = tmp_path / "password"
    secret.write_text("correct horse battery staple")
    secret.chmod(0o600)
    cli("user", "add", "ann", "--role", "admin", "--password-file", str(secret))
    assert checks(cli)["pages"]["verdict"] == "ok"
