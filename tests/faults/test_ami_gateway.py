"""What the gateway asks Asterisk and makes of the answers, and how it bears a bad peer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ami_server import SECRET, FakeAmi, error, eventually, listed, message, ok

from callcamp.core.events import CallRang, EventsLost, LinkDown, LinkUp
from callcamp.core.outcome import Evidence
from callcamp.errors import InvalidInput, SwitchRefused, SwitchTimeout, SwitchUnavailable
from callcamp.ports import CallOrder, LiveCall
from callcamp.switch.ami import AmiGateway, Backoff
from callcamp.switch.contexts import NEEDED_CONTEXTS, OWN_QUEUES
from callcamp.switch.facts import NEEDED_MODULES
from callcamp.switch.link import Link, OnBlocks, OnLost
from callcamp.switch.wire import Headers

ATTEMPT = "cc-" + "0123456789abcdef" * 2
CHANNEL = "PJSIP/+33612345678@carrier"


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
        "backoff": Backoff(first_s=0.001, cap_s=0.01),
    }
    return AmiGateway(**{**given, **changes})


@pytest.fixture
async def gateway(server: FakeAmi) -> AsyncIterator[AmiGateway]:
    ours = gateway_to(server)
    await ours.start()
    yield ours
    await ours.close()


def attempt(number: int) -> str:
    return f"cc-{number:030d}"


async def test_live_calls(server: FakeAmi, gateway: AmiGateway) -> None:
    def channels(action: Headers) -> bytes:
        def channel(uniqueid: str, state: str, duration: str) -> bytes:
            return message(
                ("Event", "CoreShowChannel"),
                ("ActionID", action["ActionID"]),
                ("ChannelStateDesc", state),
                ("Uniqueid", uniqueid),
                ("Duration", duration),
            )

        return listed(
            action,
            channel(ATTEMPT, "Up", "01:02:03"),
            channel("1700000000.1", "Ringing", "00:00:00"),
            channel("1700000000.2", "Down", "?"),
        )

    server.answers["CoreShowChannels"] = channels
    assert await gateway.live_calls() == {
        ATTEMPT: LiveCall(ATTEMPT, "Up", 3723),
        "1700000000.1": LiveCall("1700000000.1", "Ringing", 0),
        "1700000000.2": LiveCall("1700000000.2", "Down", 0),
    }


async def test_hang_up(server: FakeAmi, gateway: AmiGateway) -> None:
    assert await gateway.hang_up(ATTEMPT)
    assert (await server.seen("Hangup"))["Channel"] == ATTEMPT
    server.answers["Hangup"] = lambda action: error(action, "No such channel")
    assert not await gateway.hang_up(ATTEMPT)
    server.answers["Hangup"] = lambda action: error(action, "Permission denied")
    with pytest.raises(SwitchRefused):
        await gateway.hang_up(ATTEMPT)
    with pytest.raises(InvalidInput):
        await gateway.hang_up("/^PJSIP/.*$/")


class AstDb:
    """The actions on AstDB, as Asterisk 22 answers them."""

    def __init__(self, server: FakeAmi) -> None:
        self.entries: dict[str, str] = {}
        self.stuck = False
        server.answers["DBGetTree"] = self.tree
        server.answers["DBDel"] = self.delete
        server.answers["DBGet"] = self.get

    def tree(self, action: Headers) -> bytes:
        return listed(
            action,
            *(
                message(
                    ("Event", "DBGetTreeResponse"),
                    ("ActionID", action["ActionID"]),
                    ("Key", key),
                    ("Val", value),
                )
                for key, value in self.entries.items()
            ),
        )

    def delete(self, action: Headers) -> bytes:
        key = f"/{action['Family']}/{action['Key']}"
        if self.stuck or self.entries.pop(key, None) is None:
            return error(action, "Database entry could not be deleted")
        return ok(action, ("Message", "Key deleted successfully"))

    def get(self, action: Headers) -> bytes:
        key = f"/{action['Family']}/{action['Key']}"
        if key not in self.entries:
            return error(action, "Database entry not found")
        return listed(action, message(("Event", "DBGetResponse"), ("Val", self.entries[key])))


async def test_the_outbox_is_read_and_deleted_at_once(server: FakeAmi, gateway: AmiGateway) -> None:
    db = AstDb(server)
    db.entries = {f"/callcamp/{attempt(number)}": "cause=17" for number in range(1200)}
    db.entries |= {"/callcamp/other": "x", "/callcamp/deep/er": "y"}
    outbox = await gateway.outbox()
    assert outbox == {attempt(number): Evidence(cause=17) for number in range(1200)}
    await gateway.delete_from_outbox([*outbox, attempt(9999), attempt(0)])
    assert db.entries == {"/callcamp/other": "x", "/callcamp/deep/er": "y"}
    await gateway.delete_from_outbox([])
    assert await gateway.outbox() == {}


async def test_an_entry_that_cannot_be_deleted_is_no_missing_one(
    server: FakeAmi, gateway: AmiGateway
) -> None:
    db = AstDb(server)
    db.entries = {f"/callcamp/{ATTEMPT}": "cause=16"}
    db.stuck = True
    with pytest.raises(SwitchRefused):
        await gateway.delete_from_outbox([attempt(1), ATTEMPT])
    server.mute("DBGet")
    deleting = asyncio.create_task(gateway.delete_from_outbox([ATTEMPT]))
    await server.seen("DBGet", times=3)
    server.drop()
    with pytest.raises(SwitchTimeout):
        await deleting


async def test_no_right_to_delete(server: FakeAmi, gateway: AmiGateway) -> None:
    server.answers["DBDel"] = lambda action: error(action, "Permission denied")
    with pytest.raises(SwitchRefused):
        await gateway.delete_from_outbox([ATTEMPT])
    with pytest.raises(InvalidInput):
        await gateway.delete_from_outbox([ATTEMPT, "../../other"])


async def test_facts(server: FakeAmi, gateway: AmiGateway) -> None:
    server.answers |= {
        "CoreSettings": lambda a: ok(a, ("AsteriskVersion", "22.10.1")),
        "ListCommands": lambda a: ok(a, ("Originate", "Originate a call."), ("Setvar", "x")),
        "ModuleCheck": lambda a: (
            error(a, "Module not loaded") if a["Module"] == "app_amd" else ok(a)
        ),
        "ShowDialPlan": lambda a: (
            error(a, "Did not find context") if "hangup" in a["Context"] else listed(a)
        ),
        "QueueStatus": lambda a: listed(
            a,
            message(("Event", "QueueParams"), ("ActionID", a["ActionID"]), ("Queue", "callcamp-2")),
        ),
        "PJSIPShowEndpoint": lambda a: (
            listed(a) if a["Endpoint"] == "carrier" else error(a, "Unable to retrieve endpoint")
        ),
    }
    facts = await gateway.facts(["carrier", "nobody"])
    assert facts.version == "22.10.1"
    assert facts.started_at is not None
    assert facts.started_at.utcoffset() is not None
    assert facts.clock_skew_s is not None
    assert facts.modules == {name: name != "app_amd" for name in NEEDED_MODULES}
    assert facts.contexts == {name: "hangup" not in name for name in NEEDED_CONTEXTS}
    assert facts.rights == {
        "originate": True,
        "call": True,
        "reporting": False,
        "system": False,
        "agent": False,
    }
    assert facts.queues == {name: name == "callcamp-2" for name in OWN_QUEUES}
    assert facts.trunk_known == {"carrier": True, "nobody": False}


async def test_a_clock_that_is_not_told(server: FakeAmi, gateway: AmiGateway) -> None:
    server.answers["Ping"] = lambda action: ok(action, ("Ping", "Pong"))
    assert (await gateway.facts()).clock_skew_s is None


@pytest.mark.parametrize("date", ["1970-01-01", "", "tomorrow"])
async def test_an_asterisk_without_a_start_is_not_ready(server: FakeAmi, date: str) -> None:
    server.answers["CoreStatus"] = lambda action: ok(
        action, ("CoreStartupDate", date), ("CoreStartupTime", "00:00:00")
    )
    gateway = gateway_to(server, connect_timeout_s=0.1)
    with pytest.raises(SwitchUnavailable):
        await gateway.start()
    await gateway.close()


async def test_a_restart_can_be_told(server: FakeAmi, gateway: AmiGateway) -> None:
    first = await anext(gateway.events())
    server.drop()
    assert isinstance(await anext(gateway.events()), LinkDown)
    second = await anext(gateway.events())
    server.answers["CoreStatus"] = lambda action: ok(
        action, ("CoreStartupDate", "2026-02-01"), ("CoreStartupTime", "12:00:00")
    )
    server.drop()
    assert isinstance(await anext(gateway.events()), LinkDown)
    third = await anext(gateway.events())
    assert isinstance(first, LinkUp)
    assert isinstance(second, LinkUp)
    assert isinstance(third, LinkUp)
    assert first.switch_started_at == second.switch_started_at != third.switch_started_at


async def test_a_shutdown_is_named(server: FakeAmi, gateway: AmiGateway) -> None:
    assert isinstance(await anext(gateway.events()), LinkUp)
    server.push(message(("Event", "Shutdown"), ("Shutdown", "Cleanly"), ("Restart", "False")))
    down = await anext(gateway.events())
    assert isinstance(down, LinkDown)
    assert down.reason == "Asterisk is shutting down."


async def test_a_slow_reader_costs_events_but_never_the_link(server: FakeAmi) -> None:
    gateway = gateway_to(server, event_queue=100)
    await gateway.start()
    burst = [
        message(("Event", "Newstate"), ("ChannelState", "5"), ("Uniqueid", attempt(number)))
        for number in range(5000)
    ]
    server.push(*burst)
    await gateway.live_calls()  # answered, so all before it has been read
    rang, lost = [], 0
    while not lost:
        event = await anext(gateway.events())
        if isinstance(event, CallRang):
            rang.append(event.attempt_id)
        elif isinstance(event, EventsLost):
            lost = event.count
    assert len(rang) + lost == 5000
    assert rang == [attempt(number) for number in range(len(rang))]
    server.push(burst[0])
    assert isinstance(await anext(gateway.events()), CallRang)
    assert server.connections == 1
    await gateway.close()


async def test_calls_of_others_are_not_ours(server: FakeAmi, gateway: AmiGateway) -> None:
    assert isinstance(await anext(gateway.events()), LinkUp)
    server.push(
        message(("Event", "Newchannel"), ("Uniqueid", "1700000000.1")),
        message(("Event", "Newchannel"), ("Uniqueid", "cc-short")),
        message(("Event", "PeerStatus"), ("Peer", ATTEMPT)),
        message(("Event", "Newstate"), ("ChannelState", "5"), ("Uniqueid", ATTEMPT)),
    )
    assert isinstance(await anext(gateway.events()), CallRang)


async def test_nothing_is_sent_to_an_asterisk_that_does_not_read(
    server: FakeAmi, gateway: AmiGateway
) -> None:
    session = gateway._keeper.session
    assert session is not None
    link: Any = session._link
    link.pause_writing()
    with pytest.raises(SwitchUnavailable):
        await gateway.originate(CallOrder(ATTEMPT, CHANNEL, 30))
    link.resume_writing()
    await gateway.originate(CallOrder(ATTEMPT, CHANNEL, 30))
    assert server.count("Originate") == 1


async def test_a_ping_that_cannot_be_written_ends_the_link(server: FakeAmi) -> None:
    gateway = gateway_to(server, ping_interval_s=0.01)
    await gateway.start()
    assert isinstance(await anext(gateway.events()), LinkUp)
    session = gateway._keeper.session
    assert session is not None
    link: Any = session._link
    link.pause_writing()
    down = await anext(gateway.events())
    assert isinstance(down, LinkDown)
    assert "stopped reading" in down.reason
    assert isinstance(await anext(gateway.events()), LinkUp)
    await gateway.close()


async def test_a_message_without_end_ends_the_link(server: FakeAmi, gateway: AmiGateway) -> None:
    assert isinstance(await anext(gateway.events()), LinkUp)
    server.push(b"x" * 5_000_000)
    down = await anext(gateway.events())
    assert isinstance(down, LinkDown)
    assert "does not end" in down.reason


async def test_old_orders_are_forgotten_in_the_end(
    gateway: AmiGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcamp.switch.ami._ORDERS_REMEMBERED", 3)
    for number in range(5):
        await gateway.originate(CallOrder(attempt(number), CHANNEL, 30))
    assert list(gateway._ordered) == [attempt(2), attempt(3), attempt(4)]


async def test_start_twice(server: FakeAmi, gateway: AmiGateway) -> None:
    await gateway.start()
    assert server.connections == 1
    await gateway.close()
    with pytest.raises(SwitchUnavailable):
        await gateway.start()


async def test_start_again_while_connecting(server: FakeAmi) -> None:
    server.mute("Login")
    gateway = gateway_to(server)
    starting = asyncio.create_task(gateway.start())
    await server.seen("Login")
    with pytest.raises(SwitchUnavailable):
        await gateway.start()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await gateway.close()


async def test_an_unforeseen_failure_is_retried(
    server: FakeAmi, caplog: pytest.LogCaptureFixture
) -> None:
    from callcamp.switch.panoramisk_link import open_link

    tries = 0

    async def stumble(host: str, port: int, on_blocks: OnBlocks, on_lost: OnLost) -> Link:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ZeroDivisionError
        return await open_link(host, port, on_blocks, on_lost)

    gateway = gateway_to(server, open_link=stumble)
    await gateway.start()
    assert gateway.link_up
    assert "unexpected" in caplog.text
    await gateway.close()


async def test_a_connection_lost_during_log_in_is_retried(server: FakeAmi) -> None:
    log_in = server.answers["Login"]

    def hang_up_once(action: Headers) -> bytes | None:
        server.answers["Login"] = log_in
        server.drop()
        return None

    server.answers["Login"] = hang_up_once
    gateway = gateway_to(server)
    await gateway.start()
    assert server.connections == 2
    events = gateway.events()
    assert isinstance(await anext(events), LinkUp)
    await gateway.close()


async def test_an_asterisk_that_refuses_while_it_shuts_down_is_tried_again_soon(
    server: FakeAmi,
) -> None:
    log_in = server.answers["Login"]
    refusals = iter(range(3))

    def refuse_thrice(action: Headers) -> bytes | None:
        if next(refusals, None) is None:
            server.answers["Login"] = log_in
        return error(action, "Authentication failed")

    gateway = gateway_to(server, backoff=Backoff(first_s=0.001, cap_s=0.01, refused_s=3600))
    await gateway.start()
    server.answers["Login"] = refuse_thrice
    server.drop()
    await eventually(lambda: server.answers["Login"] is log_in and gateway.link_up)
    await gateway.close()


async def test_facts_of_the_gateway_itself(server: FakeAmi) -> None:
    gateway = gateway_to(server)
    assert not gateway.link_up
    assert gateway.last_problem == "The gateway has not been started."
    await gateway.start()
    assert gateway.link_up
    assert gateway.last_problem is None
    await server.shut()
    await eventually(lambda: not gateway.link_up)
    assert gateway.last_problem
    await gateway.close()
