"""Every address, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from callcamp.http import api, exports, imports, pages, presets, progress, stream
from callcamp.http.security import Handler


@dataclass(frozen=True, slots=True)
class Route:
    """One address: what it answers to and with."""

    method: str
    path: str
    handler: Handler


_C = "/campaigns/{campaign_id:[0-9]{1,15}}"
_I = "/imports/{import_id:[0-9]{1,15}}"
_A = f"/api/v1{_C}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/", pages.campaign_list),
    Route("GET", "/live", stream.list_stream),
    Route("GET", "/campaigns/new", pages.new_campaign),
    Route("POST", "/campaigns/new", pages.create_campaign),
    Route("GET", _C, pages.campaign_page),
    Route("GET", f"{_C}/live", stream.campaign_stream),
    Route("GET", f"{_C}/contacts", pages.contacts_part),
    Route("GET", f"{_C}/contacts/delete", pages.ask_delete_contacts),
    Route("POST", f"{_C}/contacts/delete", pages.delete_contacts),
    Route("GET", f"{_C}/edit", pages.edit_campaign),
    Route("POST", f"{_C}/edit", pages.save_campaign),
    Route("POST", f"{_C}/start", pages.move("start")),
    Route("POST", f"{_C}/pause", pages.move("pause")),
    Route("POST", f"{_C}/resume", pages.move("resume")),
    Route("GET", f"{_C}/stop", pages.ask_stop),
    Route("POST", f"{_C}/stop", pages.move("stop")),
    Route("GET", f"{_C}/export.{{fmt:xlsx|csv}}", exports.export),
    Route("POST", f"{_C}/imports", imports.upload),
    Route("GET", _I, imports.import_page),
    Route("POST", f"{_I}/mapping", imports.remap),
    Route("POST", f"{_I}/preset", presets.use),
    Route("POST", f"{_I}/preset/delete", presets.delete),
    Route("POST", f"{_I}/confirm", imports.confirm),
    Route("POST", f"{_I}/undo", imports.undo),
    Route("GET", f"{_I}/errors.csv", imports.error_rows),
    Route("GET", "/progress/{job:[0-9a-f]{32}}", progress.progress),
    Route("GET", "/trunks", pages.trunk_list),
    Route("POST", "/trunks", pages.save_trunk),
    Route("GET", "/healthz", api.health),
    Route("GET", "/api/v1/campaigns", api.campaigns),
    Route("GET", _A, api.campaign),
    Route("GET", f"{_A}/stats", api.stats),
    Route("GET", f"{_A}/contacts", api.contacts),
    Route("GET", f"{_A}/attempts", api.attempts),
    Route("POST", f"{_A}/start", api.move("start")),
    Route("POST", f"{_A}/pause", api.move("pause")),
    Route("POST", f"{_A}/resume", api.move("resume")),
    Route("POST", f"{_A}/stop", api.move("stop")),
)
"""Static files come beside it, under ``/static/``."""


def add_routes(app: web.Application) -> None:
    """Put the table into the application."""
    for route in ROUTES:
        if route.method == "GET":
            app.router.add_get(route.path, route.handler)
        else:
            app.router.add_route(route.method, route.path, route.handler)
