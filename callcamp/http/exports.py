"""Contacts and calls of a campaign as a file to download."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path
from typing import cast
from urllib.parse import quote

from aiohttp import web

from callcamp.contacts.writing import Format, What
from callcamp.engine.exports import export_campaign
from callcamp.errors import InvalidInput
from callcamp.http.context import ENGINE, campaign_id

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_CHUNK = 1 << 18
PARTS = frozenset({"contacts", "calls"})


async def export(request: web.Request) -> web.StreamResponse:
    """Send a campaign's contacts and calls; ``what`` asks for one of them."""
    store = request.app[ENGINE].store
    campaign = await store.campaign(campaign_id(request))
    fmt, what = request.match_info["fmt"], request.query.get("what")
    if what is not None and what not in PARTS:
        raise InvalidInput(f"what is {what!r}; give contacts or calls.", field="what", value=what)
    # Made and removed without a thread: a handler whose browser went away is cancelled, and
    # work that waits for a thread is then never done. It is one folder with one file.
    with tempfile.TemporaryDirectory(prefix="callcamp-export-") as folder:
        path = Path(folder) / f"export.{fmt}"
        await export_campaign(
            store, campaign.id, path, cast("Format", fmt), what=cast("What | None", what)
        )
        name = f"{campaign.settings.name} - {what}" if what else campaign.settings.name
        return await send(request, path, f"{name}.{fmt}", TYPES[fmt])


async def send(
    request: web.Request, path: Path, filename: str, content_type: str
) -> web.StreamResponse:
    """Send a file that may be gone afterwards, which FileResponse cannot (it opens it twice).

    Args:
        request: the request.
        path: where it lies.
        filename: its name as whoever gets it should know it.
        content_type: its type.
    """
    size = (await asyncio.to_thread(path.stat)).st_size
    response = web.StreamResponse(
        headers={
            "Content-Type": content_type,
            "Content-Length": str(size),
            "Content-Disposition": attachment(filename),
        }
    )
    await response.prepare(request)
    if request.method == "HEAD":
        # A body here would be taken for the answer to the connection's next request.
        return response
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            await response.write(chunk)
    finally:
        file.close()
    await response.write_eof()
    return response


def attachment(filename: str) -> str:
    """Return a Content-Disposition that any name survives, and that no name breaks."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", filename)
    full = quote(re.sub(r"[\x00-\x1f\x7f/\\]", "_", filename), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
