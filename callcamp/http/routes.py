"""Every address, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from callcamp.core.permissions import Permission
from callcamp.http import (
    account,
    agent_pages,
    agent_phone,
    agent_stream,
    agent_work,
    board,
    exports,
    forecast,
    imports,
    login,
    operations,
    pages,
    presets,
    progress,
    stream,
    users,
    webhooks,
)
from callcamp.http.rest import table as rest
from callcamp.http.security import Handler
from callcamp.http.server import expectation


@dataclass(frozen=True, slots=True)
class Route:
    """One address: what it answers to and with, and what it asks of whoever comes."""

    method: str
    path: str
    handler: Handler
    permission: Permission


_VIEW = Permission.VIEW
_MANAGE = Permission.MANAGE_CAMPAIGNS
_ADMIN = Permission.ADMINISTER
_SUPERVISE = Permission.SUPERVISE_AGENTS
_OWN = Permission.OWN_ACCOUNT
_AGENT = Permission.AGENT

_MINE = "/agent/{agent:[a-z0-9][a-z0-9._-]{0,63}}"
_X = "{attempt:[A-Za-z0-9-]{1,64}}"
_C = "/campaigns/{campaign_id:[0-9]{1,15}}"
_I = "/imports/{import_id:[0-9]{1,15}}"
_U = "/users/{user_id:[0-9]{1,15}}"
_W = "/webhooks/{webhook_id:[0-9]{1,15}}"
_A = "/agents/{agent:[a-z0-9][a-z0-9._-]{0,63}}"
_T = "tokens/{token_id:[0-9]{1,15}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/", pages.campaign_list, _VIEW),
    Route("GET", "/live", stream.list_stream, _VIEW),
    Route("GET", "/campaigns/new", pages.new_campaign, _MANAGE),
    Route("POST", "/campaigns/new", pages.create_campaign, _MANAGE),
    Route("GET", _C, pages.campaign_page, _VIEW),
    Route("GET", f"{_C}/forecast", forecast.page, _VIEW),
    Route("GET", f"{_C}/live", stream.campaign_stream, _VIEW),
    Route("GET", f"{_C}/contacts", pages.contacts_part, _VIEW),
    Route("GET", f"{_C}/contacts/delete", pages.ask_delete_contacts, _MANAGE),
    Route("POST", f"{_C}/contacts/delete", pages.delete_contacts, _MANAGE),
    Route("GET", f"{_C}/edit", pages.edit_campaign, _MANAGE),
    Route("POST", f"{_C}/edit", pages.save_campaign, _MANAGE),
    Route("POST", f"{_C}/start", pages.move("start"), _MANAGE),
    Route("POST", f"{_C}/pause", pages.move("pause"), _MANAGE),
    Route("POST", f"{_C}/resume", pages.move("resume"), _MANAGE),
    Route("GET", f"{_C}/stop", pages.ask_stop, _MANAGE),
    Route("POST", f"{_C}/stop", pages.move("stop"), _MANAGE),
    Route("GET", f"{_C}/export.{{fmt:xlsx|csv}}", exports.export, _VIEW),
    Route("POST", f"{_C}/imports", imports.upload, _MANAGE),
    Route("GET", _I, imports.import_page, _VIEW),
    Route("POST", f"{_I}/mapping", imports.remap, _MANAGE),
    Route("POST", f"{_I}/preset", presets.use, _MANAGE),
    Route("POST", f"{_I}/preset/delete", presets.delete, _MANAGE),
    Route("POST", f"{_I}/confirm", imports.confirm, _MANAGE),
    Route("POST", f"{_I}/undo", imports.undo, _MANAGE),
    Route("GET", f"{_I}/errors.csv", imports.error_rows, _VIEW),
    Route("GET", "/progress/{job:[0-9a-f]{32}}", progress.progress, _VIEW),
    Route("GET", "/board", board.board, _VIEW),
    Route("GET", "/board/live", board.board_stream, _VIEW),
    *(
        Route("POST", f"/board{_A.removeprefix('/agents')}/{name}", board.order(name), _SUPERVISE)
        for name in board.ORDERS
    ),
    Route("GET", "/active", board.active, _VIEW),
    Route("GET", "/active/live", board.active_stream, _VIEW),
    Route("GET", "/agents", agent_pages.page, _ADMIN),
    Route("POST", "/agents", agent_pages.add, _ADMIN),
    Route("GET", "/agents/report", agent_pages.report, _VIEW),
    Route("POST", _A, agent_pages.change, _ADMIN),
    Route("POST", f"{_A}/delete", agent_pages.delete, _ADMIN),
    Route("POST", f"{_C}/agents", agent_pages.join, _MANAGE),
    Route("POST", f"{_C}{_A}/remove", agent_pages.leave, _MANAGE),
    Route("GET", "/trunks", pages.trunk_list, _ADMIN),
    Route("POST", "/trunks", pages.save_trunk, _ADMIN),
    Route("GET", "/agent", agent_work.own_page, _AGENT),
    Route("GET", "/agent/phone", agent_phone.page, _AGENT),
    Route("GET", _MINE, agent_work.page, _AGENT),
    Route("GET", f"{_MINE}/live", agent_stream.stream, _AGENT),
    Route("GET", f"{_MINE}/desk", agent_work.desk, _AGENT),
    Route("GET", f"{_MINE}/targets", agent_work.targets, _AGENT),
    Route("GET", f"{_MINE}/calls/{_X}", agent_work.call, _AGENT),
    Route("GET", f"{_MINE}/calls/{_X}/callback", agent_work.callback, _AGENT),
    Route("GET", "/login", login.page, Permission.PUBLIC),
    Route("POST", "/login", login.log_in, Permission.PUBLIC),
    Route("POST", "/logout", login.log_out, _OWN),
    Route("GET", "/account", account.page, _OWN),
    Route("POST", "/account/password", account.change_password, _OWN),
    Route("POST", "/account/log-out-everywhere", account.log_out_everywhere, _OWN),
    Route("POST", "/account/codes/begin", account.begin_totp, _OWN),
    Route("POST", "/account/codes/confirm", account.confirm_totp, _OWN),
    Route("POST", "/account/codes/disable", account.disable_totp, _OWN),
    Route("POST", "/account/tokens", account.create_token, _OWN),
    Route("POST", f"/account/{_T}/revoke", account.revoke_token, _OWN),
    Route("GET", "/users", users.page, _ADMIN),
    Route("POST", "/users", users.add, _ADMIN),
    Route("POST", _U, users.change, _ADMIN),
    Route("POST", f"{_U}/password", users.reset_password, _ADMIN),
    Route("POST", f"{_U}/log-out", users.log_out, _ADMIN),
    Route("POST", f"/users/{_T}/revoke", users.revoke_token, _ADMIN),
    Route("GET", "/webhooks", webhooks.page, _ADMIN),
    Route("POST", "/webhooks", webhooks.add, _ADMIN),
    Route("GET", _W, webhooks.show, _ADMIN),
    Route("POST", _W, webhooks.change, _ADMIN),
    Route("POST", f"{_W}/test", webhooks.test, _ADMIN),
    Route("POST", f"{_W}/secret", webhooks.renew_secret, _ADMIN),
    Route("POST", f"{_W}/remove", webhooks.remove, _ADMIN),
    Route(
        "POST",
        "/webhooks/deliveries/{delivery_id:[0-9]{1,15}}/redeliver",
        webhooks.redeliver,
        _ADMIN,
    ),
    Route("GET", "/healthz", operations.healthz, Permission.PUBLIC),
    # By the setting metrics_public they may ask for the right to view.
    Route("GET", "/readyz", operations.readyz, Permission.PUBLIC),
    Route("GET", "/metrics", operations.metrics, Permission.PUBLIC),
    Route("GET", "/api", rest.reference, _VIEW),
    *(Route(r.method, r.path, r.handler, r.permission) for r in rest.REST_ROUTES),
)
"""Static files come beside it, under ``/static/``."""


_HOMES = ("/", "/agent", "/account")


def homes() -> tuple[tuple[str, Permission], ...]:
    """Return the pages where people begin, best first, with what each asks for."""
    asked = {route.path: route.permission for route in ROUTES if route.method == "GET"}
    return tuple((path, asked[path]) for path in _HOMES if path in asked)


def add_routes(app: web.Application) -> dict[web.AbstractRoute, Permission]:
    """Put the table into the application; returns what each of its routes asks for."""
    asked: dict[web.AbstractRoute, Permission] = {}
    for route in ROUTES:
        for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
            added = app.router.add_route(
                method, route.path, route.handler, expect_handler=expectation
            )
            asked[added] = route.permission
    return asked
