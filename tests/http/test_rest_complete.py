"""Whatever the command line and the engine can do, programs can do: held against the routes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from callcamp.cli.draw import commands
from callcamp.engine.accounts import Accounts
from callcamp.engine.commands import Commands
from callcamp.engine.directory_imports import DirectoryImports
from callcamp.engine.imports import Imports
from callcamp.engine.list_files import ListFiles
from callcamp.engine.lists import Lists
from callcamp.engine.sessions import Sessions
from callcamp.engine.tokens import Tokens
from callcamp.engine.webhooks import Webhooks
from callcamp.engine.why import Why
from callcamp.http import rest
from callcamp.http.rest.table import described

C = "/campaigns/{campaign_id}"
A = "/agents/{agent}"
P = "/directory/imports/{preview_id}"
U = "/users/{user_id}"
W = "/webhooks/{webhook_id}"
ROUTES_OF: dict[str, tuple[str, ...]] = {
    "export": (f"GET {C}/export.{{fmt}}",),
    "audit": ("GET /audit", f"GET {C}/audit"),
    "trunk set": ("POST /trunks",),
    "trunk list": ("GET /trunks",),
    "campaign create": ("POST /campaigns", f"POST {C}/clone"),
    "campaign edit": (f"PATCH {C}",),
    "campaign list": ("GET /campaigns",),
    "campaign show": (f"GET {C}", f"GET {C}/stats", f"GET {C}/why"),
    "campaign missing": (f"GET {C}/missing",),
    "campaign start": (f"POST {C}/start",),
    "campaign pause": (f"POST {C}/pause",),
    "campaign resume": (f"POST {C}/resume",),
    "campaign complete": (f"POST {C}/complete",),
    "campaign stop": (f"POST {C}/stop",),
    "campaign cancel": (f"POST {C}/stop",),
    "campaign remove": (f"DELETE {C}",),
    "campaign retry-failed": (f"POST {C}/retry-failed",),
    "campaign clone": (f"POST {C}/clone",),
    "campaign why": (f"GET {C}/why",),
    "campaign forecast": (f"GET {C}/forecast",),
    "campaign versions": (f"GET {C}/versions",),
    "campaign report": (f"GET {C}/report",),
    "contacts import": (
        "POST /imports",
        "GET /imports/{import_id}",
        "POST /imports/{import_id}/remap",
        "GET /imports/{import_id}/errors.csv",
        "POST /imports/{import_id}/confirm",
        "DELETE /imports/{import_id}",
        "POST /mapping-presets",
    ),
    "contacts from-directory": (f"POST {C}/contacts/from-directory",),
    "contacts imports": ("GET /imports",),
    "contacts undo": ("DELETE /imports/{import_id}",),
    "contacts presets": ("GET /mapping-presets", "GET /mapping-presets/{name}"),
    "contacts preset-delete": ("DELETE /mapping-presets/{name}",),
    "contacts add": (f"POST {C}/contacts", f"POST {C}/contacts/batch"),
    "contacts list": (f"GET {C}/contacts", f"GET {C}/contacts/{{contact_id}}"),
    "contacts exclude": (f"POST {C}/contacts/{{contact_id}}/exclude",),
    "contacts delete": (f"DELETE {C}/contacts/{{contact_id}}", f"DELETE {C}/contacts"),
    "contacts review": (f"POST {C}/contacts/{{contact_id}}/review",),
    "directory add": ("POST /directory/contacts",),
    "directory import": (
        "POST /directory/imports",
        f"GET {P}",
        f"POST {P}/remap",
        f"GET {P}/errors.csv",
        f"POST {P}/confirm",
        f"DELETE {P}",
    ),
    "directory list": ("GET /directory/contacts",),
    "directory show": ("GET /directory/contacts/{phone}",),
    "directory remove": ("DELETE /directory/contacts/{phone}",),
    "filter save": ("POST /filters",),
    "filter list": ("GET /filters",),
    "filter show": ("GET /filters/{name}", "POST /directory/preview"),
    "filter remove": ("DELETE /filters/{name}",),
    "dnc add": ("POST /suppressions", "POST /suppressions/file"),
    "dnc remove": ("DELETE /suppressions",),
    "dnc list": ("GET /suppressions",),
    "dnc import": ("PUT /dnc-lists/{name}", "PUT /dnc-lists/{name}/file"),
    "dnc lists": ("GET /dnc-lists",),
    "dnc drop-list": ("DELETE /dnc-lists/{name}",),
    "consent record": ("POST /consents", "POST /consents/file"),
    "consent revoke": ("POST /consents/revoke",),
    "consent show": ("GET /consents",),
    "number set": ("POST /numbers",),
    "number list": ("GET /numbers",),
    "number rest": ("POST /numbers/{phone}/rest",),
    "number wake": ("POST /numbers/{phone}/wake",),
    "number remove": ("DELETE /numbers/{phone}",),
    "outcome set": ("POST /outcomes",),
    "outcome list": ("GET /outcomes",),
    "call show": ("GET /calls/{call_id}",),
    "call outcome": ("POST /calls/{call_id}/outcome",),
    "agent add": ("POST /agents", f"POST {C}/agents"),
    "agent list": ("GET /agents", f"GET {C}/agents"),
    "agent show": (f"GET {A}", f"GET {A}/live"),
    "agent change": (f"PATCH {A}",),
    "agent remove": (f"DELETE {A}",),
    "agent join": (f"POST {C}/agents",),
    "agent leave": (f"DELETE {C}/agents/{{agent}}",),
    "agent report": ("GET /reports/agents", "GET /reports/agents.{fmt}"),
    "legal list": ("GET /legal-presets",),
    "legal show": ("GET /legal-presets/{preset_id}",),
    "webhook add": ("POST /webhooks",),
    "webhook list": ("GET /webhooks", f"GET {W}"),
    "webhook change": (f"PATCH {W}",),
    "webhook renew-secret": (f"POST {W}/renew-secret",),
    "webhook remove": (f"DELETE {W}",),
    "webhook deliveries": (f"GET {W}/deliveries",),
    "webhook redeliver": ("POST /deliveries/{delivery_id}/redeliver",),
    "webhook test": (f"POST {W}/test",),
    "user add": ("POST /users",),
    "user list": ("GET /users", f"GET {U}", f"GET {U}/sessions"),
    "user change": (f"PATCH {U}",),
    "user password": (f"POST {U}/password",),
    "user remove": (f"PATCH {U}",),
    "user log-out": (f"POST {U}/log-out",),
    "user codes-off": (f"DELETE {U}/codes",),
    "token create": ("POST /tokens",),
    "token list": ("GET /tokens",),
    "token revoke": ("DELETE /tokens/{token_id}",),
}
"""Commands, and the routes under ``/api/v1`` that do the same."""
NOT_OVER_HTTP: dict[str, str] = {
    "serve": "it is what answers over HTTP",
    "demo": "it is a program of its own, with a database of its own",
    "init": "it makes the settings and the first account, before there is anything to ask",
    "migrate": "the database is migrated while callcamp does not run",
    "doctor": "it looks at the machine for why callcamp does not run; /readyz tells how it runs",
    "agent phones": "it writes files for Asterisk on the machine where Asterisk runs",
    "simulate": "it reckons for a while on made-up calls, which real ones should not wait for",
    "lab up": "the lab is for whoever tries callcamp on a machine of their own",
    "lab down": "the lab is for whoever tries callcamp on a machine of their own",
    "lab status": "the lab is for whoever tries callcamp on a machine of their own",
    "lab build": "the lab is for whoever tries callcamp on a machine of their own",
}
"""Commands without a route, and why."""
EVERYWHERE = {"json", "yes"}
"""Options that are about the terminal."""
SAME: dict[str, tuple[str, ...]] = {
    # What is found by its name or number on a command line is found by its id over HTTP.
    "attempt_id": ("call_id",),
    "phone": ("contact_id",),
    "name": ("user_id", "agent", "outcome"),
    "names": ("agents", "agent"),
    "token": ("token_id",),
    "--user": ("user_id",),
    "--trunk": ("trunk_id",),
    "--campaign": ("campaign_id",),
    "--contact": ("phone",),
    "--like": ("campaign_id",),
    "--phone": ("phones",),
    "phones": ("contacts",),
    # A cursor says what was on the page before.
    "--after": ("cursor",),
    "--before": ("cursor",),
    # Options that are given several times are lists; pairs are objects.
    "--number": ("numbers",),
    "--other": ("others",),
    "--other-phone": ("mapping",),
    "--map": ("mapping",),
    "--rest": ("mapping",),
    "--save-preset": ("name",),
    "--event": ("events",),
    "--scope": ("scopes",),
    "--status": ("statuses",),
    "--disposition": ("dispositions",),
    "--where": ("conditions",),
    "--any": ("match",),
    "--all": ("everybody",),
    "--set": ("settings", "variables"),
    # The same under a longer name.
    "--dial": ("dial_string",),
    "--given": ("given_at",),
    "--until": ("expires_at",),
    "--hours": ("until",),
    "--expires-days": ("expires_at",),
    "--manage-campaigns": ("manages_campaigns",),
    "--password-file": ("password",),
    "--on": ("active",),
    "--version": ("If-Match",),
    "--skip": ("zone",),
    # Settings of a campaign, some of them inside of others.
    "--retry-delay-s": ("delay_s",),
    "--window-start": ("start",),
    "--window-end": ("end",),
    "--success-match": ("match",),
    "--start": ("starts_at",),
    "--end": ("ends_at",),
}
"""Options whose field has another name than theirs, and which."""
_E164 = "numbers in paths are E.164"
NO_FIELD: dict[str, str] = {
    "campaign versions --compare": "the answer has every version whole: whoever has it compares",
    "contacts import --errors": "the rows left out have a route of their own",
    "directory import --errors": "the rows left out have a route of their own",
    "contacts import --dry-run": "a preview imports nothing until it is confirmed",
    "directory import --dry-run": "a preview imports nothing until it is confirmed",
    "export file": "the answer is the file",
    "directory show --region": _E164,
    "directory remove --region": _E164,
    "number rest --region": _E164,
    "number wake --region": _E164,
    "number remove --region": _E164,
}
"""Commands with an option that has no field, and why."""
_PEOPLE = "people do it themselves in the pages: it asks for their password, or for an account"
_PER_REQUEST = "every request goes through it"
_CHILD = "ListFiles does it in a process of its own"
DESKS: dict[type, str] = {
    Commands: "commands",
    Lists: "lists",
    Imports: "imports",
    DirectoryImports: "directory_imports",
    ListFiles: "list_files",
    Accounts: "access",
    Sessions: "access",
    Tokens: "access",
    Webhooks: "webhooks",
    Why: "why",
}
"""Use-cases, and the attribute of the engine, or of what it has, by which they are asked for."""
UNASKED: dict[str, str] = {
    "Accounts.begin_totp": _PEOPLE,
    "Accounts.confirm_totp": _PEOPLE,
    "Accounts.disable_own_totp": _PEOPLE,
    "Accounts.change_password": _PEOPLE,
    "Accounts.user_named": "accounts have numbers in the API",
    "Sessions.log_in": _PEOPLE,
    "Sessions.log_out": _PEOPLE,
    "Sessions.principal_of_session": _PER_REQUEST,
    "Tokens.principal_of_token": _PER_REQUEST,
    "Tokens.note_bad_token": _PER_REQUEST,
    "Imports.purge_older_than": "the engine does it by itself, by import_keep_days",
    "Webhooks.queues": "/readyz and /metrics tell it",
    "Lists.import_dnc_list": _CHILD,
    "Lists.suppress_file": _CHILD,
    "Lists.record_consents_file": _CHILD,
}
"""Public methods of the engine that no route calls, and why."""


@cache
def _commands() -> dict[str, Any]:
    return commands()


@cache
def _operations() -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation
        for path, methods in described()["paths"].items()
        for method, operation in methods.items()
    }


def _names(schema: Any, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the names of all fields of a schema, those inside of others included."""
    if isinstance(schema, list):
        for one in schema:
            yield from _names(one, seen)
    elif isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            yield from _names(described()["components"]["schemas"][name], seen | {name})
        yield from schema.get("properties", {})
        for one in schema.values():
            yield from _names(one, seen)


