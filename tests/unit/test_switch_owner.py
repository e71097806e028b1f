"""Who has its agents on an Asterisk: one callcamp at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from callcamp.app import _instance
from callcamp.errors import Conflict
from callcamp.settings import Settings
from callcamp.switch.owner import DEAD_AFTER_S, GLOBAL, AgentsOwner


class World:
    """An Asterisk's global variables, and a clock."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.now_s = 0.0

    def owner(self, instance: str) -> AgentsOwner:
        async def read(name: str) -> str:
            return self.variables.get(name, "")

        async def write(name: str, value: str) -> None:
            self.variables[name] = value

        return AgentsOwner(instance, read, write, lambda: self.now_s)


async def test_who_comes_second_is_refused_as_long_as_the_first_is_alive() -> None:
    world = World()
    first, second = world.owner("one"), world.owner("two")
    for _ in range(10):
        await first.hold()
        world.now_s += DEAD_AFTER_S / 2
        with pytest.raises(Conflict, match="Another callcamp \\(one\\)") as caught:
            await second.hold()
        assert caught.value.details["holder"] == "one"


async def test_who_is_gone_is_replaced_and_refused_when_it_comes_back() -> None:
    world = World()
    first, second = world.owner("one"), world.owner("two")
    await first.hold()
    with pytest.raises(Conflict):
        await second.hold()
    world.now_s += DEAD_AFTER_S
    await second.hold()
    with pytest.raises(Conflict, match="two"):
        await first.hold()
    await first.let_go()
    assert world.variables[GLOBAL].startswith("two:")


async def test_who_starts_again_goes_on_at_once() -> None:
    world = World()
    await world.owner("one").hold()
    await world.owner("one").hold()
    world.variables.clear()
    await world.owner("one").hold()
    assert world.variables[GLOBAL].startswith("one:")


async def test_who_lets_go_leaves_the_place_free() -> None:
    world = World()
    first = world.owner("one")
    await first.hold()
    await first.let_go()
    await world.owner("two").hold()
    assert world.variables[GLOBAL].startswith("two:")


async def test_without_a_name_nothing_is_said() -> None:
    world = World()
    nameless = world.owner("")
    await nameless.hold()
    await nameless.let_go()
    assert world.variables == {}


def test_a_callcamp_has_the_name_of_its_database(tmp_path: Path) -> None:
    def name(url: str) -> str:
        return _instance(Settings(database_url=url, data_dir=tmp_path))

    assert name("sqlite:////a.sqlite3") == name("sqlite:////a.sqlite3")
    assert name("sqlite:////a.sqlite3") != name("sqlite:////b.sqlite3")
    assert name("postgresql://u:old@db/one") == name("postgresql://v:new@db/one")
    assert name("postgresql://u@db/one") != name("postgresql://u@db/two")
    World().owner(name("postgresql://u@db/one"))


@pytest.mark.parametrize("bad", ["a:b", "A", "a\r\nAction: x", "a" * 41])
def test_a_name_is_a_plain_word(bad: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        World().owner(bad)
