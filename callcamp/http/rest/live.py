"""What goes on now, as server-sent events; and the callbacks that are agreed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Annotated

from aiohttp import web
from pydantic import Field

from callcamp.core.permissions import Permission
from callcamp.core.states import CampaignStatus
from callcamp.errors import CallcampError
from callcamp.http.auth import still_allowed
from callcamp.http.context import CLOSING
from callcamp.http.rest.campaigns import StatsOut
from callcamp.http.rest.contacts import ContactOut, ContactsPage
from callcamp.http.rest.fields import Limit, Query, QueryId
from callcamp.http.rest.route import Call, Reply, RestRoute
from callcamp.http.stream import event_stream, unless_closing

MIN_PAUSE_S = 1.0
HEARTBEAT_S = 15.0
_VIEW = Permission.VIEW


class LiveQuery(Query):
    """What to watch."""

    campaign_id: Annotated[
        QueryId | None, Field(description="One campaign; left out: all that are running.")
    ] = None


class CallbacksQuery(Query):
    """Whose callbacks."""

    campaign_id: QueryId | None = None
    limit: Limit = 100


async def live(call: Call[LiveQuery, None]) -> web.StreamResponse:
    """Stream counts and rates: at once, and whenever something changes, once a second at most."""
    number, feed = call.query.campaign_id, call.engine.live
    await _stats(call, number)
    response = event_stream()
    await response.prepare(call.request)
    if call.request.method == "HEAD":
        return response
    seen, closing = -1, call.request.app[CLOSING]
    # Whoever goes away, or the database, ends it; the client asks again.
    with contextlib.suppress(ConnectionResetError, CallcampError):
        while await still_allowed(call.request):
            fresh = await unless_closing(call.request, feed.wait(seen), HEARTBEAT_S)
            if closing.is_set():
                break
            seen = seen if fresh is None else fresh
            items = [one.model_dump(mode="json") for one in await _stats(call, number)]
            data = json.dumps({"items": items}, separators=(",", ":"))
            await response.write(f"event: stats\ndata: {data}\n\n".encode())
            await unless_closing(call.request, asyncio.sleep(MIN_PAUSE_S), HEARTBEAT_S)
    return response


async def _stats(call: Call[LiveQuery, None], number: int | None) -> list[StatsOut]:
    commands = call.commands
    found = (
        await commands.all_stats(CampaignStatus.RUNNING)
        if number is None
        else [await commands.stats(number)]
    )
    return [StatsOut.model_validate(one.as_dict()) for one in found]


async def callbacks(call: Call[CallbacksQuery, None]) -> Reply:
    """List agreed callbacks that are to come, the next one first."""
    found = await call.engine.store.callbacks(call.query.campaign_id, limit=call.query.limit)
    return Reply(ContactsPage(items=[ContactOut.model_validate(one) for one in found]))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", "/api/v1/live", live, _VIEW, "Watch campaigns as server-sent events",
        query=LiveQuery, also=(404,), media=("text/event-stream",),
    ),
    RestRoute(
        "GET", "/api/v1/callbacks", callbacks, _VIEW, "List the callbacks that are to come",
        ContactsPage, CallbacksQuery,
    ),
)  # fmt: skip
