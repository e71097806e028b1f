"""An agent at work for the tests of the agent page: a campaign with a script, a contact, a past."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from web_fakes import FakeEngine

from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import Agent, AgentPhone, AgentState, PhoneKind
from callcamp.core.changes import AttemptChange, ContactChange
from callcamp.core.gate import Batch, Decision, LetOut
from callcamp.core.model import Campaign, Contact, NewContact
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.scripts import CallScript, Element, ElementKind, ShowIf
from callcamp.core.states import AttemptEvent, CampaignEvent, ContactEvent
from callcamp.engine.agents.views import AgentCallView, OfferView
from callcamp.engine.clock import utc_now
from callcamp.ports import CustomOutcome

K = ElementKind
SCRIPT = CallScript(
    (
        Element(K.SENTENCE, "Good morning {first_name}, this is Northwind about your contract."),
        Element(K.CHOICE, "Do you want to renew?", "renew", ("yes", "no", "later"), required=True),
        Element(
            K.CHOICES, "What for?", "what", ("power", "gas"), show_if=ShowIf("renew", ("yes",))
        ),
        Element(K.TEXT, "Why not?", "why", required=True, show_if=ShowIf("renew", ("no",))),
        Element(K.CHECKBOX, "I have read out the terms", "terms"),
        Element(K.LONG_TEXT, "Notes", "notes"),
    )
)
OUTCOMES = (
    CustomOutcome("sale", "Sale"),
    CustomOutcome("no_interest", "No interest", refused=True),
    CustomOutcome("wrong_person", "Wrong person"),
)
PHONE = "+12025550123"
OTHER = "+12025550124"
VARIABLES = {"first_name": "Zoë", "last_name": "O'Hara", "city": "Washington"}


def _let_out(batch: Batch) -> list[Decision]:
    return [LetOut(c.contact_id, c.number_index, None, None) for c in batch.candidates]


async def add_agent(
    engine: FakeEngine, name: str = "kim", phone: PhoneKind = PhoneKind.SIP
) -> Agent:
    """Add an agent who is off shift."""
    agent = await engine.store.save_agent(
        name,
        phone=AgentPhone(phone, f"{name}-phone"),
        display_name=name.capitalize(),
        now=utc_now(),
    )
    engine.agents.show(agent)
    return agent


async def add_campaign(
    engine: FakeEngine,
    *agents: Agent,
    variables: Mapping[str, str] = VARIABLES,
    **values: Any,
) -> Campaign:
    """Add a running campaign with agents, a script, outcomes, and one contact without a call."""
    for outcome in OUTCOMES:
        await engine.store.save_outcome(outcome, now=utc_now())
    changes: dict[str, Any] = {
        "method": DialMethod.PROGRESSIVE,
        "script": SCRIPT,
        "outcomes": tuple(one.name for one in OUTCOMES),
        "wrap_up_s": 30,
        **values,
    }
    campaign = await engine.campaign("Renewal", callbacks=True, agents=AgentSettings(**changes))
    now = utc_now()
    await engine.store.add_campaign_agents(campaign.id, [one.id for one in agents], now=now)
    await engine.store.add_contacts(
        campaign.id, [NewContact(PHONE, dict(variables), others=(OTHER,))], now=now
    )
    return await engine.store.move_campaign(campaign.id, CampaignEvent.STARTED, now=now)


async def contact_of(engine: FakeEngine, campaign: Campaign) -> Contact:
    """Return the campaign's contact."""
    (contact,) = await engine.store.contacts(campaign.id)
    return contact


async def add_past(
    engine: FakeEngine,
    campaign: Campaign,
    agent: Agent | None,
    attempt_id: str,
    evidence: Evidence | None = None,
) -> None:
    """End a call of the campaign's contact, and let it be called again."""
    now, store = utc_now(), engine.store
    at = now - timedelta(minutes=5)
    await store.claim(
        campaign.id,
        [attempt_id],
        places=None,
        judge=_let_out,
        look_back_s=86400,
        now=now,
        lease_until=now + timedelta(minutes=1),
    )
    await store.mark_dialing([attempt_id], now=at)
    change = AttemptChange(
        attempt_id,
        (AttemptEvent.ANSWERED, AttemptEvent.ENDED),
        now,
        answered_at=at + timedelta(seconds=10),
        connected_at=at + timedelta(seconds=11),
        agent_id=agent and agent.id,
        disposition=Disposition.ANSWERED_PERSON,
        evidence=evidence,
        contact=ContactChange(ContactEvent.RETRY_SCHEDULED, now),
        outcome="no_interest",
        variables={"renew": "later"},
    )
    (applied,) = await store.apply([change])
    assert applied.problem is None, applied


def call_view(contact: Contact, attempt_id: str = "call-1", **values: Any) -> AgentCallView:
    """Return the call that an agent works on."""
    return AgentCallView(
        attempt_id, contact.campaign_id, contact.id, contact.phone, contact.variables, **values
    )


def offer_view(contact: Contact, dial_at: datetime, attempt_id: str = "call-1") -> OfferView:
    """Return an offer of a contact."""
    return OfferView(attempt_id, contact.id, contact.phone, contact.variables, dial_at)


def show(
    engine: FakeEngine, agent: Agent, state: AgentState, campaign: Campaign, **values: Any
) -> None:
    """Have the agent do something in a campaign."""
    engine.agents.show(
        agent, state, campaign_id=campaign.id, campaign=campaign.settings.name, **values
    )
