"""Where everything is wired together; nothing else knows all the rooms."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from callcamp.engine import Engine
from callcamp.engine.access import Access
from callcamp.engine.clock import Clock
from callcamp.errors import CallcampError, InvalidInput
from callcamp.http.app import make_app
from callcamp.http.patience import closing_silent
from callcamp.http.peer import is_loopback
from callcamp.http.security import check_bind
from callcamp.http.server import Runner
from callcamp.settings import Settings
from callcamp.store import SqlStore
from callcamp.switch.ami import AmiGateway

log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """Open the database of ``settings`` for the time of a block.

    Raises:
        StoreError: it cannot be reached, or its schema is not the current one.
    """
    store = SqlStore(settings.database_url)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def make_gateway(settings: Settings) -> AmiGateway:
    """Return a gateway to the Asterisk of ``settings``, not started yet."""
    return AmiGateway(
        host=settings.ami_host,
        port=settings.ami_port,
        username=settings.ami_username,
        secret=settings.ami_secret.get_secret_value(),
        connect_timeout_s=settings.ami_connect_timeout_s,
        action_timeout_s=settings.ami_action_timeout_s,
        ping_interval_s=settings.ami_ping_interval_s,
        event_queue=settings.ami_event_queue,
        instance=_instance(settings),
    )


def _instance(settings: Settings) -> str:
    """Return a name for the callcamp of ``settings`` that stays as long as its database does."""
    url = urlsplit(settings.database_url)
    # A file is another one on another machine; user and password are nobody else's business.
    where = url.netloc.rpartition("@")[2] or socket.gethostname()
    return hashlib.sha256(f"{where} {url.path} {settings.data_dir}".encode()).hexdigest()[:12]


@contextlib.asynccontextmanager
async def run_engine(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Engine]:
    """Run an engine over the database and the Asterisk of ``settings`` for a block.

    Raises:
        StoreError: the database cannot be used.
        Conflict: another engine works on it.
        BadCredentials: Asterisk refuses the log-in.
    """
    async with open_store(settings) as store:
        engine = Engine(store, make_gateway(settings), settings, clock)
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


async def check_address(settings: Settings) -> None:
    """Accept the address that ``settings`` have for the pages.

    Raises:
        InvalidInput: it is not loopback, and there is no administrator yet.
        StoreError: the database that would know cannot be used.
    """
    # What the settings alone say comes first: it needs no database.
    check_bind(settings.http_host, has_admin=True, allowed_hosts=settings.http_allowed_hosts)
    if is_loopback(settings.http_host):
        return
    async with open_store(settings) as store:
        has_admin = await Access(store, settings).has_admin()
    check_bind(settings.http_host, has_admin=has_admin, allowed_hosts=settings.http_allowed_hosts)


@contextlib.asynccontextmanager
async def serve_pages(engine: Engine, settings: Settings) -> AsyncIterator[str]:
    """Serve the pages of ``engine`` for a block; yields their address.

    Raises:
        InvalidInput: the address may not be used, or is taken.
    """
    check_bind(
        settings.http_host,
        has_admin=await engine.access.has_admin(),
        allowed_hosts=settings.http_allowed_hosts,
    )
    app = make_app(engine, settings)
    runner = Runner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.http_host, settings.http_port, shutdown_timeout=3.0)
        try:
            await site.start()
        except OSError as error:
            raise InvalidInput(
                f"Pages cannot be served at {settings.http_host}:{settings.http_port} "
                f"({error.strerror or error}); choose another CALLCAMP_HTTP_PORT.",
                field="http_port",
                value=settings.http_port,
            ) from error
        host, port = runner.addresses[0][:2]
        if runner.server is None:
            raise AssertionError("the runner was set up")
        async with closing_silent(runner.server, app):
            yield f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


async def serve(
    settings: Settings, on_ready: Callable[[str], Awaitable[None] | None] | None = None
) -> None:
    """Run engine and pages until SIGTERM or SIGINT.

    Args:
        settings: all settings.
        on_ready: called with the address of the pages once they are served.

    Raises:
        CallcampError: it cannot start, or the engine failed.
    """
    await check_address(settings)  # before the engine: a wrong address places no calls
    stop, serving = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    work = asyncio.create_task(_serve_until(stop, serving, settings, on_ready))
    stopped = asyncio.create_task(stop.wait())
    try:
        ends: set[asyncio.Future[Any]] = {work, stopped}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not serving.is_set() and not work.done():
            # Still waiting for Asterisk or the database: there is nothing to end in order.
            work.cancel()
            await asyncio.wait({work})
        else:
            await work
    finally:
        stopped.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _serve_until(
    stop: asyncio.Event,
    serving: asyncio.Event,
    settings: Settings,
    on_ready: Callable[[str], Awaitable[None] | None] | None,
) -> None:
    async with run_engine(settings) as engine, serve_pages(engine, settings) as address:
        serving.set()
        log.info("serving", address=address, link_up=engine.link_up)
        if on_ready is not None:
            result = on_ready(address)
            if result is not None:
                await result
        await _until_stopped(stop, engine)


async def _until_stopped(stop: asyncio.Event, engine: Engine) -> None:
    if engine.failed is None:
        raise AssertionError("the engine was not started")
    waiter = asyncio.create_task(stop.wait())
    try:
        ends: set[asyncio.Future[Any]] = {waiter, engine.failed}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()
    if engine.failed.done() and not engine.failed.cancelled():
        problem = engine.failed.result()
        if isinstance(problem, CallcampError):
            raise problem
        raise CallcampError(f"The engine failed: {problem!r}") from problem
