"""What every store promises of mapping presets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from store_kit import HOSTILE, NOW, opened

from callcamp.errors import InvalidInput, NotFound
from callcamp.store import SqlStore

MAPPING = {"phone": "Num_Tel", "variables": {"first": "firstname"}, "rest": False}


async def test_presets_are_saved_changed_listed_and_deleted(store: SqlStore, url: str) -> None:
    assert await store.mapping_presets() == []
    saved = await store.save_mapping_preset("CRM", MAPPING, now=NOW)
    assert (saved.name, saved.mapping, saved.created_at) == ("CRM", MAPPING, NOW)
    other = await store.save_mapping_preset("another", MAPPING, now=NOW)
    changed = {**MAPPING, "phone": "tel"}
    later = NOW + timedelta(days=1)
    again = await store.save_mapping_preset("CRM", changed, now=later)
    assert again == replace(saved, mapping=changed), "the name is kept, and when it was made"
    async with opened(url) as second:
        assert await second.mapping_presets() == [again, other]
    await store.delete_mapping_preset("CRM")
    assert await store.mapping_presets() == [other]
    with pytest.raises(NotFound):
        await store.delete_mapping_preset("CRM")


async def test_names_sort_alike_everywhere(store: SqlStore) -> None:
    for name in ("é", "b", "B", "a", "_"):
        await store.save_mapping_preset(name, MAPPING, now=NOW)
    assert [p.name for p in await store.mapping_presets()] == ["B", "_", "a", "b", "é"]


async def test_two_who_save_the_same_name_make_one_preset(store: SqlStore) -> None:
    await asyncio.gather(
        *(store.save_mapping_preset("x", {**MAPPING, "phone": str(n)}, now=NOW) for n in range(8))
    )
    assert len(await store.mapping_presets()) == 1


@pytest.mark.parametrize(
    "name", ["", " ", " x", "x ", "a\nb", "a\0b", "\ud83d", "a\u202eb", "\x1b[31m", "x" * 65]
)
async def test_names_that_are_no_names(store: SqlStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        await store.save_mapping_preset(name, MAPPING, now=NOW)
    with pytest.raises(NotFound):
        await store.delete_mapping_preset(name)
    assert await store.mapping_presets() == []


async def test_hostile_names_and_columns_come_back_as_they_were(store: SqlStore) -> None:
    mapping = {"phone": HOSTILE[0], "variables": {t: t for t in HOSTILE}, "rest": True}
    names = ["x" * 64, "<b>'; DROP TABLE contact; --", "%s :name ? $1 {number}"]
    for name in names:
        await store.save_mapping_preset(name, mapping, now=NOW)
    assert [(p.name, p.mapping) for p in await store.mapping_presets()] == [
        (name, mapping) for name in sorted(names)
    ]
