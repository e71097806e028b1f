"""The pages on campaigns: list, one campaign, its form, its buttons, trunks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from urllib.parse import urlencode
from zoneinfo import available_timezones

from aiohttp import web
from multidict import MultiDictProxy

from callcamp.core.agent_settings import AgentSettings
from callcamp.core.model import Campaign
from callcamp.core.numbers import RefusedNumber, normalise
from callcamp.core.states import ContactStatus
from callcamp.errors import InvalidInput, NotFound
from callcamp.http import words
from callcamp.http.agent_form import KINDS, METHODS, AgentForm, ScriptRow
from callcamp.http.agents_context import campaign_agents
from callcamp.http.context import (
    CSRF,
    ENGINE,
    REGIONS,
    SETTINGS,
    campaign_id,
    done,
    readable,
    render,
)
from callcamp.http.csrf import FIELD
from callcamp.http.forms import RETRYABLE, CampaignForm, TrunkForm
from callcamp.http.peer import peer_of

PAGE_SIZE = 50


async def campaign_list(request: web.Request) -> web.StreamResponse:
    """Show all campaigns."""
    stats = await request.app[ENGINE].commands.all_stats()
    frame = request.app[REGIONS].list_frame(stats)
    return render(request, "list.html", {"stats": stats, "regions": frame.regions})


async def campaign_page(request: web.Request) -> web.StreamResponse:
    """Show one campaign."""
    engine, settings = request.app[ENGINE], request.app[SETTINGS]
    stats = await engine.commands.stats(campaign_id(request))
    return render(
        request,
        "campaign.html",
        {
            "campaign": stats.campaign,
            "regions": request.app[REGIONS].campaign_frame(stats).regions,
            "imports": await engine.store.imports(stats.campaign.id),
            "max_rows": settings.import_max_rows,
            "max_mib": settings.import_max_mib,
            "origin": f"{'https' if peer_of(request).secure else 'http'}://{request.host}",
            **await _contacts(request, stats.campaign),
            **await _agents(request, stats.campaign),
        },
    )


async def _agents(request: web.Request, campaign: Campaign) -> dict[str, object]:
    """Return the agents of a campaign that has some."""
    return await campaign_agents(request, campaign.id) if campaign.settings.agents.attended else {}


async def contacts_part(request: web.Request) -> web.StreamResponse:
    """Return the contacts table alone, for the page's script."""
    campaign = await request.app[ENGINE].store.campaign(campaign_id(request))
    return render(
        request,
        "contacts_part.html",
        {"campaign": campaign, **await _contacts(request, campaign)},
    )


async def _contacts(request: web.Request, campaign: Campaign) -> dict[str, object]:
    """Return one page of contacts as the query asks for it."""
    query = request.query
    phone, status, after = query.get("phone", "").strip(), query.get("status", ""), _after(request)
    kept = {k: v for k, v in (("phone", phone), ("status", status)) if v}
    wanted = ContactStatus(status) if status in set(ContactStatus) else None
    number = normalise(phone, campaign.settings.default_region) if phone else None
    if isinstance(number, RefusedNumber):
        found, problem = [], f"“{phone}” is {words.problem(number.problem)}."
    else:
        problem = ""
        found = await request.app[ENGINE].store.contacts(
            campaign.id, status=wanted, phone=number, after_id=after, limit=PAGE_SIZE + 1
        )
    shown = found[:PAGE_SIZE]
    more = len(found) > PAGE_SIZE
    talked = await request.app[ENGINE].store.last_agents([contact.id for contact in shown])
    return {
        "contacts": shown,
        "talked": {id_: agent.display_name or agent.name for id_, agent in talked.items()},
        "search_problem": problem,
        "phone": phone,
        "status": status,
        "after": after,
        "query": urlencode({**kept, **({"after": str(after)} if after else {})}),
        "first_query": urlencode(kept),
        "next_query": urlencode({**kept, "after": str(shown[-1].id)}) if more else "",
    }


def _after(request: web.Request) -> int:
    return _number(request.query.get("after", ""))


