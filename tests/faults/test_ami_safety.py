"""Every flaw of panoramisk 1.4 that docs/ami.md lists: shown on the bare library, gone in ours."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import panoramisk
import pytest
from ami_server import SECRET, FakeAmi, error, eventually, listed, message, ok

import callcamp.switch.session as session_module
from callcamp.core.events import (
    CallAnswered,
    CallRang,
    LinkDown,
    LinkUp,
    OriginateEnded,
    SwitchEvent,
)
from callcamp.errors import (
    BadCredentials,
    InvalidInput,
    SwitchRefused,
    SwitchTimeout,
    SwitchUnavailable,
)
from callcamp.ports import CallOrder
from callcamp.switch.ami import AmiGateway, Backoff
from callcamp.switch.panoramisk_link import SafeAmiProtocol
from callcamp.switch.wire import Headers, parse_block

ATTEMPT = "cc-" + "0123456789abcdef" * 2
OTHER = "cc-" + "fedcba9876543210" * 2
CHANNEL = "PJSIP/+33612345678@carrier"
QUICK = Backoff(first_s=0.001, cap_s=0.01, refused_s=3600)


@pytest.fixture
async def server() -> AsyncIterator[FakeAmi]:
    async with FakeAmi() as fake:
        yield fake


def gateway_to(server: FakeAmi, **changes: Any) -> AmiGateway:
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": "callcamp",
        "secret": SECRET,
        "backoff": QUICK,
    }
    return AmiGateway(**{**given, **changes})


@pytest.fixture
async def gateway(server: FakeAmi) -> AsyncIterator[AmiGateway]:
    ours = gateway_to(server)
    await ours.start()
    yield ours
    await ours.close()


@asynccontextmanager
async def bare_library(server: FakeAmi, **changes: Any) -> AsyncIterator[Any]:
    """The library as it is, logged in."""
    manager = panoramisk.Manager(
        host="127.0.0.1",
        port=server.port,
        username="callcamp",
        secret=SECRET,
        reconnect_timeout=0,
        loop=asyncio.get_running_loop(),
        log=logging.getLogger("bare"),
        **changes,
    )
    await manager.connect()
    await server.seen("Login")
    try:
        yield manager
    finally:
        manager.connect = lambda *args, **kwargs: None
        manager.close()
        await server.shut()


async def next_event(gateway: AmiGateway) -> SwitchEvent:
    async with asyncio.timeout(60):
        return await anext(gateway.events())


async def skip_to(gateway: AmiGateway, kind: type[SwitchEvent]) -> SwitchEvent:
    while not isinstance(event := await next_event(gateway), kind):
        pass
    return event


async def outcome_of(action: Awaitable[Any]) -> Exception:
    with pytest.raises(Exception) as caught:
        async with asyncio.timeout(60):
            await action
    return caught.value


def newstate(attempt_id: str, state: int) -> bytes:
    return message(("Event", "Newstate"), ("ChannelState", str(state)), ("Uniqueid", attempt_id))


# 1 -- line breaks


async def test_bare_library_lets_a_value_add_an_action(server: FakeAmi) -> None:
    async with bare_library(server) as manager:
        manager.send_action(
            {
                "Action": "Originate",
                "Async": "true",
                "Zone": "x\r\n\r\nAction: Command\r\nCommand: rm",
            }
        )
        await server.seen("Command")


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "x\r\n\r\nAction: Command\r\nCommand: rm"])
@pytest.mark.parametrize("field", ["channel", "caller_id", "value", "name", "attempt_id"])
async def test_no_value_adds_anything(
    server: FakeAmi, gateway: AmiGateway, field: str, bad: str
) -> None:
    given: dict[str, Any] = {"attempt_id": ATTEMPT, "channel": CHANNEL, "ring_timeout_s": 30}
    if field == "value":
        given["variables"] = {"CC_VAR_x": bad}
    elif field == "name":
        given["variables"] = {"CC_VAR_x" + bad: "x"}
    else:
        given[field] = f"{given.get(field, '+33')}{bad}"
    before = server.raw
    caught = await outcome_of(gateway.originate(CallOrder(**given)))
    assert isinstance(caught, InvalidInput)
    assert bad in caught.details["value"]
    assert caught.details["field"] in {"variables", "CC_VAR_x", field}
    assert server.raw == before


# 2 -- an order is never sent again


async def test_bare_library_sends_an_unanswered_originate_again(server: FakeAmi) -> None:
    server.mute("Originate")
    async with bare_library(server) as manager:
        manager.send_action({"Action": "Originate", "Async": "true"})
        await server.seen("Originate")
        server.drop()
        await server.seen("Login", times=2)
        server.push(message(("Event", "FullyBooted"), ("Status", "Fully Booted")))
        await server.seen("Originate", times=2)


async def test_an_unanswered_originate_is_in_doubt_and_never_sent_again(
    server: FakeAmi, gateway: AmiGateway
) -> None:
    server.mute("Originate")
    order = CallOrder(ATTEMPT, CHANNEL, 30)
    ordering = asyncio.create_task(gateway.originate(order))
    await server.seen("Originate")
    server.drop()
    assert isinstance(await outcome_of(ordering), SwitchTimeout)
    await skip_to(gateway, LinkDown)
    await skip_to(gateway, LinkUp)
    server.push(message(("Event", "FullyBooted"), ("Status", "Fully Booted")))
    assert await gateway.live_calls() == {}  # a round trip: all that was to come has come
    assert server.count("Originate") == 1
    assert isinstance(await outcome_of(gateway.originate(order)), SwitchTimeout)
    assert server.count("Originate") == 1


async def test_a_refused_order_may_be_given_again(server: FakeAmi, gateway: AmiGateway) -> None:
    accept = server.answers["Originate"]
    server.answers["Originate"] = lambda action: error(action, "Extension does not exist.")
    order = CallOrder(ATTEMPT, CHANNEL, 30)
    caught = await outcome_of(gateway.originate(order))
    assert isinstance(caught, SwitchRefused)
    assert "Extension does not exist." in caught.message
    server.answers["Originate"] = accept
    await gateway.originate(order)


# 3 -- nothing waits for ever


async def test_bare_library_never_resolves_an_accepted_originate_when_the_link_drops(
    server: FakeAmi,
) -> None:
    async with bare_library(server) as manager:
        future = manager.send_action({"Action": "Originate", "Async": "true"})
        await manager.send_action({"Action": "Ping"})
        server.drop()
        await server.seen("Login", times=2)
        await manager.send_action({"Action": "Ping"})
        assert not future.done()


async def test_bare_library_takes_actions_while_down_and_leaves_them(server: FakeAmi) -> None:
    async with bare_library(server) as manager:
        manager.connect = lambda *args, **kwargs: None
        server.drop()
        await server.until(lambda: not server._writers)
        await eventually(lambda: manager.protocol.closed)
        future = manager.send_action({"Action": "Originate", "Async": "true"})
        manager.close()
        assert not future.done()


async def test_sending_while_down_fails_at_once(server: FakeAmi, gateway: AmiGateway) -> None:
    await server.shut()
    await skip_to(gateway, LinkDown)
    assert not gateway.link_up
    assert gateway.last_problem is not None
    for action in (
        gateway.originate(CallOrder(ATTEMPT, CHANNEL, 30)),
        gateway.hang_up(ATTEMPT),
        gateway.live_calls(),
        gateway.outbox(),
        gateway.delete_from_outbox([ATTEMPT]),
        gateway.facts(),
    ):
        assert isinstance(await outcome_of(action), SwitchUnavailable)
    await server.open()
    await skip_to(gateway, LinkUp)
    # Nothing was sent, so this attempt may still be ordered.
    await gateway.originate(CallOrder(ATTEMPT, CHANNEL, 30))


@pytest.mark.parametrize(
    "action", ["Originate", "Hangup", "CoreShowChannels", "DBGetTree", "DBDel"]
)
async def test_silence_is_a_timeout(server: FakeAmi, action: str) -> None:
    server.mute(action)
    gateway = gateway_to(server, action_timeout_s=0.3, ping_interval_s=3600)
    await gateway.start()
    asking = {
        "Originate": gateway.originate(CallOrder(ATTEMPT, CHANNEL, 30)),
        "Hangup": gateway.hang_up(ATTEMPT),
        "CoreShowChannels": gateway.live_calls(),
        "DBGetTree": gateway.outbox(),
        "DBDel": gateway.delete_from_outbox([ATTEMPT, OTHER]),
    }
    wanted = asking.pop(action)
    for unwanted in asking.values():
        unwanted.close()
    assert isinstance(await outcome_of(wanted), SwitchTimeout)
    assert gateway.link_up
    await gateway.close()


async def test_close_resolves_what_is_pending(server: FakeAmi, gateway: AmiGateway) -> None:
    server.mute("Originate", "CoreShowChannels")
    pending = [
        asyncio.create_task(gateway.originate(CallOrder(ATTEMPT, CHANNEL, 30))),
        asyncio.create_task(gateway.live_calls()),
    ]
    await server.seen("CoreShowChannels")
    await gateway.close()
    for task in pending:
        assert isinstance(await outcome_of(task), SwitchTimeout)
    caught = await outcome_of(gateway.originate(CallOrder(OTHER, CHANNEL, 30)))
    assert isinstance(caught, SwitchUnavailable)


# 4 -- Async


async def test_bare_library_dies_of_an_originate_without_async(server: FakeAmi) -> None:
    async with bare_library(server) as manager:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        manager.send_action({"Action": "Originate"})
        await server.seen("Login", times=2)


async def test_every_originate_is_async(server: FakeAmi, gateway: AmiGateway) -> None:
    await gateway.originate(CallOrder(ATTEMPT, CHANNEL, 30))
    assert (await server.seen("Originate"))["Async"] == "true"


# 5 -- an error in a handler


async def test_bare_library_drops_the_link_when_a_handler_raises(server: FakeAmi) -> None:
    def fail(manager: Any, event: Any) -> None:
        raise RuntimeError("handler")

    async with bare_library(server) as manager:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        manager.register_event("Newstate", fail)
        server.push(newstate(ATTEMPT, 5))
        await server.seen("Login", times=2)


async def test_an_unreadable_event_costs_nothing_but_itself(
    server: FakeAmi, gateway: AmiGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    translate = session_module.translate

    def fail_on_other(headers: Headers, at: Any) -> Any:
        if headers["Uniqueid"] == OTHER:
            raise RuntimeError("handler")
        return translate(headers, at)

    monkeypatch.setattr(session_module, "translate", fail_on_other)
    await skip_to(gateway, LinkUp)
    server.push(newstate(ATTEMPT, 5), newstate(OTHER, 5), newstate(ATTEMPT, 6))
    assert isinstance(await next_event(gateway), CallRang)
    assert isinstance(await next_event(gateway), CallAnswered)
    assert gateway.link_up
    assert server.connections == 1


# 6 -- OriginateResponse


def originate_response(*, uniqueid: str) -> bytes:
    return message(
        ("Event", "OriginateResponse"),
        ("ActionID", f"orig-{ATTEMPT}"),
        ("Response", "Failure"),
        ("Reason", "3"),
        ("Uniqueid", uniqueid),
    )


async def test_bare_library_swallows_the_event_with_the_actions_id(server: FakeAmi) -> None:
    heard: list[Any] = []
    async with bare_library(server) as manager:
        manager.register_event("*", lambda manager, event: heard.append(event))
        manager.send_action({"Action": "Originate", "ActionID": f"orig-{ATTEMPT}", "Async": "true"})
        await server.seen("Originate")
        server.push(originate_response(uniqueid=ATTEMPT))
        await manager.send_action({"Action": "Ping"})
        assert heard == []


@pytest.mark.parametrize("uniqueid", [ATTEMPT, OTHER, "<null>"])
async def test_originate_response_is_known_by_its_action_id(
    server: FakeAmi, gateway: AmiGateway, uniqueid: str
) -> None:
    server.mute("Originate")
    ordering = asyncio.create_task(gateway.originate(CallOrder(ATTEMPT, CHANNEL, 30)))
    action = await server.seen("Originate")
    # The event may even overtake the answer.
    server.push(originate_response(uniqueid=uniqueid), ok(action))
    await ordering
    ended = await skip_to(gateway, OriginateEnded)
    assert isinstance(ended, OriginateEnded)
    assert (ended.attempt_id, ended.success, ended.reason) == (ATTEMPT, False, 3)


# 7 -- lists, refusals, leaks


async def test_bare_library_never_resolves_a_refused_list_nor_queue_add(server: FakeAmi) -> None:
    server.answers["CoreShowChannels"] = lambda action: error(action, "Permission denied")
    server.answers["QueueAdd"] = lambda action: ok(action, ("Message", "Added interface to queue"))
    async with bare_library(server) as manager:
        channels = manager.send_action({"Action": "CoreShowChannels"}, as_list=True)
        member = manager.send_action({"Action": "QueueAdd", "Queue": "q", "Interface": "PJSIP/1"})
        await manager.send_action({"Action": "Ping"})
        assert not channels.done()
        assert not member.done()
        channels.cancel()
        member.cancel()
        await manager.send_action({"Action": "Ping"})
        assert len(manager.protocol.responses) == 2  # and they leak


async def test_a_refused_list_is_refused(server: FakeAmi, gateway: AmiGateway) -> None:
    server.answers["CoreShowChannels"] = lambda action: error(action, "Permission denied")
    caught = await outcome_of(gateway.live_calls())
    assert isinstance(caught, SwitchRefused)
    assert caught.details == {"action": "CoreShowChannels", "answer": "Permission denied"}


async def test_an_answer_in_words_of_a_list_is_an_answer(
    server: FakeAmi, gateway: AmiGateway
) -> None:
    server.answers["QueueAdd"] = lambda action: ok(action, ("Message", "Added interface to queue"))
    session = gateway._keeper.session
    assert session is not None
    (answer,) = await session.request("QueueAdd", [("Queue", "q"), ("Interface", "PJSIP/1")])
    assert answer["Message"] == "Added interface to queue"


async def test_cancelled_actions_leave_nothing_behind(server: FakeAmi, gateway: AmiGateway) -> None:
    server.mute("Originate", "CoreShowChannels", "DBDel")
    session = gateway._keeper.session
    assert session is not None
    tasks = [
        asyncio.create_task(gateway.originate(CallOrder(ATTEMPT, CHANNEL, 30))),
        asyncio.create_task(gateway.live_calls()),
        asyncio.create_task(gateway.delete_from_outbox([ATTEMPT, OTHER])),
    ]
    await server.seen("DBDel", times=2)
    assert len(session.pending) == 4
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(session.pending) == 0
    assert not session.pending.has_list
    # A late answer finds nobody, and that is no problem.
    server.push(ok(server.actions[-1]))
    server.mute()
    await gateway.hang_up(ATTEMPT)
    assert gateway.link_up


# 8 -- FullyBooted


async def test_bare_library_waits_for_fully_booted(server: FakeAmi) -> None:
    server.mute("DBGet")
    async with bare_library(server) as manager:
        manager.send_action({"Action": "DBGet"})
        await server.seen("DBGet")
        server.drop()
        await server.seen("Login", times=2)
        await manager.send_action({"Action": "Ping"})
        assert server.count("DBGet") == 1
        assert len(manager.awaiting_actions) == 1


async def test_works_without_fully_booted(gateway: AmiGateway) -> None:
    assert gateway.link_up
    link_up = await next_event(gateway)
    assert isinstance(link_up, LinkUp)
    assert link_up.switch_started_at is not None


async def test_an_asterisk_that_still_starts_is_waited_for(server: FakeAmi) -> None:
    loaded = False
    server.answers["Ping"] = lambda action: ok(action, ("Timestamp", f"{_epoch() + 5:.6f}"))
    server.answers["ShowDialPlan"] = lambda action: (
        listed(action) if loaded else error(action, "Did not find context callcamp-answered")
    )
    gateway = gateway_to(server, connect_timeout_s=10)
    starting = asyncio.create_task(gateway.start())
    await server.seen("ShowDialPlan", times=3)
    assert not gateway.link_up
    loaded = True
    await starting
    assert gateway.link_up
    await gateway.close()


def _epoch() -> float:
    from datetime import datetime

    return datetime(2026, 1, 31, 12).astimezone().timestamp()


# 9 -- pings, reconnecting, closing


async def test_bare_library_does_not_mind_a_missing_pong(server: FakeAmi) -> None:
    server.mute("Ping")
    async with bare_library(server) as manager:
        for times in (1, 2, 3):
            manager.ping()
            await server.seen("Ping", times=times)
        assert manager._connected
        assert server.connections == 1


async def test_a_missing_pong_ends_the_link_and_a_new_one_is_made(server: FakeAmi) -> None:
    pong = server.answers["Ping"]
    gateway = gateway_to(server, ping_interval_s=0.01, action_timeout_s=0.5)
    await gateway.start()
    assert isinstance(await next_event(gateway), LinkUp)
    server.mute("Ping")
    down = await next_event(gateway)
    assert isinstance(down, LinkDown)
    assert "ping" in down.reason
    server.answers["Ping"] = pong
    assert isinstance(await next_event(gateway), LinkUp)
    assert gateway.last_problem is None
    await gateway.close()


async def test_bare_library_hammers_with_a_wrong_secret(server: FakeAmi) -> None:
    server.secret = "another"
    refuse = server.answers["Login"]

    def refuse_and_hang_up(action: Headers) -> bytes | None:
        server.push(refuse(action) or b"")
        for writer in server._writers:
            writer.close()
        return None

    server.answers["Login"] = refuse_and_hang_up
    async with bare_library(server):
        await server.seen("Login", times=4)


async def test_a_wrong_secret_is_tried_once(server: FakeAmi) -> None:
    gateway = gateway_to(server, secret="wrong")
    with pytest.raises(BadCredentials):
        await gateway.start()
    assert not gateway._keeper.busy
    assert server.count("Login") == 1
    assert not gateway.link_up
    assert "manager.conf" in (gateway.last_problem or "")
    server.secret = "wrong"
    await gateway.start()  # somebody has mended it
    assert gateway.link_up
    await gateway.close()


async def test_a_secret_that_changes_later_is_not_hammered(
    server: FakeAmi, gateway: AmiGateway
) -> None:
    server.secret = "changed"
    server.drop()
    await server.seen("Login", times=2)
    await eventually(lambda: "refused the log-in" in (gateway.last_problem or ""))
    assert not gateway.link_up
    await gateway.close()
    assert server.count("Login") == 2


async def test_a_session_that_still_exists_is_no_wrong_secret(server: FakeAmi) -> None:
    log_in, times = server.answers["Login"], 0

    def busy_once(action: Headers) -> bytes | None:
        nonlocal times
        times += 1
        return error(action, "Login Already In Use") if times == 1 else log_in(action)

    server.answers["Login"] = busy_once
    gateway = gateway_to(server)
    await gateway.start()
    assert gateway.link_up
    await gateway.close()


async def test_bare_library_connects_again_after_close(server: FakeAmi) -> None:
    manager = panoramisk.Manager(
        host="127.0.0.1",
        port=server.port,
        reconnect_timeout=0,
        loop=asyncio.get_running_loop(),
        log=logging.getLogger("bare"),
    )
    await manager.connect()
    await server.until(lambda: server.connections == 1)
    server.drop()
    await eventually(lambda: not manager._connected)
    manager.close()
    await server.until(lambda: server.connections == 2)
    await asyncio.sleep(0)
    manager.connect = lambda *args, **kwargs: None
    manager.close()


@pytest.mark.parametrize("moment", ["never started", "no server", "pause", "log-in", "up", "twice"])
async def test_close_at_any_moment_leaves_nothing(server: FakeAmi, moment: str) -> None:
    slow = Backoff(first_s=3600, cap_s=3600)
    before = asyncio.all_tasks() - {task for task in asyncio.all_tasks() if "_serve" in repr(task)}
    gateway = gateway_to(server, backoff=slow, connect_timeout_s=10)
    starting: asyncio.Task[None] | None = None
    if moment in {"no server", "pause"}:
        await server.shut()
    if moment == "log-in":
        server.mute("Login")
    if moment in {"up", "twice"}:
        await gateway.start()
    elif moment != "never started":
        starting = asyncio.create_task(gateway.start())
    if moment == "log-in":
        await server.seen("Login")
    if moment == "pause":
        await eventually(lambda: "reached" in (gateway.last_problem or ""))
    async with asyncio.timeout(60):
        await gateway.close()
        if moment == "twice":
            await gateway.close()
        if starting is not None:
            assert isinstance(await outcome_of(starting), SwitchUnavailable)
    assert not gateway.link_up
    assert gateway.last_problem == "The gateway is closed."
    left = {task for task in asyncio.all_tasks() if "_serve" not in repr(task)}
    assert left <= before | {asyncio.current_task()}
    assert [event async for event in gateway.events() if not isinstance(event, LinkUp)] == []


async def test_start_gives_up_waiting_but_not_connecting(server: FakeAmi) -> None:
    await server.shut()
    gateway = gateway_to(server, connect_timeout_s=0.05)
    caught = await outcome_of(gateway.start())
    assert isinstance(caught, SwitchUnavailable)
    await server.open()
    assert isinstance(await next_event(gateway), LinkUp)
    await gateway.start()
    await gateway.close()


async def test_what_is_not_asterisk_is_left(server: FakeAmi) -> None:
    server.greeting = b"SSH-2.0-OpenSSH_9.9\r\n"
    gateway = gateway_to(server, connect_timeout_s=1)
    caught = await outcome_of(gateway.start())
    assert isinstance(caught, SwitchUnavailable)
    assert "not Asterisk" in caught.message
    await gateway.close()


async def test_events_before_the_link_is_up_come_after_it(server: FakeAmi) -> None:
    status = server.answers["CoreStatus"]
    server.answers["CoreStatus"] = lambda a: newstate(ATTEMPT, 5) + (status(a) or b"")
    gateway = gateway_to(server)
    await gateway.start()
    assert isinstance(await next_event(gateway), LinkUp)
    assert isinstance(await next_event(gateway), CallRang)
    await gateway.close()


# 10 -- the secret, and bytes


def test_bare_library_shows_the_secret() -> None:
    manager = panoramisk.Manager(secret=SECRET, loop=object())
    assert SECRET in repr(manager.config)


async def test_the_secret_is_never_shown_nor_sent(
    server: FakeAmi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway = gateway_to(server)
    await gateway.start()
    server.secret = "changed"
    server.drop()
    await server.seen("Login", times=2)
    assert SECRET.encode() not in server.raw
    assert SECRET not in repr(gateway)
    assert SECRET not in repr(vars(gateway))
    assert SECRET not in caplog.text
    assert SECRET not in str(gateway.last_problem)
    await gateway.close()


class Sink(asyncio.Transport):
    """A transport that goes nowhere."""

    def write(self, data: Any) -> None:
        pass

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


class Listener:
    """What panoramisk's protocol reports to."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.save_stream = None

    def dispatch(self, event: Any) -> None:
        self.events.append(event)


