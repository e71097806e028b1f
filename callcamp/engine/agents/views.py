"""What pages and the API show of agents at work: frozen pictures of one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callcamp.core.agents import Agent, AgentState


@dataclass(frozen=True, slots=True)
class OfferView:
    """A contact that an agent may accept or skip.

    Args:
        attempt_id: the attempt that was made for it.
        contact_id: the contact.
        number: the number that would be called.
        variables: the contact's data.
        dial_at: when it is dialled by itself.
    """

    attempt_id: str
    contact_id: int
    number: str
    variables: Mapping[str, str]
    dial_at: datetime


@dataclass(frozen=True, slots=True)
class AgentCallView:
    """The call that an agent works on: dialled, talked on, or wrapped up.

    Args:
        attempt_id: the attempt.
        campaign_id: its campaign.
        contact_id: the contact.
        number: the number called.
        variables: the contact's data.
        answered_at: when the contact answered (None: not yet).
        connected_at: when the agent was connected (None: not yet).
        ended_at: when the talk was over (None: it goes on).
        on_hold: whether the contact hears music.
        muted: whether the contact cannot hear the agent.
        consulting: whom the agent talks to while the contact waits; empty: nobody.
        channel_id: the agent's channel.
        outcome: custom disposition given so far.
        noted: whether its result was noted.
    """

    attempt_id: str
    campaign_id: int
    contact_id: int
    number: str
    variables: Mapping[str, str]
    answered_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    on_hold: bool = False
    muted: bool = False
    consulting: str = ""
    channel_id: str | None = None
    outcome: str | None = None
    noted: bool = False


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent now.

    Args:
        agent: who.
        state: what the agent does.
        since: since when.
        reason: why paused.
        campaign_id: the campaign the agent works for (None: offline).
        campaign: its name.
        on_line: whether the agent's phone is connected to callcamp and waits for contacts.
        phone_up: whether a call would reach the agent's phone (None: not known).
        pause_wanted: reason of a pause that begins when the call is over (None: none).
        offer: a contact to preview.
        call: the call the agent works on.
        wrap_up_until: when wrap-up is over by itself.
        problem: why no call can reach the agent, in words; empty when one can.
        revision: counts up with every change of this view.
    """

    agent: Agent
    state: AgentState
    since: datetime
    reason: str = ""
    campaign_id: int | None = None
    campaign: str = ""
    on_line: bool = False
    phone_up: bool | None = None
    pause_wanted: str | None = None
    offer: OfferView | None = None
    call: AgentCallView | None = None
    wrap_up_until: datetime | None = None
    problem: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class WrapUpNote:
    """What an agent notes of a call.

    Args:
        outcome: custom disposition (None: none).
        answers: answers to the script by element name; kept as variables of the call.
        callback_at: when the person wants to be called back (None: not asked for).
        callback_mine: whether only this agent makes the callback.
        unfinished: whether answers that the script needs may be missing: the time is over.
    """

    outcome: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    callback_at: datetime | None = None
    callback_mine: bool = False
    unfinished: bool = False
