"""The forecast before start: whom a campaign would call, when it ends, what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from callcamp.core.agent_settings import ON_THE_LINE, DialMethod
from callcamp.core.model import Campaign
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignStatus
from callcamp.engine.children import ask_child
from callcamp.engine.forecast_plan import Forecast, Plan, Range, pacing_name
from callcamp.engine.history import history_of
from callcamp.engine.open_hours import OpenHours
from callcamp.engine.rulebook import RuleBook
from callcamp.engine.why import CampaignWhy, Why, as_running
from callcamp.errors import Conflict, InvalidInput, TooBusy
from callcamp.ports import Store

__all__ = ["Forecast", "Forecaster", "Range"]

TIMEOUT_S = 120.0
"""How long the simulation may take."""
BUSY_S = 15
"""When to ask again while another forecast is being made; most take seconds."""
SEEDS = 3
"""How often the campaign is simulated."""
MOST_AGENTS = 500
_CHILD = ("-P", str(Path(__file__).with_name("forecast_child.py")))
PASSING = frozenset(
    {
        Reason.NO_ENGINE,
        Reason.LINK_DOWN,
        Reason.CATCHING_UP,
        Reason.OUTSIDE_HOURS,
        Reason.HOLIDAY,
        Reason.TRUNK_REFUSES,
        Reason.TRUNK_FULL,
        Reason.CPS,
        Reason.CONCURRENCY,
        Reason.NUMBERS_CAPPED,
        Reason.QUEUE_UNKNOWN,
        Reason.AGENTS_OFFLINE,
        Reason.AGENTS_PAUSED,
        Reason.AGENTS_UNREACHABLE,
        Reason.NO_AGENT,
        Reason.PACED,
        Reason.BOT_FULL,
        Reason.NOTHING_DUE,
        Reason.CONTACT_HOURS,
        Reason.CONTACT_HOLIDAY,
        Reason.RETRY_WAITS,
        Reason.CALLBACK_WAITS,
        Reason.CALLBACK_AGENT,
        Reason.ORDER_REFUSED,
        Reason.FREQUENCY_CAP,
        Reason.COOL_OFF,
        Reason.IN_OTHER_CALL,
        Reason.NUMBER_CAPPED,
        Reason.IN_PROGRESS,
    }
)
"""Reasons that pass by themselves: such contacts are called later."""


class Forecaster:
    """Forecasts; one at a time in a process.

    Args:
        store: where things are kept.
        clock: returns now, aware UTC.
        rules: the rules of campaigns.
        why: explains every contact.
        timeout_s: how long the simulation may take.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        rules: RuleBook,
        why: Why,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._why = why
        self._timeout_s = timeout_s
        self._busy = asyncio.Lock()

    async def forecast(
        self,
        campaign_id: int,
        *,
        agents: int | None = None,
        answer_rate: float | None = None,
        seed: int = 1,
    ) -> Forecast:
        """Simulate what a campaign would do from the next instant its hours are open.

        Args:
            campaign_id: the campaign; not one that is over.
            agents: for how many agents (None: those of the campaign).
            answer_rate: share of calls that a person answers (None: measured, else assumed).
            seed: of the random numbers; the same gives the same forecast.

        Raises:
            NotFound: there is no such campaign, or a legal preset that it names is gone.
            Conflict: it is over.
            InvalidInput: a number is out of range, or it has no agents and none were given.
            TooBusy: another forecast is being made.
            ChildTimeout: the simulation took too long.
        """
        _check(agents, answer_rate, seed)
        if self._busy.locked():
            raise TooBusy(
                "Another forecast is being made; ask again in a minute.", retry_after_s=BUSY_S
            )
        async with self._busy:
            return await self._forecast(campaign_id, agents, answer_rate, seed)

    async def _forecast(
        self, campaign_id: int, agents: int | None, answer_rate: float | None, seed: int
    ) -> Forecast:
        campaign = await self._store.campaign(campaign_id)
        if campaign.status in {CampaignStatus.COMPLETED, CampaignStatus.CANCELED}:
            raise Conflict(
                f"The campaign is {campaign.status.value}; there is nothing left to forecast.",
                campaign_id=campaign_id,
            )
        attended = campaign.settings.agents.attended
        if attended and agents is None:
            agents = sum(a.active for a in await self._store.campaign_agents(campaign_id))
            if not agents:
                raise InvalidInput(
                    "agents: the campaign has no agents; say for how many the forecast is.",
                    field="agents",
                    value=0,
                )
        rules, now = self._rules.of(campaign), self._clock()
        waiting = await self._store.waiting(campaign_id, at=now)
        places: dict[str, int] = {}
        for group in waiting:
            places[group.place] = places.get(group.place, 0) + group.count
        place = max(places, key=lambda one: places[one], default=None)
        starts_at = max(now, campaign.settings.starts_at or now)
        hours = OpenHours.of(rules, place, starts_at)
        begins_at = hours.begins_at
        told = await self._why.campaign(campaign_id, begins_at or starts_at, running=True)
        to_call, excluded = _counted(told)
        history = await history_of(self._store, campaign, now, answer_rate)
        forecast = Forecast(
            campaign,
            begins_at,
            to_call + sum(excluded.values()),
            to_call,
            excluded,
            agents if attended else None,
            history,
            notes=_notes(campaign, len(places)),
        )
        if begins_at is None or not to_call:
            return forecast
        hours = hours.until(rules.ends_at(as_running(campaign, begins_at)))
        trunk = next(t for t in await self._store.trunks() if t.id == campaign.settings.trunk_id)
        retried = sum(g.count for g in waiting if g.reason is Reason.RETRY_WAITS)
        method = pacing_name(campaign.settings.agents.method)
        learnt = await self._store.pacing(campaign_id, method) if attended else None
        plan = Plan(forecast, rules, trunk, hours, min(retried, to_call), learnt)
        job = plan.job([seed + n for n in range(SEEDS)])
        answer = await ask_child(_CHILD, job, timeout_s=self._timeout_s)
        return plan.read(answer["results"], job)


def _check(agents: int | None, answer_rate: float | None, seed: int) -> None:
    for name, value, low, high in (
        ("agents", agents, 1, MOST_AGENTS),
        ("answer_rate", answer_rate, 0.01, 1),
        ("seed", seed, 0, 2**31),
    ):
        if value is not None and not low <= value <= high:
            raise InvalidInput(
                f"{name}: {value:g} is not from {low:g} to {high:g}.", field=name, value=value
            )


def _counted(told: CampaignWhy) -> tuple[int, dict[Reason, int]]:
    """Return how many contacts are called now or later, and the others by reason."""
    reasons = told.explanation.reasons
    later = sum(held.count for reason, held in reasons.items() if reason in PASSING)
    others = {r: held.count for r, held in reasons.items() if r not in PASSING}
    return told.explanation.planned + later, others


def _notes(campaign: Campaign, places: int) -> tuple[str, ...]:
    method, notes = campaign.settings.agents.method, []
    if places > 1:
        notes.append("Hours are those of the place where most contacts are.")
    if method in ON_THE_LINE:
        notes.append("Agents on the line are reckoned as one call for every free agent.")
    if method is DialMethod.PREVIEW:
        notes.append("Every preview is taken to last as long as it may.")
    return tuple(notes)
