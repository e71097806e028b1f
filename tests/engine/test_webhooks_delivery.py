"""Events reach real receivers: signed, in order, again and again, and nobody inside."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from database_kit import make_database
from engine_kit import Script, bench, until

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.states import CampaignEvent
from callcamp.core.webhooks import EventType
from callcamp.engine.clock import utc_now
from callcamp.engine.webhooks import Deliverer, Sender, Webhooks, deliverer
from callcamp.engine.webhooks import sender as sender_module
from callcamp.engine.webhooks.desk import MOST_WEBHOOKS
from callcamp.engine.webhooks.resolver import PublicResolver
from callcamp.errors import Conflict, InvalidInput, NotFound, StoreError
from callcamp.ports import DeliveryStatus, Webhook
from callcamp.settings import Settings
from callcamp.store import SqlStore

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TAKE = object()


@dataclass
class Receiver:
    """Somebody else's web server; ``answer`` says what it does with a request."""

    url: str = ""
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)
    answer: Any = TAKE

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.got.append((dict(request.headers), await request.text()))
        if self.answer is TAKE:
            return web.Response(text="thanks")
        if isinstance(self.answer, int):
            return web.Response(status=self.answer, text="no")
        response: web.StreamResponse = await self.answer(request)
        return response

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.got]


@contextlib.asynccontextmanager
async def receiving(host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    receiver.url = f"http://{host}:{runner.addresses[0][1]}/hook?key=secret-path"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path}/callcamp.sqlite3"
    make_database(url)
    one = SqlStore(url)
    await one.open()
    yield one
    await one.close()


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


def desk(store: SqlStore, *, private: bool = True, clock: Any = utc_now) -> Webhooks:
    return Webhooks(store, Settings(webhook_allow_private=private), clock)


def sender(**options: Any) -> Sender:
    return Sender(**({"allow_private": True, "timeout_s": 2.0} | options))


async def happen(store: SqlStore, times: int = 1) -> list[str]:
    """Have things happen; returns the types of the events in order."""
    trunk = await store.save_trunk("carrier", dial_string="PJSIP/{number}@c", cps=1)
    settings = CampaignSettings(name="Spring", trunk_id=trunk.id)
    campaign = await store.create_campaign(settings, now=utc_now())
    happened = []
    for number in range(times):
        event = (
            CampaignEvent.STARTED
            if not number
            else CampaignEvent.PAUSED
            if number % 2
            else CampaignEvent.RESUMED
        )
        await store.move_campaign(campaign.id, event, now=utc_now())
        happened.append(f"campaign.{event.value}")
    return happened


async def deliver(store: SqlStore, clock: Any = utc_now, **options: Any) -> bool:
    """Deliver what is due for webhook 1, once."""
    async with sender(**options) as open_sender:
        return await Deliverer(store, open_sender, clock=clock, jitter=lambda: 0).deliver(1)


def verify(secret: str, headers: dict[str, str], body: str) -> None:
    """Check a signature as the documentation says, without our code."""
    parts = dict(part.split("=", 1) for part in headers["Callcamp-Signature"].split(","))
    assert abs(int(parts["t"]) - time.time()) < 300
    mac = hmac.new(secret.encode(), f"{parts['t']}.{body}".encode(), hashlib.sha256)
    assert hmac.compare_digest(mac.hexdigest(), parts["v1"])


async def test_an_event_arrives_signed(store: SqlStore, receiver: Receiver) -> None:
    secret, webhook = await desk(store).add(receiver.url)
    assert secret.startswith("whsec_")
    await happen(store)
    assert await deliver(store)
    ((headers, body),) = receiver.got
    verify(secret, headers, body)
    told = json.loads(body)
    assert (told["type"], told["data"]["campaign"]["name"]) == ("campaign.started", "Spring")
    assert headers["Callcamp-Event"] == "campaign.started"
    assert headers["Callcamp-Event-Id"] == told["id"]
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("callcamp/")
    (delivery,) = await desk(store).deliveries(webhook.id)
    assert delivery.status is DeliveryStatus.DELIVERED
    assert [(t.status, t.answer, t.ok) for t in delivery.log] == [(200, "thanks", True)]
    assert not await deliver(store)
    assert len(receiver.got) == 1