@cache
def _fields(route: str) -> frozenset[str]:
    operation = _operations()[route]
    found = {one["name"] for one in operation["parameters"]}
    return frozenset(found) | set(_names(operation.get("requestBody", {})))


def _options(name: str) -> Iterator[str]:
    for parameter in _commands()[f"callcamp {name}"].params:
        option = parameter.param_type_name == "option"
        told = max(parameter.opts, key=len) if option else parameter.name
        if told.lstrip("-").replace("-", "_") not in EVERYWHERE:
            yield told


def test_every_command_has_a_route_or_a_reason() -> None:
    known = {name.removeprefix("callcamp ") for name in _commands()}
    told = ROUTES_OF.keys() | NOT_OVER_HTTP.keys()
    assert known - told == set(), "say in ROUTES_OF which route does the same"
    assert told - known == set(), "these commands are gone"
    assert ROUTES_OF.keys() & NOT_OVER_HTTP.keys() == set()


def test_the_routes_are_there() -> None:
    told = {route for routes in ROUTES_OF.values() for route in routes}
    assert told - _operations().keys() == set()


@pytest.mark.parametrize("name", sorted(ROUTES_OF))
def test_every_option_has_a_field_or_a_reason(name: str) -> None:
    fields = frozenset[str]().union(*map(_fields, ROUTES_OF[name]))
    for option in _options(name):
        if f"{name} {option}" in NO_FIELD:
            continue
        own = option.lstrip("-").replace("-", "_")
        assert fields & {own, *SAME.get(option, ())}, (option, sorted(fields))


def test_no_exception_is_left_over() -> None:
    there = {f"{name} {option}" for name in ROUTES_OF for option in _options(name)}
    assert NO_FIELD.keys() - there == set()
    assert SAME.keys() - {told.rpartition(" ")[2] for told in there} == set()


def _called() -> set[tuple[str, str]]:
    """Return what the modules of the routes ask for: ``engine.imports.undo`` is (imports, undo)."""
    found = set()
    for path in Path(str(rest.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                found.add((node.value.attr, node.attr))
    return found


def test_every_use_case_is_asked_for_by_a_route_or_has_a_reason() -> None:
    called = _called()
    unasked = {
        f"{desk.__name__}.{name}"
        for desk, attribute in DESKS.items()
        for name, _ in inspect.getmembers(desk, inspect.isroutine)
        if not name.startswith("_") and (attribute, name) not in called
    }
    assert unasked - UNASKED.keys() == set()
    assert UNASKED.keys() - unasked == set()
