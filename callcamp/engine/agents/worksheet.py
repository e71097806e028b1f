"""What an agent needs to see beside the own state: the contact, the script, the day so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from callcamp.core.agent_settings import DialMethod
from callcamp.core.model import Attempt, Campaign, Contact
from callcamp.core.outcome import MEANING
from callcamp.core.places import Place
from callcamp.core.reasons import REASON_MEANING
from callcamp.core.retry import callback_unfit
from callcamp.core.schedule import instant_at, shown_at
from callcamp.core.script_answers import fill
from callcamp.core.scripts import Element
from callcamp.core.states import AttemptStatus, CampaignStatus
from callcamp.engine.agents.views import AgentView
from callcamp.engine.rulebook import RuleBook
from callcamp.errors import Conflict
from callcamp.ports import CustomOutcome, Store

HISTORY_MOST = 20
"""Earlier calls of a contact that are shown, at most."""
_OPEN = (CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.QUEUED)
_WHOLE_NAMES = ("name", "full_name", "full name", "fullname")
_FIRST_NAMES = ("first_name", "first name", "firstname", "first")
_LAST_NAMES = ("last_name", "last name", "lastname", "surname", "last")


@dataclass(frozen=True, slots=True)
class PastCall:
    """An earlier call of the contact.

    Args:
        at: when it was placed.
        campaign: name of its campaign.
        number: the number called.
        result: how it ended, in words.
        outcome: the custom disposition, in words; empty: none.
        agent: who talked; empty: nobody.
        talk_s: how long, if it was answered.
        answers: what was filled in during it.
    """

    at: datetime
    campaign: str
    number: str
    result: str
    outcome: str
    agent: str
    talk_s: float | None
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CallSheet:
    """What an agent sees of a call beside the call itself.

    Args:
        attempt_id: the call.
        campaign: name of its campaign.
        title: the contact's name, as far as its data tell one; else the number.
        numbers: all numbers of the contact.
        zones: time zones in which the contact may be; the first one is used for callbacks.
        zone_known: whether they come from the contact (else it is the campaign's).
        callback: whether this is a callback that was agreed.
        callbacks: whether the campaign makes callbacks.
        script: the elements, their texts filled with the contact's data.
        outcomes: dispositions to choose from: name and label.
        outcome_required: whether one has to be chosen.
        wrap_up_s: how long the agent has to note the result.
        history: earlier calls of the contact over all campaigns, newest first.
    """

    attempt_id: str
    campaign: str
    title: str
    numbers: tuple[str, ...]
    zones: tuple[str, ...]
    zone_known: bool
    callback: bool
    callbacks: bool
    script: tuple[Element, ...]
    outcomes: tuple[tuple[str, str], ...]
    outcome_required: bool
    wrap_up_s: int
    history: tuple[PastCall, ...]


@dataclass(frozen=True, slots=True)
class CallbackTime:
    """A time for a callback, looked at.

    Args:
        at: the instant.
        shown: what clocks show there at it.
        zone: where.
        problem: why no callback can be made then, as a sentence; empty: it can.
        next_at: when the contact may be called next after it, if that is the problem.
        next_shown: what clocks show there at that.
    """

    at: datetime
    shown: str
    zone: str
    problem: str = ""
    next_at: datetime | None = None
    next_shown: str = ""


@dataclass(frozen=True, slots=True)
class OpenCampaign:
    """A campaign that an agent may log in for."""

    id: int
    name: str
    status: CampaignStatus
    method: DialMethod


class Worksheets:
    """Gathers what an agent needs to see.

    Args:
        store: what is remembered.
        rules: the rules of campaigns.
        clock: returns now, aware UTC.
    """

    def __init__(self, store: Store, rules: RuleBook, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock

    async def call(self, view: AgentView, attempt_id: str) -> CallSheet:
        """Return what an agent sees of the call, or of the offer, that the agent works on.

        Raises:
            Conflict: the agent does not work on that call (any more).
        """
        campaign, contact = await self._worked_on(view, attempt_id)
        agents, zones = campaign.settings.agents, Place.parse(contact.place).zones
        labels = {one.name: one for one in await self._store.outcomes()}
        variables = {"phone": contact.phone, **contact.variables}
        return CallSheet(
            attempt_id=attempt_id,
            campaign=campaign.settings.name,
            title=_title(contact),
            numbers=contact.numbers,
            zones=zones or (campaign.settings.window.zone,),
            zone_known=bool(zones),
            callback=contact.callback_at is not None,
            callbacks=campaign.settings.callbacks,
            script=tuple(_filled(one, variables) for one in agents.script.elements),
            outcomes=tuple((name, _label(labels, name)) for name in agents.outcomes),
            outcome_required=agents.outcome_required,
            wrap_up_s=agents.wrap_up_s,
            history=tuple(await self._history(contact, attempt_id, labels)),
        )

    async def callback(self, view: AgentView, attempt_id: str, local: datetime) -> CallbackTime:
        """Look at a time for a callback of the contact that the agent works on.

        Args:
            view: the agent.
            attempt_id: the call.
            local: date and time where the contact is, without a zone.

        Raises:
            Conflict: the agent does not work on that call (any more).
            InvalidInput: the date is beyond what can be reckoned with.
        """
        campaign, contact = await self._worked_on(view, attempt_id)
        zones = Place.parse(contact.place).zones or (campaign.settings.window.zone,)
        zone = zones[0]
        at = instant_at(local, zone)
        shown = shown_at(at, zone)
        unfit = callback_unfit(campaign.settings, at, now=self._clock())
        if unfit is not None:
            return CallbackTime(at, shown, zone, f"No callback then: {unfit}.")
        rules = self._rules.try_of(campaign)
        verdict = None if rules is None else rules.place_verdict(contact.place, at)
        if verdict is None or verdict.open or verdict.reason is None:
            return CallbackTime(at, shown, zone)
        problem = f"No callback then: {REASON_MEANING[verdict.reason].text}."
        if verdict.until is None:
            return CallbackTime(at, shown, zone, problem)
        return CallbackTime(at, shown, zone, problem, verdict.until, shown_at(verdict.until, zone))

    async def campaigns(self, agent_id: int) -> list[OpenCampaign]:
        """Return the campaigns that an agent may log in for, running ones first."""
        found = []
        for campaign_id in await self._store.agent_campaigns(agent_id):
            campaign = await self._store.campaign(campaign_id)
            agents = campaign.settings.agents
            if agents.attended and campaign.status in _OPEN:
                found.append(
                    OpenCampaign(
                        campaign.id, campaign.settings.name, campaign.status, agents.method
                    )
                )
        return sorted(found, key=lambda one: (_OPEN.index(one.status), one.name))

    async def _worked_on(self, view: AgentView, attempt_id: str) -> tuple[Campaign, Contact]:
        works_on = view.call or view.offer
        if works_on is None or works_on.attempt_id != attempt_id or view.campaign_id is None:
            raise Conflict(
                f"{view.agent.name} does not work on call {attempt_id} (any more).",
                agent=view.agent.name,
            )
        campaign = await self._store.campaign(view.campaign_id)
        return campaign, await self._store.contact(works_on.contact_id)

    async def _history(
        self, contact: Contact, attempt_id: str, labels: Mapping[str, CustomOutcome]
    ) -> list[PastCall]:
        agents = {one.id: one.display_name or one.name for one in await self._store.agents()}
        calls = await self._store.timeline(contact.numbers, limit=HISTORY_MOST + 1)
        past = []
        for call in calls:
            one = call.attempt
            if one.id == attempt_id or one.status is not AttemptStatus.ENDED:
                continue
            past.append(
                PastCall(
                    at=one.dialed_at or one.claimed_at,
                    campaign=call.campaign_name,
                    number=one.number,
                    result=MEANING[one.disposition].text if one.disposition else "",
                    outcome=_label(labels, one.outcome) if one.outcome else "",
                    agent=agents.get(one.agent_id or 0, ""),
                    talk_s=_talk_s(one),
                    answers=one.variables,
                )
            )
        return past[:HISTORY_MOST]


def _talk_s(attempt: Attempt) -> float | None:
    if attempt.answered_at is None or attempt.ended_at is None:
        return None
    return (attempt.ended_at - attempt.answered_at).total_seconds()


def _label(labels: Mapping[str, CustomOutcome], name: str) -> str:
    known = labels.get(name)
    return known.label if known is not None else name.replace("_", " ").capitalize()


def _filled(element: Element, variables: Mapping[str, str]) -> Element:
    return Element(
        kind=element.kind,
        text=fill(element.text, variables),
        name=element.name,
        options=element.options,
        required=element.required,
        show_if=element.show_if,
    )


def _title(contact: Contact) -> str:
    by_name = {name.strip().casefold(): value for name, value in contact.variables.items()}

    def first(names: Iterable[str]) -> str:
        return next((by_name[name].strip() for name in names if by_name.get(name)), "")

    parts = (first(_FIRST_NAMES), first(_LAST_NAMES))
    return first(_WHOLE_NAMES) or " ".join(part for part in parts if part) or contact.phone