def _number(text: str) -> int:
    """Return a number that only our own pages write; 0 for whatever else it is."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


async def new_campaign(request: web.Request) -> web.StreamResponse:
    """Show the empty form."""
    return await _form(request, CampaignForm(), fresh=True)


async def create_campaign(request: web.Request) -> web.StreamResponse:
    """Create a draft."""
    data = await checked_post(request)
    form = CampaignForm.read(data)
    try:
        campaign = await request.app[ENGINE].commands.create_campaign(form.settings())
    except (InvalidInput, NotFound) as problem:
        return await _form(request, form, problem=problem)
    return done(request, f"/campaigns/{campaign.id}")


async def edit_campaign(request: web.Request) -> web.StreamResponse:
    """Show the form of a campaign."""
    campaign = await request.app[ENGINE].store.campaign(campaign_id(request))
    return await _form(request, CampaignForm.of(campaign.settings), campaign)


async def save_campaign(request: web.Request) -> web.StreamResponse:
    """Change the settings of a draft or paused campaign."""
    data = await checked_post(request)
    engine, form = request.app[ENGINE], CampaignForm.read(data)
    version = data.get("version", "")
    before = await engine.store.campaign(campaign_id(request))
    try:
        changed = await engine.commands.change_settings(
            before.id,
            form.settings(before.settings),
            expected_version=_number(version) if isinstance(version, str) else 0,
        )
    except InvalidInput as problem:
        return await _form(request, form, before, problem=problem)
    return done(request, f"/campaigns/{changed.id}")


async def _form(
    request: web.Request,
    form: CampaignForm,
    campaign: Campaign | None = None,
    *,
    problem: InvalidInput | NotFound | None = None,
    fresh: bool = False,
) -> web.Response:
    return render(
        request,
        "form.html",
        {
            "campaign": campaign,
            "form": form,
            "fresh": fresh,
            "problem": problem.message if problem else "",
            "field": problem.details.get("field") if problem else None,
            "trunks": await request.app[ENGINE].commands.trunks(),
            "zones": _zones(),
            "weekdays": words.WEEKDAYS,
            "modes": words.MODE,
            "retryable": RETRYABLE,
            "agents": form.agents or AgentForm.of(AgentSettings()),
            "methods": METHODS,
            "kinds": KINDS,
            "blank": ScriptRow(),
            "outcomes": await request.app[ENGINE].commands.lists.outcomes(),
        },
        status=400 if problem else 200,
    )


@cache
def _zones() -> list[str]:
    return sorted(available_timezones())


def move(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the handler of a campaign's button: start, pause, resume or stop."""

    async def handler(request: web.Request) -> web.StreamResponse:
        await checked_post(request)
        campaign = await getattr(request.app[ENGINE].commands, name)(campaign_id(request))
        message = f"{campaign.settings.name} is {campaign.status.value}."
        return done(request, f"/campaigns/{campaign.id}", message)

    return handler


async def ask_stop(request: web.Request) -> web.StreamResponse:
    """Ask before stopping, for browsers without scripts."""
    campaign = await request.app[ENGINE].store.campaign(campaign_id(request))
    return render(
        request,
        "confirm.html",
        {
            "campaign": campaign,
            "title": f"Stop “{campaign.settings.name}”?",
            "text": (
                "Stopping is final: the campaign becomes canceled and cannot be resumed. "
                "Remaining contacts are not called; calls in progress go on to their end. "
                "To go on later, pause it instead."
            ),
            "yes": "Stop for good",
        },
    )


async def ask_delete_contacts(request: web.Request) -> web.StreamResponse:
    """Ask before deleting all contacts."""
    engine = request.app[ENGINE]
    campaign = await engine.store.campaign(campaign_id(request))
    total = (await engine.store.counts(campaign.id)).total
    return render(
        request,
        "confirm.html",
        {
            "campaign": campaign,
            "title": "Delete all contacts?",
            "text": f"All {total} contacts of “{campaign.settings.name}” are deleted.",
            "yes": "Delete all",
        },
    )


async def delete_contacts(request: web.Request) -> web.StreamResponse:
    """Delete all contacts of a campaign that was never started."""
    await checked_post(request)
    engine, number = request.app[ENGINE], campaign_id(request)
    await engine.store.delete_contacts(number)
    engine.live.touch()
    return done(request, f"/campaigns/{number}")


async def trunk_list(request: web.Request) -> web.StreamResponse:
    """Show the trunks and the form for one."""
    return await _trunks(request, TrunkForm())


async def save_trunk(request: web.Request) -> web.StreamResponse:
    """Add or change a trunk."""
    form = TrunkForm.read(await checked_post(request))
    try:
        cps, most = form.numbers()
        await request.app[ENGINE].commands.save_trunk(
            form.name, dial_string=form.dial_string, cps=cps, max_channels=most
        )
    except InvalidInput as problem:
        return await _trunks(request, form, problem.message)
    return done(request, "/trunks")


async def _trunks(request: web.Request, form: TrunkForm, problem: str = "") -> web.Response:
    trunks = await request.app[ENGINE].commands.trunks()
    return render(
        request,
        "trunks.html",
        {"trunks": trunks, "form": form, "problem": problem},
        status=400 if problem else 200,
    )


async def checked_post(
    request: web.Request,
) -> MultiDictProxy[str | bytes | bytearray | web.FileField]:
    """Return a form's fields, once its token is found right.

    Raises:
        StaleForm: it has another token, or none.
        InvalidInput: it cannot be read.
    """
    with readable():
        data = await request.post()
    token = data.get(FIELD, "")
    request.app[CSRF].check(request, token if isinstance(token, str) else "")
    return data
