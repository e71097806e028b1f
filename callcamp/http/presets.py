"""Mapping presets on the page of a preview: use one, delete one."""

from __future__ import annotations

from aiohttp import web

from callcamp.contacts.mapping import Mapping
from callcamp.errors import InvalidInput, NotFound
from callcamp.http.context import ENGINE, done
from callcamp.http.imports import imported_of, show
from callcamp.http.pages import checked_post
from callcamp.http.progress import begin


async def use(request: web.Request) -> web.StreamResponse:
    """Preview the file again with the mapping of a preset, read as it was."""
    data = await checked_post(request)
    imported = await imported_of(request)
    engine = request.app[ENGINE]
    name = str(data.get("preset", ""))
    found = [p for p in await engine.store.mapping_presets() if p.name == name]
    if not found:
        raise NotFound(
            f"There is no mapping preset {name[:64]!r} any more.", kind="mapping_preset", key=name
        )
    try:
        mapping = Mapping.from_dict(found[0].mapping)
        with begin(request, "Reading") as tell:
            preview = await engine.imports.remap(imported.id, mapping, on_progress=tell)
    except InvalidInput as problem:
        return await show(request, imported, problem)
    return done(request, f"/imports/{preview.id}")


async def delete(request: web.Request) -> web.StreamResponse:
    """Delete a preset."""
    data = await checked_post(request)
    imported = await imported_of(request)
    await request.app[ENGINE].store.delete_mapping_preset(str(data.get("preset", "")))
    return done(request, f"/imports/{imported.id}")
