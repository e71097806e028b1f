"""Importing a file: upload, preview, mapping, confirm, undo."""

from __future__ import annotations

from aiohttp import web


async def upload(request: web.Request) -> web.StreamResponse:
    """Take a file and preview it."""
    raise web.HTTPNotFound


async def import_page(request: web.Request) -> web.StreamResponse:
    """Show an import."""
    raise web.HTTPNotFound


remap = confirm = undo = error_rows = import_page
