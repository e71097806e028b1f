"""Unanswered actions."""

from __future__ import annotations

import asyncio

import pytest

from callcamp.errors import SwitchRefused, SwitchTimeout
from callcamp.switch.pending import Pending

START = {"Response": "Success", "EventList": "start"}
END = {"Event": "XComplete", "EventList": "Complete"}


async def test_a_response_resolves_its_action_only() -> None:
    pending = Pending(60)
    one, two = pending.add("A", "1", many=False), pending.add("B", "2", many=False)
    pending.response({"Response": "Success", "ActionID": "2"})
    assert two.done()
    assert not one.done()
    pending.fail_all("closed")
    with pytest.raises(SwitchTimeout):
        await one


async def test_a_list_is_its_items() -> None:
    pending = Pending(60)
    future = pending.add("A", "1", many=True)
    assert pending.has_list
    pending.response({**START, "ActionID": "1"})
    pending.item({"Event": "X", "ActionID": "1", "Key": "a"})
    pending.item({"Event": "X", "ActionID": "another", "Key": "b"})
    pending.item({"Event": "X", "Key": "c"})
    pending.item({**END, "ActionID": "1"})
    assert await future == [{"Event": "X", "ActionID": "1", "Key": "a"}]
    pending.discard("1")
    assert not pending.has_list
    pending.fail_all("")


@pytest.mark.parametrize("word", ["Error", "Failure", "Fail"])
@pytest.mark.parametrize("many", [False, True])
async def test_a_refusal_says_why(word: str, many: bool) -> None:
    pending = Pending(60)
    future = pending.add("A", "1", many=many)
    pending.response({"Response": word, "ActionID": "1", "Message": "No such channel"})
    with pytest.raises(SwitchRefused) as caught:
        await future
    assert caught.value.details == {"action": "A", "answer": "No such channel"}
    pending.fail_all("")


async def test_a_list_that_never_starts_is_empty() -> None:
    pending = Pending(60)
    future = pending.add("A", "1", many=True)
    pending.response({"Response": "Success", "ActionID": "1"})
    assert await future == []
    pending.fail_all("")


async def test_each_is_timed_out_by_the_one_timer() -> None:
    pending = Pending(0.02)
    futures = [pending.add("A", str(number), many=number == 1) for number in range(3)]
    pending.response({"Response": "Success", "ActionID": "0"})
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert results[0] == [{"Response": "Success", "ActionID": "0"}]
    assert all(isinstance(result, SwitchTimeout) for result in results[1:])
    for number in range(3):
        pending.discard(str(number))
    # The timer works for those that come later, too.
    with pytest.raises(SwitchTimeout):
        await pending.add("A", "9", many=False)
    pending.fail_all("")


async def test_a_list_that_goes_on_coming_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    now = loop.time()
    pending = Pending(10)
    future, other = pending.add("A", "1", many=True), pending.add("B", "2", many=False)
    pending.response({**START, "ActionID": "1"})
    monkeypatch.setattr(loop, "time", lambda: now + 8)
    pending.item({"Event": "X", "ActionID": "1"})
    monkeypatch.setattr(loop, "time", lambda: now + 12)
    pending._sweep()
    assert not future.done()
    assert isinstance(other.exception(), SwitchTimeout)
    monkeypatch.setattr(loop, "time", lambda: now + 19)
    pending._sweep()
    assert isinstance(future.exception(), SwitchTimeout)
    pending.fail_all("")
