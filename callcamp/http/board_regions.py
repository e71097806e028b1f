"""What of agents moves by itself: the board, the active campaigns, a campaign's agents."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from callcamp.core.agents import AgentState
from callcamp.core.states import CampaignStatus
from callcamp.engine.agents.views import AgentView
from callcamp.engine.agents.worker import OVER
from callcamp.engine.stats import CampaignStats
from callcamp.http.agent_form import METHOD_NAMES
from callcamp.http.hub import Frame
from callcamp.http.needs import EngineLike
from callcamp.ports.agents import AgentWork

ACTIVE = -1
"""The topic of the page of active campaigns."""
_BOARD = -2
WORK_PERIOD = timedelta(hours=24)
"""The hours that calls and occupancy on the board are of."""
WORK_EVERY_S = 10.0
"""How often they are counted."""

PIECES = ("state", "since", "campaign", "contact", "supervise")
"""What of an agent changes with its view alone."""
STATES: dict[AgentState, str] = {
    AgentState.READY: "Ready",
    AgentState.PREVIEWING: "Previewing",
    AgentState.RINGING: "Ringing",
    AgentState.DIALING: "Dialing",
    AgentState.TALKING: "Talking",
    AgentState.WRAP_UP: "Wrap-up",
    AgentState.PAUSED: "Paused",
    AgentState.OFFLINE: "Offline",
}
"""Words for what an agent does, in the order of pages."""


@dataclass(frozen=True, slots=True)
class Can:
    """What a supervisor may do about an agent now."""

    listen: bool
    pause: bool
    log_out: bool

    @classmethod
    def of(cls, view: AgentView) -> Can:
        """Return what fits the agent's state."""
        return cls(
            listen=view.state is AgentState.TALKING,
            pause=view.state not in {AgentState.PAUSED, AgentState.OFFLINE}
            and view.pause_wanted is None,
            log_out=view.state is not AgentState.OFFLINE,
        )


def board_topic(campaign_id: int) -> int:
    """Return the topic of the board of a campaign; 0: of all."""
    return _BOARD - campaign_id


