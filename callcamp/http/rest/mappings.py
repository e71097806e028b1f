"""What becomes of the columns of files: mappings, and those that are saved for the next file."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from callcamp.contacts.mapping import Mapping
from callcamp.core.permissions import Permission
from callcamp.errors import InvalidInput, NotFound
from callcamp.http.rest.fields import In, Line64, Moment, Out, Page, Query
from callcamp.http.rest.records import named
from callcamp.http.rest.route import Call, Reply, RestRoute

_ROOT = "/api/v1/mapping-presets"
_VIEW, _FEED = Permission.VIEW, Permission.FEED_CONTACTS
_MANAGE = Permission.MANAGE_CAMPAIGNS
Column = Annotated[str, Field(min_length=1, max_length=400)]


class MappingIn(In):
    """What becomes of the columns of a file, by their names."""

    phone: Column
    others: Annotated[list[Column], Field(max_length=9)] = Field(default_factory=list)
    variables: Annotated[dict[str, Column], Field(max_length=100)] = Field(
        default_factory=dict, examples=[{"city": "Ville"}]
    )
    rest: bool = False

    def mapping(self) -> Mapping:
        """Return it as the reader wants it.

        Raises:
            InvalidInput: a column is given twice, or the name of one is blank.
        """
        return Mapping.from_dict(self.model_dump())


class PresetIn(In):
    """A mapping to save under a name, in place of the one that has it."""

    name: Annotated[Line64, Field(examples=["CRM export"])]
    mapping: MappingIn


class MappingPresetOut(Out):
    """A saved mapping."""

    name: str
    mapping: dict[str, Any]
    created_at: Moment


class MappingPresetsPage(Page[MappingPresetOut]):
    """The saved mappings by name."""


async def wanted_mapping(
    call: Call[Any, Any], mapping: Mapping | None, preset: str | None
) -> Mapping | None:
    """Return the mapping that a request means; None: by the look of the file.

    Args:
        call: the request.
        mapping: the one that it gives, if it does.
        preset: or the name of a saved one.

    Raises:
        InvalidInput: both are given.
        NotFound: there is no saved one of that name.
    """
    if preset is None:
        return mapping
    if mapping is not None:
        raise InvalidInput("Give either mapping or preset.", field="preset", value=preset)
    return Mapping.from_dict((await _preset(call, preset)).mapping)


async def _preset(call: Call[Any, Any], name: str) -> Any:
    for one in await call.engine.store.mapping_presets():
        if one.name == name:
            return one
    raise NotFound(f"There is no mapping preset {name!r}.", kind="mapping_preset", key=name)


def mapping_in(text: str | None) -> Mapping | None:
    """Return the mapping that the text of a form holds.

    Raises:
        InvalidInput: it is none.
    """
    if text is None:
        return None
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("mapping: give JSON.", field="mapping") from None
    return Mapping.from_dict(raw)


async def presets(call: Call[Query, None]) -> Reply:
    """List saved mappings."""
    found = await call.engine.store.mapping_presets()
    return Reply(MappingPresetsPage(items=[MappingPresetOut.model_validate(one) for one in found]))


async def save_preset(call: Call[Query, PresetIn]) -> Reply:
    """Save a mapping."""
    body = call.body
    saved = await call.engine.store.save_mapping_preset(
        body.name, body.mapping.mapping().as_dict(), now=call.engine.clock.now()
    )
    return Reply(MappingPresetOut.model_validate(saved))


async def show_preset(call: Call[Query, None]) -> Reply:
    """Show a saved mapping."""
    found = await _preset(call, named(call, "name", "mapping_preset"))
    return Reply(MappingPresetOut.model_validate(found))


async def delete_preset(call: Call[Query, None]) -> Reply:
    """Delete a saved mapping."""
    await call.engine.store.delete_mapping_preset(named(call, "name", "mapping_preset"))
    return Reply(status=204)


ROUTES: tuple[RestRoute, ...] = (
    RestRoute("GET", _ROOT, presets, _VIEW, "List saved mappings of columns", MappingPresetsPage),
    RestRoute(
        "POST", _ROOT, save_preset, _FEED, "Save a mapping of columns, or change it",
        MappingPresetOut, body=PresetIn,
    ),
    RestRoute(
        "GET", f"{_ROOT}/{{name}}", show_preset, _VIEW, "Show a saved mapping", MappingPresetOut
    ),
    RestRoute(
        "DELETE", f"{_ROOT}/{{name}}", delete_preset, _MANAGE, "Delete a saved mapping",
        status=204,
    ),
)  # fmt: skip
"""Addresses of mappings."""