READS = {
    "split character": [
        b"Event: X\r\nName: caf\xc3",
        b"\xa9 \xe6\xbc\xa2\r\nEnd: 1\r\n\r\n",
    ],
    "empty last header": [b"Event: X\r\nName: \r\n\r\n"],
    "empty last header, no blank": [b"Event: X\r\nName:\r\n\r\n"],
    "repeated header": [b"Event: X\r\nName: a\r\nName: b\r\n\r\n"],
}
WRONG = {"split character": "caf 漢", "repeated header": ["a", "b"]}
RIGHT = {"split character": "café 漢", "repeated header": "a\nb"}


@pytest.mark.parametrize("case", READS)
async def test_bare_library_misreads(case: str) -> None:
    listener = Listener()
    protocol = panoramisk.ami_protocol.AMIProtocol()
    protocol.connection_made(Sink())
    protocol.factory = listener
    protocol.encoding = "utf8"
    for data in READS[case]:
        protocol.data_received(data)
    (event,) = listener.events
    assert event.get("Name") == WRONG.get(case)


@pytest.mark.parametrize("case", READS)
@pytest.mark.parametrize("bytewise", [False, True])
async def test_bytes_are_read_right(case: str, bytewise: bool) -> None:
    blocks: list[bytes] = []
    protocol = SafeAmiProtocol(blocks.extend, lambda reason: None)
    protocol.connection_made(Sink())
    reads = [b"Asterisk Call Manager/11.0.0\r\n", *READS[case]]
    if bytewise:
        whole = b"".join(reads)
        reads = [whole[at : at + 1] for at in range(len(whole))]
    for data in reads:
        protocol.data_received(data)
    (block,) = blocks
    assert parse_block(block)["Name"] == RIGHT.get(case, "")
    assert protocol.version == "11.0.0"


# 11 -- what is not used


def test_one_module_imports_one_thing_of_the_library() -> None:
    package = Path(session_module.__file__).parents[1]
    imports = {
        (path.name, line)
        for path in package.rglob("*.py")
        for line in re.findall(
            r"^[ \t]*(?:from|import) panoramisk.*$", path.read_text(), re.MULTILINE
        )
    }
    assert imports == {("panoramisk_link.py", "from panoramisk.ami_protocol import AMIProtocol")}


async def test_the_librarys_own_ways_are_shut() -> None:
    protocol = SafeAmiProtocol(lambda blocks: None, lambda reason: None)
    with pytest.raises(NotImplementedError):
        protocol.send({"Action": "Ping"})
    with pytest.raises(NotImplementedError):
        protocol.handle_message(object())
