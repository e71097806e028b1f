"""The simulated switch when things go wrong, on purpose or as planned."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from simulated_client import Client, by_name

from callcamp.switch.simulated import CalleeModel, Faults, SimulatedSwitch


@pytest.fixture
async def switch() -> AsyncIterator[SimulatedSwitch]:
    async with SimulatedSwitch(by_number=by_name, speed=200, trunks=["lab"]) as one:
        yield one


@pytest.fixture
async def client(switch: SimulatedSwitch) -> AsyncIterator[Client]:
    one = await Client.connect(switch)
    yield one
    await one.close()


async def test_a_restart_kills_calls_without_a_word(
    switch: SimulatedSwitch, client: Client
) -> None:
    client.order("done", "early_media_fail")
    await client.story("done")
    client.order("live", "no_answer", Timeout="600000")
    await client.event("Newstate", Uniqueid="live")
    before = await client.ask("CoreStatus")
    await switch.restart()
    assert await client.is_over()
    again = await Client.connect(switch)
    after = await again.ask("CoreStatus")
    assert after["CoreStartupTime"] != before["CoreStartupTime"]
    assert await again.listed("CoreShowChannels") == []
    assert set(switch.outbox()) == {"done"}
    assert switch.peaks().live == 0
    await again.close()


async def test_a_restart_can_lose_the_last_second() -> None:
    async with SimulatedSwitch(by_number=by_name, speed=1) as switch:
        client = await Client.connect(switch)
        client.order("x1", "hangs_up_at_once")
        await client.story("x1")
        assert set(switch.outbox()) == {"x1"}
        await switch.restart(lose_recent=True)
        assert switch.outbox() == {}
        await client.close()


async def test_links_are_cut_after_so_many_events() -> None:
    faults = Faults(cut_every_events=3)
    async with SimulatedSwitch(by_number=by_name, faults=faults, speed=200) as switch:
        client = await Client.connect(switch)
        client.order("x1", "person")
        assert await client.is_over()
        assert switch.witness() == {"person": 1}
        await client.close()


@pytest.mark.parametrize("faults", [Faults(cut_at_s=(20.0,)), Faults(restart_at_s=(20.0,))])
async def test_links_are_cut_as_planned(faults: Faults) -> None:
    async with SimulatedSwitch(by_number=by_name, faults=faults, speed=200) as switch:
        client = await Client.connect(switch)
        client.order("x1", "no_answer", Timeout="600000")
        await client.event("Newstate", Uniqueid="x1")
        before = (await client.ask("CoreStatus"))["CoreStartupTime"]
        assert await client.is_over()
        await client.close()
        again = await _connect_again(switch)
        restarted = bool(faults.restart_at_s)
        assert ((await again.ask("CoreStatus"))["CoreStartupTime"] != before) is restarted
        assert switch.peaks().live == (0 if restarted else 1)
        await again.close()


async def _connect_again(switch: SimulatedSwitch) -> Client:
    while True:
        try:
            return await Client.connect(switch)
        except ConnectionError:
            await asyncio.sleep(0.01)


async def test_a_planned_half_open_link_says_nothing_more() -> None:
    faults = Faults(half_open_at_s=(15.0,), cut_at_s=(40.0,), response_delay_s=0.1)
    async with SimulatedSwitch(by_number=by_name, faults=faults, speed=20) as switch:
        client = await Client.connect(switch)
        client.order("x1", "no_answer", Timeout="16000")
        await client.event("Newstate", Uniqueid="x1")
        assert await client.is_over()
        assert set(switch.outbox()) == {"x1"}
        assert not [e for e in client.events if e.get("Event") == "Hangup"]
        await client.close()


async def test_words_on_orders_get_lost_as_planned() -> None:
    faults = Faults(lose_originate_response=1.0)
    async with SimulatedSwitch(by_number=by_name, faults=faults, speed=200) as switch:
        client = await Client.connect(switch)
        client.order("x1", "early_media_fail")
        await client.event("Hangup", Uniqueid="x1")
        await client.ask("Ping")
        assert not [e for e in client.events if e.get("Event") == "OriginateResponse"]
        await client.close()


async def test_orders_can_be_refused_and_events_lost(
    switch: SimulatedSwitch, client: Client
) -> None:
    switch.fail_originates(1, "Busy elsewhere")
    refused = await client.ask("Originate", "Channel: PJSIP/person@lab", "Async: true")
    assert refused["Message"] == "Busy elsewhere"
    switch.drop_event("OriginateResponse")
    client.order("x1", "early_media_fail.1")
    client.order("x2", "early_media_fail.2")
    await client.story("x2")
    await client.event("Hangup", Uniqueid="x1")
    words = [e["Uniqueid"] for e in client.events if e.get("Event") == "OriginateResponse"]
    assert words == ["x2"]


async def test_answers_can_be_late_or_never_come(switch: SimulatedSwitch, client: Client) -> None:
    switch.delay_responses(1.0, "Originate")
    client.order("x1", "early_media_fail")
    first = await client.block()
    assert first["Event"] == "Newchannel"
    client.events.append(first)
    await client.story("x1")
    switch.delay_responses(math.inf, "Ping")
    client.send("Ping")
    assert (await client.ask("CoreStatus"))["Response"] == "Success"
    assert not [e for e in client.events if "Ping" in e]


async def test_a_half_open_link_stays_connected_and_says_nothing(
    switch: SimulatedSwitch, client: Client
) -> None:
    switch.go_half_open(new_links_too=True)
    client.send("Ping")
    deaf = Client(*await asyncio.open_connection(switch.host, switch.port))
    deaf.send("Ping")
    switch.thaw()
    again = await Client.connect(switch)
    assert (await again.ask("Ping"))["Ping"] == "Pong"
    assert switch.sessions == 3
    switch.cut_links()
    for one in (client, deaf, again):
        assert await one.is_over()
        assert one.events == []
        await one.close()


async def _fates(seed: int, numbers: list[str]) -> dict[str, str]:
    async with SimulatedSwitch(seed=seed, speed=5000, behaviour=CalleeModel()) as switch:
        client = await Client.connect(switch)
        for number in numbers:
            client.order(number[1:], number)
        for number in numbers:
            await client.story(number[1:])
        lines = switch.outbox()
        await client.close()
    times = ("&answer=", "&end=")
    return {
        name: "&".join(part for part in line.split("&") if not f"&{part}".startswith(times))
        for name, line in lines.items()
    }


async def test_a_calls_fate_depends_on_seed_and_number_not_on_order() -> None:
    numbers = [f"+336{n:08d}" for n in range(60)]
    fates = await _fates(3, numbers)
    assert fates == await _fates(3, numbers[::-1])
    assert fates != await _fates(4, numbers)
    assert len(Counter(fates.values())) > 4


async def test_it_runs_on_its_own() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "callcamp.switch.simulated", "--speed", "200", "--seed", "5"),
        *("--behaviour", '{"answer": 0, "busy": 1, "rejected": 0, "invalid": 0, "unavailable": 0,'),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert (await process.communicate())[0] == b""
    assert process.returncode == 2
    everybody_busy = dict.fromkeys(
        ("answer", "rejected", "invalid", "unavailable", "congestion", "silent"), 0.0
    ) | {"busy": 1.0}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "callcamp.switch.simulated", "--speed", "200", "--seed", "5"),
        *("--behaviour", json.dumps(everybody_busy)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    info = json.loads(await process.stdout.readline())
    client = Client(*await asyncio.open_connection(info["host"], info["port"]))
    await client._reader.readline()
    await client.ask("Login", "Username: callcamp", "Secret: simulated")
    client.order("x1", "+33600000000")
    assert (await client.event("Hangup"))["TechCause"] == "486"
    process.send_signal(signal.SIGTERM)
    last = json.loads((await process.communicate())[0])
    assert last["witness"] == {"+33600000000": 1}
    assert (last["peaks"]["calls"], last["peaks"]["max_live"]) == (1, 1)
    assert process.returncode == 0
    await client.close()
