"""For whoever runs callcamp: is it alive, is it ready, and how is it doing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from callcamp.core.permissions import NOBODY, Permission
from callcamp.engine.metrics import Metrics
from callcamp.engine.vitals import Vitals
from callcamp.errors import CallcampError
from callcamp.http.auth import LogInNeeded, NotAllowed
from callcamp.http.context import ENGINE, SETTINGS
from callcamp.http.needs import EngineLike
from callcamp.http.peer import peer_of, principal_of
from callcamp.ports import WebhookQueue

METRICS = web.AppKey("metrics", Metrics)
STORE_PATIENCE_S = 3.0
"""How long the database may take to answer before callcamp is not ready."""
UNSETTLED_MARGINS = 8
"""How many ``settle_margin_s`` an attempt may wait to be settled before callcamp is not ready."""


def add_operations(app: web.Application) -> None:
    """Measure the engine of an application for as long as that runs."""
    engine = app[ENGINE]
    app[METRICS] = Metrics(engine, engine.gateway)
    app.cleanup_ctx.append(_watch_loop)


async def healthz(request: web.Request) -> web.StreamResponse:
    """Tell that the process answers, and how the link to Asterisk is.

    It asks nothing of the database: a supervisor restarts what does not answer here, and a
    restart mends no database.
    """
    return web.json_response({"status": "ok", "link_up": request.app[ENGINE].link_up})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Tell with 200 or 503 whether calls can be placed and their ends be kept, and why not.

    Events that wait for the receiver of a webhook hold no call up: then it is ``degraded``, and
    still 200.

    Raises:
        LogInNeeded: this is not for everybody, and nobody is logged in.
        NotAllowed: the right to view is missing.
    """
    _check_may_read(request)
    engine = request.app[ENGINE]
    database, queues = await _database(engine)
    checks = {"database": database, **_engine(engine, engine.vitals())}
    most_s = UNSETTLED_MARGINS * request.app[SETTINGS].settle_margin_s
    waited_s = engine.vitals().unsettled_s
    checks["unsettled"] = {
        **_check(
            waited_s <= most_s,
            f"An attempt has waited {waited_s:.0f} s to be settled; look for a cut link or a "
            "database that fails.",
        ),
        "age_s": round(waited_s, 3),
        "most_s": most_s,
    }
    ready = all(check["ok"] for check in checks.values())
    webhooks = _webhooks(queues, engine.clock.now(), request.app[SETTINGS].webhook_late_s)
    said = ("ready" if webhooks["ok"] else "degraded") if ready else "not ready"
    return web.json_response(
        {"status": said, "checks": {**checks, "webhooks": webhooks}},
        status=200 if ready else 503,
    )


async def metrics(request: web.Request) -> web.StreamResponse:
    """Return all metrics in Prometheus' text format.

    Raises:
        LogInNeeded: this is not for everybody, and nobody is logged in.
        NotAllowed: the right to view is missing.
    """
    _check_may_read(request)
    body = await request.app[METRICS].text()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _check_may_read(request: web.Request) -> None:
    public = request.app[SETTINGS].metrics_public
    if public == "always" or (public == "loopback" and peer_of(request).is_local):
        return
    principal, needed = principal_of(request), Permission.VIEW
    if principal.may(needed):
        return
    if principal is NOBODY:
        raise LogInNeeded(
            "Send a token with the scope read (“Authorization: Bearer …”), or set metrics_public.",
            needed=needed.value,
        )
    raise NotAllowed(
        f"This needs the right “{needed.value}”, which {principal.actor} does not have.",
        needed=needed.value,
    )


async def _database(engine: EngineLike) -> tuple[dict[str, Any], list[WebhookQueue]]:
    """Return how the database is, and what waits in it for webhooks; nothing if it fails."""
    try:
        async with asyncio.timeout(STORE_PATIENCE_S):
            await engine.store.check()
            queues = await engine.store.webhook_queues()
    except TimeoutError:
        return _check(False, f"The database has not answered for {STORE_PATIENCE_S:g} s."), []
    except CallcampError as error:
        return _check(False, error.message), []
    return _check(True, ""), queues


def _webhooks(queues: list[WebhookQueue], now: datetime, most_s: float) -> dict[str, Any]:
    late = max(queues, key=lambda one: one.age_s(now), default=WebhookQueue(0, 0, None, None))
    age_s = late.age_s(now)
    return {
        **_check(
            age_s <= most_s,
            f"An event has waited {age_s:.0f} s for webhook {late.webhook_id}; "
            f"`callcamp webhook deliveries {late.webhook_id}` says what its receiver answers.",
        ),
        "waiting": sum(one.waiting for one in queues),
        "age_s": round(age_s, 3),
        "most_s": most_s,
    }


def _engine(engine: EngineLike, vitals: Vitals) -> dict[str, dict[str, Any]]:
    return {
        "engine": _check(vitals.running, "The engine does not run; the log says why."),
        "lease": _check(
            vitals.holds_right,
            "The right to dial on this database was not renewed in time; another engine may take "
            "it.",
        ),
        "link": _check(engine.link_up, engine.link_problem or "There is no link to Asterisk."),
        "synced": _check(
            vitals.synced, "Attempts are being compared with Asterisk; dialling waits for that."
        ),
    }


def _check(ok: bool, problem: str) -> dict[str, Any]:
    return {"ok": ok, "problem": None if ok else problem}


async def _watch_loop(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[METRICS].watch_loop(), name="callcamp-loop-lag")
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
