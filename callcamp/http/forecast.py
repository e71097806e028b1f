"""The page of a campaign's forecast; it is made when somebody asks, which takes seconds."""

from __future__ import annotations

from aiohttp import web

from callcamp.core.reasons import REASON_MEANING
from callcamp.errors import InvalidInput, TooBusy
from callcamp.http.context import ENGINE, campaign_id, render
from callcamp.http.failures import say_when, status_of

WORDS = {
    "answer_rate": "Calls that a person answers",
    "ring_s": "Time until the answer",
    "talk_s": "Talk or prompt",
    "other_end_s": "Calls that no person answers",
    "wrap_up_s": "Wrap-up",
    "retry_share": "Of those, how many are called again",
}


async def page(request: web.Request) -> web.StreamResponse:
    """Show the forecast of a campaign, for as many agents as the query says."""
    engine, number = request.app[ENGINE], campaign_id(request)
    campaign = await engine.store.campaign(number)
    given = {name: request.query.get(name, "").strip()[:20] for name in ("agents", "answer_rate")}
    told, problem = None, None
    try:
        told = await engine.commands.forecasts.forecast(
            number, agents=_agents(given["agents"]), answer_rate=_share(given["answer_rate"])
        )
    except (InvalidInput, TooBusy) as error:
        problem = error
    response = render(
        request,
        "forecast.html",
        {
            "campaign": campaign,
            "told": told,
            "problem": problem.message if problem else "",
            "given": given,
            "words": WORDS,
            "meaning": REASON_MEANING,
        },
        status=status_of(problem) if problem else 200,
    )
    return say_when(response, problem)


def _agents(text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    raise InvalidInput("agents: give a whole number, such as 10.", field="agents", value=text)


def _share(text: str) -> float | None:
    if not text:
        return None
    try:
        percent = float(text)
    except ValueError:
        percent = 0.0
    # The engine would speak of 0.01 to 1, which nobody typed here.
    if not 1 <= percent <= 100:
        raise InvalidInput(
            "Answered: give a percentage from 1 to 100, such as 30.",
            field="answer_rate",
            value=text,
        )
    return percent / 100
