"""Contacts and agents: how many contacts may be taken, and which agent gets which."""

from __future__ import annotations

from callcamp.core.agent_settings import ON_THE_LINE, DialMethod
from callcamp.core.model import Campaign
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.ruleset import CALLBACK_AGENT_PAUSE_S, RuleSet
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.lack import lack_of_agents
from callcamp.engine.agents.line import Line
from callcamp.engine.agents.pace import Pace
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.book import CampaignBook
from callcamp.engine.registry import Track
from callcamp.engine.tracker import Tracker


class Matching:
    """What the dialer asks of agents; owns what it was told last of each campaign's room.

    Args:
        floor: the agents.
        pace: how many calls may start.
        queueing: where contacts meet agents.
        line: brings agents to the phone first.
        tracker: takes contacts back for whom nobody is free.
        book: the campaigns.
    """

    def __init__(
        self,
        *,
        floor: Floor,
        pace: Pace,
        queueing: Queueing,
        line: Line,
        tracker: Tracker,
        book: CampaignBook,
    ) -> None:
        self._floor = floor
        self._pace = pace
        self._queueing = queueing
        self._line = line
        self._tracker = tracker
        self._book = book
        self.rooms: dict[int, tuple[int, Reason]] = {}
        """What :meth:`room` said last, by campaign."""

    async def room(self, campaign: Campaign, rules: RuleSet) -> tuple[int | None, Reason]:
        """Return how many contacts may be taken for a campaign's agents, and why no more.

        None: the campaign has no agents.
        """
        if not campaign.settings.agents.attended:
            return None, Reason.NO_AGENT
        count, why = await self._pace.room(campaign, rules)
        if not count and why is Reason.NO_AGENT:
            why = lack_of_agents(
                self._floor.of_campaign(campaign.id),
                queue_missing=self._queueing.is_missing(campaign),
            )
        self.rooms[campaign.id] = count, why
        return count, why

    def rest(self, campaign: Campaign, hold: Reason | None) -> None:
        """Note that nobody can be called for a campaign's agents, however many are free."""
        if hold is not None:
            self._pace.rest(campaign, f"nothing is called: {REASON_MEANING[hold].text}")

    def free_agents(self, campaign_id: int) -> frozenset[int]:
        """Return the ids of a campaign's agents who could take a call now."""
        free = (w for w in self._floor.of_campaign(campaign_id) if w.is_free and not w.handed)
        return frozenset(worker.agent.id for worker in free)

    async def variables(self, campaign: Campaign, track: Track) -> dict[str, str]:
        """Return the channel variables that lead an answered contact to an agent."""
        settings = campaign.settings.agents
        if track.leg_id is not None:
            return {
                "CC_ROUTE": "leg",
                "CC_LEG": track.leg_id,
                "CC_AGENT": f"cc-agent-{track.agent_id}",
                "CC_DETECT": "0",
                "CC_NO_AGENT": settings.safe_harbour or "",
            }
        client_first = settings.method is DialMethod.CLIENT_FIRST
        wait_s = settings.wait_most_s if client_first else settings.connect_limit_s
        message = settings.no_agent_message if client_first else settings.safe_harbour
        return {
            "CC_ROUTE": "queue",
            "CC_QUEUE": await self._queueing.queue_of(campaign) or "",
            "CC_QUEUE_WAIT_S": str(max(1, int(wait_s))),
            "CC_ABANDON_FROM": settings.abandon_from.value,
            "CC_AGENT_RING_S": str(settings.agent_ring_timeout_s),
            "CC_ANNOUNCE": (settings.announcement or "") if client_first else "",
            "CC_NO_AGENT": message or settings.safe_harbour or "",
            "CC_MUSIC": settings.music,
        }

    async def take(self, track: Track, campaign: Campaign) -> bool:
        """Give a claimed contact to an agent, when it needs one before it is dialled.

        Returns False when it may be dialled at once.
        """
        owner = track.person.callback_agent_id
        if owner is None and campaign.settings.agents.method not in ON_THE_LINE:
            return False
        free = [w for w in self._floor.of_campaign(campaign.id) if w.is_free and not w.handed]
        if owner is not None:
            free = [w for w in free if w.agent.id == owner]
        if not free:
            track.hold = Reason.CALLBACK_AGENT if owner is not None else Reason.NO_AGENT
            after_s = CALLBACK_AGENT_PAUSE_S if owner is not None else 0.0
            self._tracker.release(track, after_s=after_s)
            return True
        # Who has waited longest; who is on the line already before all others.
        worker = min(free, key=lambda w: (not w.on_line, w.since))
        await self._line.offer(worker, track, campaign)
        return True

    def has_work(self, campaign_id: int) -> bool:
        """Tell whether an agent still talks to a contact of a campaign, or notes the result."""
        return any(w.call is not None for w in self._floor.of_campaign(campaign_id))

    def campaigns_changed(self) -> None:
        """Take back what agents are offered, or called for, by campaigns that were paused."""
        for worker in self._floor:
            track = self._line.offered_to(worker)
            if track is None and worker.call is not None:
                track = worker.call.track
            if track is not None and not self._book.is_running(track.campaign_id, track.version):
                self._line.take_back(worker)
