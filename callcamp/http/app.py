"""The web application, put together."""

from __future__ import annotations

import asyncio
from weakref import WeakSet

import aiohttp_jinja2
import jinja2
from aiohttp import web

from callcamp.core.permissions import Permission
from callcamp.core.wording import in_hours
from callcamp.http import words
from callcamp.http.auth import ASKED, identify, permit
from callcamp.http.board_regions import STATES, quantity_name, quantity_value
from callcamp.http.context import CLOSING, CSRF, ENGINE, HOMES, HUB, REGIONS, SETTINGS
from callcamp.http.csrf import Csrf
from callcamp.http.failures import failures
from callcamp.http.files import web_dir
from callcamp.http.hub import Hub
from callcamp.http.needs import EngineLike
from callcamp.http.operations import add_operations
from callcamp.http.patience import SPOKEN, bodies
from callcamp.http.progress import JOBS, Jobs
from callcamp.http.regions import Regions
from callcamp.http.routes import add_routes, homes
from callcamp.http.security import add_headers, guard
from callcamp.settings import Settings

MAX_FORM_BYTES = 256 * 1024
"""Most bytes of a form; uploads have their own limit, ``import_max_mib``."""


def make_app(engine: EngineLike, settings: Settings) -> web.Application:
    """Return the pages, the API and the live streams over an engine.

    Check the address with :func:`callcamp.http.security.check_bind` before listening, and
    run it with ``handler_cancellation=True`` so that streams end with their browsers.
    """
    app = web.Application(
        middlewares=[bodies, failures, guard, identify, permit],
        client_max_size=MAX_FORM_BYTES,
    )
    folder = web_dir()
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(folder / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        contact_words=words.CONTACT,
        contact_help=words.CONTACT_HELP,
        warning_holds=words.WARNING_HOLDS,
    )
    environment.filters.update(
        share=words.share,
        number=words.number,
        hold=words.hold,
        disposition=words.disposition,
        disposition_help=words.disposition_help,
        instant=words.instant,
        clock=words.clock,
        call=words.CALL.__getitem__,
        contact=words.CONTACT.__getitem__,
        problem=words.problem,
        agent_state=STATES.__getitem__,
        quantity_name=quantity_name,
        quantity_value=quantity_value,
        in_hours=in_hours,
    )
    app[ENGINE] = engine
    app[SETTINGS] = settings
    app[CSRF] = Csrf()
    app[HOMES] = homes()
    app[CLOSING] = asyncio.Event()
    app[JOBS] = Jobs()
    app[SPOKEN] = WeakSet()
    app[REGIONS] = Regions(engine, environment, engine.clock.now)
    app[HUB] = Hub(engine.live, app[REGIONS].draw)
    static = app.router.add_static("/static/", folder / "static", follow_symlinks=False)
    app[ASKED] = add_routes(app) | dict.fromkeys(static, Permission.PUBLIC)
    add_operations(app)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_close_streams)
    return app


async def _close_streams(app: web.Application) -> None:
    app[CLOSING].set()
    await app[HUB].close()
