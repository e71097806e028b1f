"""Phones of agents as sections of pjsip.conf, and the files that they stand on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.agents import Agent, AgentPhone, PhoneKind
from callcamp.errors import InvalidInput
from callcamp.switch.phones import phone_sections

ROOT = Path(__file__).parents[2]
SECRET = "s3cret-s3cret_s3cret"


def agent(name: str = "anna", kind: PhoneKind = PhoneKind.BROWSER, address: str = "") -> Agent:
    return Agent(1, name, AgentPhone(kind, address or name))


def sections(text: str) -> list[tuple[str, str, dict[str, str]]]:
    """Read name, template and values of every section."""
    found: list[tuple[str, str, dict[str, str]]] = []
    for line in text.splitlines():
        if head := re.fullmatch(r"\[(.+)\]\((.+)\)", line):
            found.append((head[1], head[2], {}))
        elif line and not line.startswith(";"):
            key, value = line.split(" = ")
            found[-1][2][key] = value
    return found


def test_a_phone_is_an_endpoint_an_auth_and_an_aor() -> None:
    text = phone_sections(
        [(agent(), SECRET), (agent("bob", PhoneKind.SIP, "desk.7"), SECRET[::-1])]
    )
    assert sections(text) == [
        ("anna", "callcamp-browser", {"auth": "anna", "aors": "anna"}),
        ("anna", "callcamp-phone-auth", {"username": "anna", "password": SECRET}),
        ("anna", "callcamp-phone-aor", {}),
        ("desk.7", "callcamp-desk", {"auth": "desk.7", "aors": "desk.7"}),
        ("desk.7", "callcamp-phone-auth", {"username": "desk.7", "password": SECRET[::-1]}),
        ("desk.7", "callcamp-phone-aor", {}),
    ]
    assert sections(phone_sections([])) == []


def test_the_templates_are_those_that_we_ship() -> None:
    shipped = (ROOT / "asterisk/pjsip_callcamp_agents.conf").read_text()
    templates = set(re.findall(r"^\[([\w-]+)\]\(!", shipped, re.MULTILINE))
    used = {
        template
        for kind in (PhoneKind.BROWSER, PhoneKind.SIP)
        for _, template, _ in sections(phone_sections([(agent(kind=kind), SECRET)]))
    }
    assert used <= templates
    [context] = set(re.findall(r"^context = ([\w-]+)", shipped, re.MULTILINE))
    dialplan = (ROOT / "dialplan/extensions_callcamp_phones.conf").read_text()
    assert re.findall(r"^\[([\w-]+)\]", dialplan, re.MULTILINE) == [context]
    assert re.findall(r"^exten => (\w+),", dialplan, re.MULTILINE) == ["echo"]


@pytest.mark.parametrize(
    ("one", "secret", "field"),
    [
        (agent(address="a]\n[b"), SECRET, "address"),
        (agent(address="a;b"), SECRET, "address"),
        (agent(address="-a"), SECRET, "address"),
        (agent(kind=PhoneKind.EXTERNAL, address="+4930123"), SECRET, "address"),
        (agent(), "short", "password"),
        (agent(), "s3cret-s3cret\ncontext = world", "password"),
        (agent(), "s3cret;s3cret-s3cret", "password"),
    ],
)
def test_what_could_become_configuration_is_refused(one: Agent, secret: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        phone_sections([(one, secret)])
    assert refused.value.details["field"] == field
    assert secret not in refused.value.message


def test_two_agents_cannot_have_one_phone() -> None:
    with pytest.raises(InvalidInput, match="anna and bob"):
        phone_sections([(agent(), SECRET), (agent("bob", address="anna"), SECRET)])


@given(st.text(max_size=30), st.text(max_size=40))
def test_no_name_and_no_password_adds_a_section_or_a_value(address: str, secret: str) -> None:
    one = Agent(1, "anna", AgentPhone(PhoneKind.BROWSER, address))
    try:
        text = phone_sections([(one, secret)])
    except InvalidInput:
        return
    assert [(name, sorted(values)) for name, _, values in sections(text)] == [
        (address, ["aors", "auth"]),
        (address, ["password", "username"]),
        (address, []),
    ]
