"""One agent on shift, as the engine follows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from callcamp.core.agent_settings import QUEUED
from callcamp.core.agents import AGENT, Agent, AgentEvent, AgentPhone, AgentState, PhoneKind
from callcamp.core.model import Campaign, Trunk
from callcamp.core.states import CampaignStatus
from callcamp.engine.agents.views import AgentCallView, AgentView, OfferView
from callcamp.engine.book import CampaignBook
from callcamp.engine.registry import Track
from callcamp.errors import InvalidInput
from callcamp.ports import InHand

NOT_READY = "not ready"
"""Reason of the pause in which a shift begins."""
REFUSED = "the phone refuses calls"
"""Reason of the pause after several calls that the agent's phone refused at once."""
CALLER = "callcamp"
"""What the phone of an agent shows."""
PHONE_GONE = "the phone hung up"
"""Reason of the pause after the agent's phone left the line while a contact was called."""
OVER = frozenset({CampaignStatus.COMPLETED, CampaignStatus.CANCELED})
"""Campaigns that nobody works for any more."""


def interface_of(phone: AgentPhone, trunk: Trunk | None) -> str:
    """Return what Asterisk dials to reach an agent's phone.

    Raises:
        InvalidInput: it is an external number without a trunk.
    """
    if phone.kind is not PhoneKind.EXTERNAL:
        return f"PJSIP/{phone.address}"
    if trunk is None:
        raise InvalidInput(
            "An external phone needs the trunk over which it is called.",
            field="trunk_id",
            value=phone.trunk_id,
        )
    return trunk.dial_string.replace("{number}", phone.address)


async def reach(agent: Agent, book: CampaignBook) -> str:
    """Return what Asterisk dials to reach an agent.

    Raises:
        InvalidInput: it is an external number without a trunk.
        NotFound: its trunk is gone.
    """
    trunk_id = agent.phone.trunk_id
    return interface_of(agent.phone, None if trunk_id is None else await book.trunk(trunk_id))


def shown_to(phone: AgentPhone, campaign: Campaign) -> str:
    """Return what a call to an agent's phone shows.

    A number behind a trunk is called with the campaign's own: carriers refuse, or change, what
    is no number of theirs.
    """
    if phone.kind is not PhoneKind.EXTERNAL:
        return CALLER
    settings = campaign.settings
    return settings.caller_id or next(iter(settings.pool.numbers), CALLER)


@dataclass(slots=True)
class Leg:
    """A call to the agent's own phone.

    ``up`` is whether the agent is on the line, ``rang`` whether the phone was heard to ring, and
    ``sent`` whether the order is out, so that Asterisk can be asked for it.
    """

    id: str
    up: bool = False
    rang: bool = False
    sent: bool = False


@dataclass(slots=True)
class AgentCall:
    """The call that an agent works on.

    ``track`` is the attempt as the tracker follows it; ``campaign`` as it was when the call
    came. ``ended_at`` is when the agent's part was over.
    """

    track: Track
    campaign: Campaign
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    channel_id: str | None = None
    on_hold: bool = False
    muted: bool = False
    consulting: str = ""
    outcome: str | None = None
    noted: bool = False

    def view(self) -> AgentCallView:
        """Return the call as it is shown."""
        track = self.track
        return AgentCallView(
            attempt_id=track.attempt_id,
            campaign_id=track.campaign_id,
            contact_id=track.contact_id,
            number=track.number,
            variables=track.person.variables,
            answered_at=track.answered_at,
            connected_at=self.connected_at,
            ended_at=self.ended_at,
            on_hold=self.on_hold,
            muted=self.muted,
            consulting=self.consulting,
            channel_id=self.channel_id,
            outcome=self.outcome,
            noted=self.noted,
        )


@dataclass(slots=True)
class Worker:
    """An agent on shift.

    ``handed`` is whether callcamp itself gave the call to the agent's phone, so that the queue
    is not what rings it. ``device`` is Asterisk's state of the phone (None: not known).
    ``queued`` is whether the agent is a member of the queue, where the campaign has one;
    ``problem`` is why not, in words. ``reachable`` is whether a call would reach the phone,
    where no queue tells (None: not asked yet). ``refused`` counts calls in a row that the phone
    refused.
    """

    agent: Agent
    interface: str
    campaign: Campaign
    since: datetime
    state: AgentState = AgentState.PAUSED
    reason: str = NOT_READY
    pause_wanted: str | None = None
    offer: OfferView | None = None
    call: AgentCall | None = None
    leg: Leg | None = None
    handed: bool = False
    wrap_up_until: datetime | None = None
    device: int | None = None
    queued: bool = True
    problem: str = ""
    reachable: bool | None = None
    refused: int = 0
    revision: int = 0

    def step(self, event: AgentEvent, at: datetime, reason: str = "") -> None:
        """Take a step of the agent's table.

        Raises:
            IllegalTransition: the table has no such step; nothing changed.
        """
        self.state = AGENT.advance(self.state, event)
        self.since, self.reason = at, reason

    def may(self, event: AgentEvent) -> bool:
        """Tell whether the agent's table has this step now."""
        return AGENT.allows(self.state, event)

    @property
    def attempt_id(self) -> str | None:
        """The attempt that the agent works on."""
        return None if self.call is None else self.call.track.attempt_id

    @property
    def in_hand(self) -> InHand:
        """What is under way that the state does not tell."""
        if self.call is None:
            return InHand(self.pause_wanted)
        return InHand(self.pause_wanted, self.call.consulting, self.call.muted)

    @property
    def on_line(self) -> bool:
        """Whether the agent's phone is connected and waits for contacts."""
        return self.leg is not None and self.leg.up

    @property
    def is_free(self) -> bool:
        """Whether the agent could take a call now."""
        if self.state is not AgentState.READY or self.pause_wanted is not None or not self.queued:
            return False
        # On the line its phone is in use by our own call; 0 and None: not known.
        if self.on_line:
            return self.campaign.settings.agents.method not in QUEUED
        return self.device in {None, 0, 1} and self.reachable is not False

    @property
    def phone_up(self) -> bool | None:
        """Whether a call would reach the phone (None: not known)."""
        if self.on_line or self.device is None:
            return True if self.on_line else self.reachable
        return self.device not in {4, 5}

    def view(self) -> AgentView:
        """Return the agent as pages show it."""
        return AgentView(
            agent=self.agent,
            state=self.state,
            since=self.since,
            reason=self.reason,
            campaign_id=self.campaign.id,
            campaign=self.campaign.settings.name,
            on_line=self.on_line,
            phone_up=self.phone_up,
            pause_wanted=self.pause_wanted,
            offer=self.offer,
            call=None if self.call is None else self.call.view(),
            wrap_up_until=self.wrap_up_until,
            problem=self.problem,
            revision=self.revision,
        )


def as_offered(track: Track, dial_at: datetime) -> OfferView:
    """Return a claimed contact as it is offered to an agent."""
    return OfferView(
        track.attempt_id, track.contact_id, track.number, track.person.variables, dial_at
    )


def offline(agent: Agent, since: datetime) -> AgentView:
    """Return the view of an agent who is not on shift."""
    return AgentView(agent, AgentState.OFFLINE, since)
