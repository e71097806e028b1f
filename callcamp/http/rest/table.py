"""Every address of the API, in one table; the OpenAPI document is drawn from it."""

from __future__ import annotations

from functools import cache
from typing import Any

from aiohttp import web

from callcamp.core.permissions import Permission
from callcamp.http.context import render
from callcamp.http.rest import (
    about,
    accounts,
    agent_commands,
    agents,
    agents_phone,
    calls,
    campaigns,
    contacts,
    directory_imports,
    forecast,
    imports,
    live,
    mappings,
    outbound,
    people,
    queues,
    records,
    registers,
    webhooks,
)
from callcamp.http.rest.fields import Query
from callcamp.http.rest.openapi import document
from callcamp.http.rest.route import Call, RestRoute

__all__ = ["REST_ROUTES", "RestRoute", "described", "reference"]


@cache
def described() -> dict[str, Any]:
    """Return the OpenAPI document of :data:`REST_ROUTES`; not to be changed."""
    return document(REST_ROUTES)


async def _openapi(_call: Call[Query, None]) -> web.StreamResponse:
    return web.json_response(described())


async def reference(request: web.Request) -> web.StreamResponse:
    """Show the reference page, drawn from the OpenAPI document."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            shown = {"method": method.upper(), "path": path, **operation}
            groups.setdefault(operation["tags"][0], []).append(shown)
    tags = {one["name"]: one["description"] for one in described()["tags"]}
    return render(request, "api.html", {"groups": groups, "tags": tags})


REST_ROUTES: tuple[RestRoute, ...] = (
    *campaigns.ROUTES,
    *contacts.ROUTES,
    *calls.ROUTES,
    *forecast.ROUTES,
    *imports.ROUTES,
    *mappings.ROUTES,
    *people.ROUTES,
    *directory_imports.ROUTES,
    *outbound.ROUTES,
    *records.ROUTES,
    *registers.ROUTES,
    *agents.ROUTES,
    *agent_commands.ROUTES,
    *queues.ROUTES,
    *accounts.ROUTES,
    *agents_phone.ROUTES,
    *webhooks.ROUTES,
    *live.ROUTES,
    *about.ROUTES,
    RestRoute(
        "GET",
        "/api/openapi.json",
        _openapi,
        Permission.PUBLIC,
        "This document",
        media=("application/json",),
    ),
)
"""Every address of the API."""
