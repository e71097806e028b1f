"""The live regions of the pages: small pieces of HTML, by the id of their element.

Pages are first drawn with the same pieces that the live stream sends later. Buttons are
regions of their own, so that a click never lands on one that is just being replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.states import CAMPAIGN, CampaignEvent, CampaignStatus
from callcamp.engine.stats import CampaignStats
from callcamp.http.board_regions import BoardRegions
from callcamp.http.hub import LIST, Frame
from callcamp.http.needs import EngineLike

MAX_CALLS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Totals:
    """The cards above the campaign list."""

    campaigns: int
    running: int
    calls: int
    success_rate: float | None


@dataclass(frozen=True, slots=True)
class ResultBar:
    """One bar of the results chart; ``width`` is a percentage of the chart's width."""

    slug: str
    count: int
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Actions:
    """What may be done with a campaign now."""

    start: bool
    pause: bool
    resume: bool
    stop: bool
    edit: bool


def totals(stats: Sequence[CampaignStats]) -> Totals:
    """Sum up the campaigns."""
    completed = sum(s.completed for s in stats)
    return Totals(
        campaigns=len(stats),
        running=sum(s.campaign.status is CampaignStatus.RUNNING for s in stats),
        calls=sum(s.counts.calls_made for s in stats),
        success_rate=sum(s.success for s in stats) / completed if completed else None,
    )


def actions(status: CampaignStatus) -> Actions:
    """Return what the state table allows."""
    return Actions(
        start=status is CampaignStatus.DRAFT,
        pause=CAMPAIGN.allows(status, CampaignEvent.PAUSED),
        resume=CAMPAIGN.allows(status, CampaignEvent.RESUMED),
        stop=CAMPAIGN.allows(status, CampaignEvent.STOPPED),
        edit=status in {CampaignStatus.DRAFT, CampaignStatus.PAUSED},
    )


def result_bars(results: dict[Disposition, int]) -> list[ResultBar]:
    """Return the bars of the results chart, in the order of the table of outcomes."""
    most = max(results.values(), default=0)
    return [
        ResultBar(d.value, results[d], 100 * results[d] / most, _tone(d))
        for d in MEANING
        if results.get(d)
    ]


def _tone(disposition: Disposition) -> str:
    if disposition is Disposition.ANSWERED_PERSON:
        return "good"
    if disposition is Disposition.VOICEMAIL:
        return "voicemail"
    return "bad" if MEANING[disposition].technical else "plain"


class Regions:
    """Draws frames out of ``regions.html``.

    Args:
        engine: where the facts come from.
        environment: the templates.
        clock: returns now, aware UTC.
    """

    def __init__(
        self,
        engine: EngineLike,
        environment: Environment,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._environment = environment
        self.board = BoardRegions(engine, environment, clock)

    async def draw(self, topic: int) -> Frame:
        """Return what a topic of the hub shows now."""
        if topic == LIST:
            return self.list_frame(await self._engine.commands.all_stats())
        if topic < LIST:
            frame = await self.board.draw(topic)
            return replace(frame, regions={"banner": self.banner(), **frame.regions})
        return self.campaign_frame(await self._engine.commands.stats(topic))

    def list_frame(self, stats: Sequence[CampaignStats]) -> Frame:
        """Return the regions of the campaign list."""
        regions = {"banner": self.banner(), "cards": self._piece("cards", totals(stats))}
        for one in stats:
            regions |= {
                f"c{one.campaign.id}-{name}": self._piece(name, *args)
                for name, args in self._row(one)
            }
        shape = ",".join(str(s.campaign.id) for s in stats)
        return Frame(regions, shape, {"campaigns": self._piece("outline", stats)})

    def campaign_frame(self, stats: CampaignStats) -> Frame:
        """Return the regions of a campaign's page."""
        campaign = stats.campaign
        calls = self._engine.live.calls(campaign.id)
        regions = {
            "banner": self.banner(),
            "status": self._piece("status", stats),
            "actions": self._piece("actions", campaign.id, actions(campaign.status)),
            "hold": self._piece("hold", stats),
            "progress": self._piece("big_progress", stats),
            "figures": self._piece("figures", stats),
            "contact-counts": self._piece("contact_counts", stats),
            "results": self._piece("results", result_bars(stats.counts.results)),
            "calls": self._piece("calls", calls[:MAX_CALLS_SHOWN], max(len(calls), stats.in_calls)),
            **self.board.campaign_regions(stats),
        }
        return Frame(regions)

    def _row(self, stats: CampaignStats) -> list[tuple[str, tuple[Any, ...]]]:
        campaign = stats.campaign
        return [
            ("status", (stats,)),
            ("progress", (stats,)),
            ("row_calls", (stats,)),
            ("row_rates", (stats,)),
            ("row_actions", (campaign.id, actions(campaign.status))),
        ]

    def banner(self) -> Markup:
        """Return what says that Asterisk cannot be reached; empty while it can."""
        return self._piece("banner", self._engine.link_up, self._engine.link_problem)

    def _piece(self, name: str, *args: Any) -> Markup:
        # What a macro of an escaping template returns is Markup already: its values are escaped.
        module = self._environment.get_template("regions.html").module
        piece: Markup = getattr(module, name)(*args)
        return piece.strip()