async def test_events_arrive_in_order_whatever_fails_in_between(
    store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    happened = await happen(store, 60)
    clock, taken, asked = Hands(), list[str](), 0

    async def every_third(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked % 20 == 3:
            return web.Response(status=500)
        taken.append(json.loads(await request.text())["type"])
        return web.Response()

    receiver.answer = every_third
    for _ in range(20):
        await deliver(store, clock)
        clock.at += timedelta(minutes=10)
    assert sorted(taken) == sorted(happened)
    ids = [json.loads(body)["id"] for _, body in receiver.got]
    assert len(set(ids)) == 60
    statuses = {d.status for d in await store.deliveries(1, limit=1000)}
    assert statuses == {DeliveryStatus.DELIVERED}
    # What did not fail stands in the order in which it happened.
    failed = {
        d.event_id for d in await store.deliveries(1, limit=1000) if not all(t.ok for t in d.log)
    }
    waiting = [d.event_id for d in reversed(await store.deliveries(1, limit=1000))]
    assert [i for i in ids if i not in failed] == [i for i in waiting if i not in failed]


async def test_a_failure_is_tried_again_and_later_each_time(
    store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    await happen(store, 2)
    receiver.answer = 503
    clock, waits = Hands(), list[float]()
    for _ in range(4):
        assert not await deliver(store, clock)
        before = len(receiver.got)
        assert not await deliver(store, clock)
        assert len(receiver.got) == before
        first = (await store.deliveries(1))[-1]
        if len(first.log) > len(waits):
            assert first.due_at is not None
            waits.append((first.due_at - clock.at).total_seconds())
        clock.at += timedelta(minutes=6)
    assert waits == sorted(waits)
    assert waits[:2] == [5, 10]
    receiver.answer = TAKE
    clock.at += timedelta(hours=6)
    assert await deliver(store, clock)
    assert receiver.types[-2:] == ["campaign.started", "campaign.paused"]


async def test_one_event_that_is_not_taken_does_not_hold_up_the_others(
    store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    await happen(store, 6)
    clock = Hands()

    async def not_the_first(request: web.Request) -> web.StreamResponse:
        return web.Response(status=400 if "started" in await request.text() else 204)

    receiver.answer = not_the_first
    assert await deliver(store, clock)
    *others, first = await store.deliveries(1)
    assert first.status is DeliveryStatus.PENDING
    assert [d.status for d in others] == [DeliveryStatus.DELIVERED] * 5
    assert not await deliver(store, clock)
    clock.at += timedelta(seconds=5)
    assert await deliver(store, clock)
    assert len((await store.deliveries(1))[-1].log) == 2


async def test_one_event_that_breaks_the_receiver_holds_up_the_others_for_minutes_at_most(
    store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    await happen(store, 6)
    clock = Hands()
    begun = clock.at

    async def broken_by_the_first(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500 if "started" in await request.text() else 204)

    receiver.answer = broken_by_the_first
    while len(await store.deliveries(1, status=DeliveryStatus.DELIVERED)) < 5:
        await deliver(store, clock)
        clock.at += timedelta(seconds=5)
    assert clock.at - begun < timedelta(minutes=4)


async def test_a_receiver_that_refuses_everything_is_left_alone(
    store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    await happen(store, 10)
    receiver.answer = 404
    assert not await deliver(store)
    assert not await deliver(store)
    assert len(receiver.got) == 3


async def test_after_three_days_it_is_switched_off_with_a_word_in_the_audit(
    store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    await happen(store)
    receiver.answer = 500
    clock, begun = Hands(), utc_now()
    while (await store.webhook(1)).active:
        await deliver(store, clock)
        clock.at += timedelta(hours=1)
        assert clock.at - begun < timedelta(days=4)
    assert clock.at - begun >= timedelta(days=3)
    assert len(receiver.got) < 30
    (delivery,) = await store.deliveries(1)
    assert delivery.status is DeliveryStatus.GIVEN_UP
    assert "webhook.switched_off" in {e.action for e in await store.audit(kind="webhook")}
    receiver.answer, before = TAKE, len(receiver.got)
    await desk(store).change(1, active=True)
    await desk(store).redeliver(delivery.id)
    assert await deliver(store, clock)
    assert json.loads(receiver.got[before][1])["id"] == delivery.event_id


async def hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b".")
        await asyncio.sleep(0.01)


async def huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for _ in range(10_000):
            await response.write(b"x" * 65_536)
    return response


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def test_a_receiver_that_hangs_is_left_and_tried_again(
    store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    await happen(store)
    receiver.answer = hang
    assert not await deliver(store, timeout_s=0.1)
    (delivery,) = await store.deliveries(1)
    assert delivery.log[0].problem == "no answer within 0.1 s"
    assert delivery.status is DeliveryStatus.PENDING


async def test_of_an_answer_without_end_only_the_beginning_is_read(
    store: SqlStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "BODY_S", 0.1)
    await desk(store).add(receiver.url)
    for answer in (huge, drip):
        receiver.answer = answer
        await happen(store)
        assert await deliver(store)
        newest = (await store.deliveries(1))[0]
        assert newest.status is DeliveryStatus.DELIVERED
        assert 0 < len(newest.log[0].answer) <= 500


async def test_a_receiver_that_hangs_up_has_not_taken_it(
    store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    await happen(store)
    receiver.answer = cut
    assert not await deliver(store)
    (delivery,) = await store.deliveries(1)
    assert delivery.log[0].problem
    assert "secret-path" not in repr(delivery.log)


async def test_redirects_are_not_followed(store: SqlStore, receiver: Receiver) -> None:
    async with receiving() as inner:

        async def elsewhere(_request: web.Request) -> web.StreamResponse:
            raise web.HTTPTemporaryRedirect(inner.url)

        receiver.answer = elsewhere
        await desk(store).add(receiver.url)
        await happen(store)
        assert not await deliver(store)
        assert inner.got == []
        (delivery,) = await store.deliveries(1)
        assert delivery.log[0].status == 307
        assert "redirects are not followed" in (delivery.log[0].problem or "")


async def test_nothing_is_lost_between_the_commit_and_the_delivery(
    tmp_path: Path, store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    happened = await happen(store, 3)
    receiver.answer = hang
    running = asyncio.create_task(Deliverer(store, sender()).run())
    await until(lambda: receiver.got, "on its way")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()
    again = SqlStore(f"sqlite:///{tmp_path}/callcamp.sqlite3")
    await again.open()
    try:
        receiver.answer = TAKE
        running = asyncio.create_task(Deliverer(again, sender()).run())
        await until(lambda: len(receiver.got) == 4, "all of it")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    finally:
        await again.close()
    assert receiver.types == [happened[0], *happened]
    ids = [json.loads(body)["id"] for _, body in receiver.got]
    assert ids[0] == ids[1]


_PROCESS = """
import asyncio, sys
from callcamp.core.states import CampaignEvent
from callcamp.engine.clock import utc_now
from callcamp.engine.webhooks import Deliverer, Sender
from callcamp.store import SqlStore

async def work():
    store = SqlStore(sys.argv[1])
    await store.open()
    for event in (CampaignEvent.STARTED, CampaignEvent.PAUSED):
        await store.move_campaign(1, event, now=utc_now())
    await Deliverer(store, Sender(allow_private=True)).run()

asyncio.run(work())
"""


@pytest.mark.faults
async def test_a_kill_while_an_event_is_on_its_way_loses_nothing(
    tmp_path: Path, store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    await happen(store, 0)
    receiver.answer = hang
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROCESS, f"sqlite:///{tmp_path}/callcamp.sqlite3"
    )
    try:
        await until(lambda: receiver.got, "on its way", within_s=60)
    finally:
        process.kill()
        await process.wait()
    receiver.answer = TAKE
    assert await deliver(store)
    assert receiver.types == ["campaign.started", "campaign.started", "campaign.paused"]
    ids = [json.loads(body)["id"] for _, body in receiver.got]
    assert ids[0] == ids[1] != ids[2]


async def test_a_slow_receiver_does_not_hold_up_others(
    store: SqlStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverer, "LOOK_EVERY_S", 0.01)
    async with receiving() as slow:
        slow.answer = hang
        await desk(store).add(slow.url)
        await desk(store).add(receiver.url)
        happened = await happen(store, 4)
        running = asyncio.create_task(Deliverer(store, sender(timeout_s=60)).run())
        await until(lambda: len(receiver.got) == 4, "the other one")
        assert len(slow.got) == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert receiver.types == happened


async def test_a_database_that_fails_ends_nothing(
    store: SqlStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverer, "LOOK_EVERY_S", 0.01)
    await desk(store).add(receiver.url)
    await happen(store)
    ready, notes, problems = store.webhooks_ready, store.note_tries, ["ready", "note"]

    async def failing_ready(**options: Any) -> list[int]:
        if "ready" in problems:
            problems.remove("ready")
            raise StoreError("The disk is full.")
        return await ready(**options)

    async def failing_note(*arguments: Any, **options: Any) -> None:
        if "note" in problems:
            problems.remove("note")
            raise StoreError("The disk is full.")
        await notes(*arguments, **options)

    monkeypatch.setattr(store, "webhooks_ready", failing_ready)
    monkeypatch.setattr(store, "note_tries", failing_note)
    running = asyncio.create_task(Deliverer(store, sender()).run())
    await until(lambda: len(receiver.got) == 2, "told again")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert receiver.got[0][1] == receiver.got[1][1]


async def test_what_was_delivered_long_ago_is_deleted(
    store: SqlStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverer, "PURGE_MOST", 2)
    await desk(store).add(receiver.url)
    await happen(store, 5)
    clock = Hands()
    while await deliver(store, clock):
        pass
    old = Deliverer(store, sender(), clock=clock)
    assert await old.purge() == 0
    clock.at += deliverer.KEEP_DELIVERED + timedelta(seconds=1)
    await happen(store)
    assert await old.purge() == 5
    assert [d.status for d in await store.deliveries(1)] == [DeliveryStatus.PENDING]


class Names(AbstractResolver):
    """A name server that somebody else runs: it answers as told, each time the next."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not answer:
            raise OSError(-2, "Name or service not known")
        return [
            ResolveResult(hostname=host, host=a, port=port, family=family, proto=0, flags=0)
            for a in answer
        ]

    async def close(self) -> None:
        self.asked.append("closed")


async def sent_to(url: str, names: Names) -> Any:
    async with Sender(resolver=names, timeout_s=60) as one:
        return await one.send(url, "s", "{}", event="ping", event_id="evt_1", now=utc_now())


async def test_a_name_that_changes_its_mind_reaches_nobody_inside(receiver: Receiver) -> None:
    port = receiver.url.split(":")[2].partition("/")[0]
    url = f"http://rebind.example:{port}/"
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    await Sender(resolver=names).check(url)
    attempt = await sent_to(url, names)
    assert attempt.status is None
    assert "public" in attempt.problem
    assert receiver.got == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["fd00:ec2::254"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
    ],
)
async def test_a_name_that_leads_inside_is_refused(addresses: list[str], store: SqlStore) -> None:
    def made() -> Sender:
        return Sender(resolver=Names(addresses))

    webhooks = Webhooks(store, Settings(), utc_now, sender=made)
    with pytest.raises(InvalidInput, match="webhook_allow_private"):
        await webhooks.add("http://inside.example/hook")
    assert await webhooks.list() == []
    attempt = await sent_to("http://inside.example/", Names(addresses))
    assert (attempt.status, attempt.ok) == (None, False)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "127.1", "localhost."]
)
async def test_no_writing_of_loopback_is_sent_to(host: str, receiver: Receiver) -> None:
    port = receiver.url.split(":")[2].partition("/")[0]
    attempt = await sent_to(f"http://{host}:{port}/", Names(["127.0.0.1"]))
    assert (attempt.status, attempt.ok) == (None, False)
    assert receiver.got == []


async def test_localhost_by_the_name_service_of_this_machine_is_refused() -> None:
    for host in ("localhost", "localhost."):
        with pytest.raises(InvalidInput):
            await Sender().check(f"http://{host}/")


async def test_a_name_that_does_not_exist_is_refused_at_once(store: SqlStore) -> None:
    with pytest.raises(InvalidInput, match="cannot be resolved"):
        await Sender(resolver=Names([])).check("https://nowhere.example/")
    with pytest.raises(OSError, match="public"):
        await PublicResolver(Names(["10.0.0.1"])).resolve("x")


async def test_what_is_allowed_inside_can_be_forbidden_again(
    store: SqlStore, receiver: Receiver
) -> None:
    await desk(store).add(receiver.url)
    await happen(store)
    assert not await deliver(store, allow_private=False)
    assert receiver.got == []
    assert "webhook_allow_private" in ((await store.deliveries(1))[0].log[0].problem or "")


async def test_use_cases_refuse_what_cannot_be(store: SqlStore, receiver: Receiver) -> None:
    webhooks = desk(store)
    with pytest.raises(InvalidInput, match=r"attempt\.ended"):
        await webhooks.add(receiver.url, ["nonsense"])
    with pytest.raises(InvalidInput, match="user or a password"):
        await webhooks.add("http://u:p@example.com/")
    _, made = await webhooks.add(receiver.url, ["attempt.ended"])
    with pytest.raises(InvalidInput):
        await webhooks.change(made.id, url="ftp://example.com/")
    with pytest.raises(InvalidInput, match="limit is 0"):
        await webhooks.deliveries(made.id, limit=0)
    changed = await webhooks.change(made.id, events=["*"], url=f"{receiver.url}2")
    assert changed.events == frozenset(EventType)
    assert await webhooks.show(made.id) == changed
    for _ in range(MOST_WEBHOOKS - 1):
        await webhooks.add(receiver.url)
    with pytest.raises(Conflict, match="remove one"):
        await webhooks.add(receiver.url)
    await webhooks.remove(made.id)
    assert len(await webhooks.list()) == MOST_WEBHOOKS - 1


async def test_a_ping_goes_past_all_that_waits(store: SqlStore, receiver: Receiver) -> None:
    webhooks = desk(store)
    secret, made = await webhooks.add(receiver.url)
    await happen(store)
    attempt = await webhooks.test(made.id)
    assert (attempt.ok, attempt.status, attempt.answer) == (True, 200, "thanks")
    ((headers, body),) = receiver.got
    verify(secret, headers, body)
    assert json.loads(body)["type"] == "ping"
    receiver.answer = 418
    assert not (await webhooks.test(made.id)).ok
    tests = [e for e in await store.audit(kind="webhook") if e.action == "webhook.tested"]
    assert [e.after["status"] for e in tests] == [418, 200]


async def test_a_campaign_of_an_engine_is_told_from_start_to_end(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverer, "LOOK_EVERY_S", 0.01)
    async with bench(tmp_path, Script(), webhook_allow_private=True) as b:
        engine = await b.start()
        secret, made = await engine.webhooks.add(receiver.url)
        assert isinstance(made, Webhook)
        campaign = await b.campaign(3)
        await b.completed(campaign)
        await until(lambda: "campaign.completed" in receiver.types, "told of the end")
        assert receiver.types[0] == "campaign.started"
        assert receiver.types[-1] == "campaign.completed"
        assert receiver.types.count("attempt.ended") == 3
        assert receiver.types.count("contact.completed") == 3
        for headers, body in receiver.got:
            verify(secret, headers, body)
        called = {
            json.loads(body)["data"]["attempt"]["id"]
            for _, body in receiver.got
            if '"attempt.ended"' in body
        }
        assert called == set(b.switch.placed_ids)


async def test_a_renewed_secret_signs_what_waited(store: SqlStore, receiver: Receiver) -> None:
    webhooks = desk(store)
    old, made = await webhooks.add(receiver.url)
    await happen(store, 2)
    new, renewed = await webhooks.renew_secret(made.id)
    assert renewed == made
    assert new != old
    await deliver(store)
    assert len(receiver.got) == 2
    for headers, body in receiver.got:
        verify(new, headers, body)
        with pytest.raises(AssertionError):
            verify(old, headers, body)
    await webhooks.test(made.id)
    verify(new, *receiver.got[-1])
    with pytest.raises(NotFound):
        await webhooks.renew_secret(99)