class BoardRegions:
    """Draws frames out of ``board_regions.html``.

    Args:
        engine: where the facts come from.
        environment: the templates.
        clock: returns now, aware UTC.
    """

    def __init__(
        self, engine: EngineLike, environment: Environment, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._environment = environment
        self._clock = clock
        self._work: dict[int, dict[int, AgentWork]] = {}
        self._worked_at: dict[int, float] = {}
        self._outlines: dict[int, tuple[str, dict[str, str]]] = {}
        self._rows: dict[int, tuple[AgentView, dict[str, Markup]]] = {}

    async def draw(self, topic: int) -> Frame:
        """Return what a topic shows now: :data:`ACTIVE` or :func:`board_topic`."""
        if topic == ACTIVE:
            stats = await self._engine.commands.all_stats(CampaignStatus.RUNNING)
            return self.active_frame(stats)
        return await self.board_frame(_BOARD - topic)

    async def board_frame(self, campaign_id: int) -> Frame:
        """Return the board of a campaign's agents; 0: of all."""
        views, work = await self.views(campaign_id), await self._worked(campaign_id)
        regions: dict[str, str] = {"board-counts": self._piece("counts", state_counts(views))}
        for view in views:
            regions |= self._row(view)
            worked = self._piece("worked", work[view.agent.id]) if view.agent.id in work else "–"
            regions[f"g{view.agent.id}-worked"] = worked
        here, away = by_presence(views)
        regions["board-away-count"] = str(len(away))
        shown = [
            [(view.agent.id, view.agent.name, view.agent.display_name) for view in part]
            for part in (here, away)
        ]
        shape, outline = self._outlines.get(campaign_id, ("", {}))
        if shape != str(shown):
            shape = str(shown)
            outline = {
                "board": self._piece("board_outline", here),
                "board-away": self._piece("board_outline", away),
            }
            self._outlines[campaign_id] = (shape, outline)
        return Frame(regions, shape, outline)

    async def views(self, campaign_id: int) -> list[AgentView]:
        """Return the agents of a campaign (0: all): who works first, by name."""
        views = self._engine.agents.views()
        if campaign_id:
            members = await self._engine.store.campaign_agents(campaign_id)
            ids = {agent.id for agent in members}
            views = [v for v in views if v.agent.id in ids or v.campaign_id == campaign_id]
        shown = [v for v in views if v.agent.active or v.state is not AgentState.OFFLINE]
        return sorted(shown, key=lambda v: (v.state is AgentState.OFFLINE, v.agent.name))

    def active_frame(self, stats: Sequence[CampaignStats]) -> Frame:
        """Return the page of active campaigns."""
        regions: dict[str, str] = {}
        for one in stats:
            number = one.campaign.id
            regions[f"p{number}-figures"] = self._piece("active_figures", one)
            regions[f"p{number}-pacing"] = self.pacing(one)
        shape = ",".join(str(one.campaign.id) for one in stats)
        return Frame(regions, shape, {"active": self._piece("active_outline", stats)})

    def campaign_regions(self, stats: CampaignStats) -> Mapping[str, str]:
        """Return the regions of agents on a campaign's page."""
        if not stats.campaign.settings.agents.attended:
            return {}
        regions: dict[str, str] = {"pacing": self.pacing(stats)}
        for view in self._engine.agents.views():
            regions |= self._row(view, ("state", "since", "contact"))
        return regions

    def pacing(self, stats: CampaignStats) -> Markup:
        """Return what paces a campaign; empty for one without agents."""
        campaign = stats.campaign
        settings = campaign.settings.agents
        if not settings.attended:
            return Markup("")
        views = [v for v in self._engine.agents.views() if v.campaign_id == campaign.id]
        return self._piece(
            "pacing",
            METHOD_NAMES[settings.method],
            self._engine.agents.pacing(campaign.id),
            state_counts(views),
            campaign.status in OVER,
        )

    def _row(self, view: AgentView, names: Sequence[str] = PIECES) -> dict[str, str]:
        """Return the regions of an agent; drawn again only when something has changed."""
        number = view.agent.id
        seen, pieces = self._rows.get(number, (None, {}))
        if seen is None or not _alike(view, seen):
            can = Can.of(view)
            pieces = {name: self._piece(name, view) for name in PIECES if name != "supervise"}
            pieces["supervise"] = self._piece("supervise", view.agent.name, can)
            self._rows[number] = (view, pieces)
        return {f"g{number}-{name}": pieces[name] for name in names}

    async def _worked(self, campaign_id: int) -> dict[int, AgentWork]:
        """Return what agents did lately; asked of the store now and then only."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._worked_at.get(campaign_id, float("-inf")) >= WORK_EVERY_S:
            now = self._clock()
            found = await self._engine.store.agent_work(
                since=now - WORK_PERIOD, until=now, campaign_id=campaign_id or None
            )
            self._work[campaign_id] = {work.agent_id: work for work in found}
            self._worked_at[campaign_id] = now_s
        return self._work[campaign_id]

    def _piece(self, name: str, *args: Any) -> Markup:
        module = self._environment.get_template("board_regions.html").module
        piece: Markup = getattr(module, name)(*args)
        return piece.strip()


def by_presence(views: Sequence[AgentView]) -> tuple[list[AgentView], list[AgentView]]:
    """Return the agents who are on shift, and those who are not."""
    here = [view for view in views if view.state is not AgentState.OFFLINE]
    return here, [view for view in views if view.state is AgentState.OFFLINE]


def _alike(view: AgentView, seen: AgentView) -> bool:
    """Tell whether two views look the same: since when somebody is offline is not shown."""
    if view.state is AgentState.OFFLINE:
        seen = replace(seen, since=view.since)
    return view == seen


def state_counts(views: Sequence[AgentView]) -> list[tuple[str, str, int]]:
    """Return how many agents are in every state: its slug, its words, the count."""
    counts = Counter(view.state for view in views)
    return [(state.value, words, counts[state]) for state, words in STATES.items()]


def quantity_name(name: str) -> str:
    """Return the name of a number behind a decision for people: ``budget_s`` is ``budget``."""
    words, _, unit = name.rpartition("_")
    return (words if unit == "s" and words else name).replace("_", " ")


def quantity_value(value: float, name: str) -> str:
    """Return a number behind a decision for people, with its unit if the name has one."""
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{shown} s" if name.endswith("_s") else shown
