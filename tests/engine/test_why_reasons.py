"""Why is nothing dialling: every reason of the list, set up with use-cases and read back.

Each situation is made, asked about and left to the dialer: the contact is not called, and it is
called once the instant has come that the answer named, or once somebody has changed what the
answer says can be changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from agents_kit import becomes, connect, hang_up, reach
from engine_kit import ALL_DAY, BUSY, BY_HAND, PERSON, Script, until
from rule_kit import (
    ANN,
    BOB,
    CID,
    DAY,
    HOUR,
    NEW_YORK,
    NO_LINE,
    NOON,
    Scene,
    busy_for,
    scene,
    write_preset,
)

from callcamp.core.agent_events import MemberSeen
from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import AgentPhone, AgentState, PhoneKind
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    ContactHours,
    DailyWindow,
    NumberPool,
    RetryPolicy,
    Rotation,
    UnknownZone,
)
from callcamp.core.changes import AttemptChange, ContactChange
from callcamp.core.gate import Batch, LetOut
from callcamp.core.legal import CallCap
from callcamp.core.model import Campaign
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.plan import ContactAnswer, Explanation, Snapshot, decide
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import AttemptEvent, CampaignStatus, ContactEvent
from callcamp.engine.agents.views import WrapUpNote
from callcamp.ports import CallOrder

NOWHERE = "+80012345678"  # an international freephone number: of no country, in no zone
FIRST_DID, SECOND_DID = "+33142680001", "+33142680002"
BASTILLE_NOON = datetime(2027, 7, 14, 12, tzinfo=UTC)  # a Wednesday, and a holiday in France
PARIS_MIDNIGHT = datetime(2027, 3, 3, 23, tzinfo=UTC)
DAYTIME = ContactHours(start=time(9), end=time(20))
ALL_WEEK = "\n".join(
    f'{day} = ["08:00-20:00"]'
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
)
NO_USE_CASE_YET = frozenset({Reason.BOT_FULL})
"""Bots are not there yet: nothing can bring this about but the snapshot itself."""

Lift = Callable[[], Awaitable[Any]]


@dataclass
class Told:
    """What is expected of a situation.

    Args:
        campaign: which campaign is asked about.
        phone: which contact (None: it has none).
        until: the instant that is named.
        contact_reason: what holds the contact, when that is something else.
        count: contacts for this reason.
        within: how far ``until`` may be off, where the dialer's own look decides it.
        engine: whether an engine runs when it is asked.
        foreseen: whether the answer is the same before an engine looks.
        then: what holds the contact once the dialer has looked, when that is something else.
        before: what holds the contact just before ``until``, when that is something else.
        at_until: what would hold the contact at ``until`` with the calls of now.
        lift: what an operator does about it; then the contact is called.
    """

    campaign: Campaign
    phone: str | None = ANN
    until: datetime | None = None
    contact_reason: Reason | None = None
    count: int = 1
    within: timedelta = timedelta(0)
    engine: bool = True
    foreseen: bool = True
    then: Reason | None = None
    before: Reason | None = None
    at_until: Reason | None = None
    lift: Lift | None = None


SetUp = Callable[[Scene, Path], Awaitable[Told]]


@dataclass(frozen=True)
class Situation:
    set_up: SetUp
    script: Callable[[CallOrder], Script] | Script | None = None
    options: dict[str, Any] = field(default_factory=dict)


SITUATIONS: dict[Reason, Situation] = {}


def situation(
    reason: Reason, script: Callable[[CallOrder], Script] | Script | None = None, **options: Any
) -> Callable[[SetUp], SetUp]:
    """Register a situation; ``options`` go to :func:`rule_kit.scene`."""

    def register(set_up: SetUp) -> SetUp:
        SITUATIONS[reason] = Situation(set_up, script, options)
        return set_up

    return register


def test_every_reason_has_a_situation() -> None:
    assert {*SITUATIONS, *NO_USE_CASE_YET} == set(Reason)
    assert NO_USE_CASE_YET.isdisjoint(SITUATIONS)


@pytest.mark.parametrize(
    ("reason", "limits"),
    [
        (Reason.BOT_FULL, {"bot_room": 0}),
    ],
)
def test_reasons_that_no_use_case_leads_to_yet(reason: Reason, limits: dict[str, Any]) -> None:
    settings = CampaignSettings("c", 1, window=ALL_DAY, mode=CampaignMode.MULTI_DAY)
    campaign = Campaign(1, CampaignStatus.RUNNING, settings, 1, NOON)
    free = Snapshot(campaign, RuleSet(settings), heads={"": NOON})
    assert decide(free, NOON).count == settings.concurrency
    held = decide(replace(free, **limits), NOON)
    assert (held.count, held.hold) == (0, reason)
    assert REASON_MEANING[reason].change


@pytest.mark.parametrize("reason", SITUATIONS)
async def test_reason(tmp_path: Path, reason: Reason) -> None:
    one = SITUATIONS[reason]
    options = {"started": False, "legal_dir": str(tmp_path / "legal"), **one.options}
    (tmp_path / "legal").mkdir()
    async with scene(tmp_path, one.script, **options) as s:
        told = await one.set_up(s, tmp_path)
        held = told.contact_reason or reason
        if told.foreseen:
            check_answer(await ask(s, told, at=s.now), held, told)
            check_campaign(await ask_campaign(s, told, at=s.now), reason, told)
        if told.engine and s.b.engine is None:
            await s.start()
        await s.nobody_is_called()
        if told.then is None:
            check_answer(await ask(s, told), held, told)
            check_campaign(await ask_campaign(s, told), reason, told)
            await check_texts(s, reason, told)
        else:
            check_answer(await ask(s, told), told.then, None)
            assert_adds_up(await ask_campaign(s, told), await total(s, told))
        if told.until is not None:
            await check_time(s, held, told)
        if told.lift is not None:
            assert told.phone is not None
            calls = s.calls(told.phone)
            await told.lift()
            if s.b.engine is None:
                await s.start()
            await s.called(told.phone, calls + 1)


async def ask(s: Scene, told: Told, at: datetime | None = None) -> ContactAnswer | None:
    if told.phone is None:
        return None
    contact = await s.contact(told.campaign, told.phone)
    return (await s.commands.why.contact(contact, at)).answer


async def ask_campaign(s: Scene, told: Told, at: datetime | None = None) -> Explanation:
    explanation = (await s.commands.why.campaign(told.campaign.id, at)).explanation
    assert_adds_up(explanation, await total(s, told))
    return explanation


async def total(s: Scene, told: Told) -> int:
    return (await s.b.store.counts(told.campaign.id)).total


def assert_adds_up(explanation: Explanation, contacts: int) -> None:
    assert sum(h.count for h in explanation.reasons.values()) + explanation.planned == contacts


def is_close(found: datetime | None, told: Told) -> bool:
    if found is None or told.until is None:
        return found is told.until
    return abs(found - told.until) <= told.within


def check_answer(answer: ContactAnswer | None, reason: Reason, told: Told | None) -> None:
    if answer is None:
        return
    assert answer.reason is reason, answer
    assert told is None or is_close(answer.until, told), answer


def check_campaign(explanation: Explanation, reason: Reason, told: Told) -> None:
    plan = explanation.plan
    if REASON_MEANING[reason].campaign:
        assert plan.hold is reason, plan
        assert is_close(plan.until, told), plan
        assert explanation.planned == 0
    of_contacts = told.contact_reason or reason
    if told.phone is not None:
        known = explanation.reasons.get(of_contacts)
        if known is None and explanation.planned and plan.hold is not reason:
            # Only the gate itself tells, contact by contact, once the dialer has looked.
            return
        assert known is not None, explanation
        assert known.count == told.count, explanation
        assert is_close(known.until, told), explanation


async def check_texts(s: Scene, reason: Reason, told: Told) -> None:
    """What pages and programs get is in words, and can be written as JSON."""
    of_campaign = (await s.commands.why.campaign(told.campaign.id)).as_dict()
    if REASON_MEANING[reason].campaign:
        assert of_campaign["hold"] == reason.value
        assert of_campaign["hold_text"] == REASON_MEANING[reason].text
    else:
        assert of_campaign["contacts"][reason.value]["text"] == REASON_MEANING[reason].text
        assert of_campaign["contacts"][reason.value]["count"] == told.count
    if told.phone is not None:
        contact = await s.contact(told.campaign, told.phone)
        of_contact = (await s.commands.why.contact(contact)).as_dict()
        held = told.contact_reason or reason
        assert (of_contact["reason"], of_contact["would_call"]) == (held.value, False)
        assert of_contact["text"] == REASON_MEANING[held].text
        assert of_contact["change"] == REASON_MEANING[held].change


async def check_time(s: Scene, reason: Reason, told: Told) -> None:
    """Ask as if it were just before the instant, and at it; then have it come."""
    answer = await ask(s, told)
    assert answer is not None
    instant = answer.until or told.until
    assert instant is not None
    before = await ask(s, told, at=instant - timedelta(milliseconds=1))
    assert before is not None
    assert before.reason is (told.before or reason)
    then = await ask(s, told, at=instant)
    assert then is not None
    assert then.reason is told.at_until, "at that instant it would be called"
    campaign = await ask_campaign(s, told, at=instant)
    assert campaign.planned >= 1 or told.at_until in campaign.reasons
    if told.lift is None:
        assert told.phone is not None
        calls = s.calls(told.phone)
        s.skip_to(instant)
        await s.called(told.phone, calls + 1)


@situation(Reason.NOT_STARTED)
async def not_started(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN, BOB, start=False)
    return Told(campaign, count=2, lift=lambda: s.commands.start(campaign.id))


@situation(Reason.QUEUED)
async def queued(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN, starts_at=NOON + 2 * HOUR)
    return Told(campaign, until=NOON + 2 * HOUR)


@situation(Reason.PAUSED)
async def paused(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN)
    await s.commands.pause(campaign.id)
    return Told(campaign, lift=lambda: s.commands.resume(campaign.id))


async def all_done(s: Scene) -> Campaign:
    await s.start()
    campaign = await s.campaign(ANN)
    await s.is_in(campaign, CampaignStatus.COMPLETED)
    return campaign


@situation(Reason.CAMPAIGN_COMPLETED)
async def campaign_completed(s: Scene, _folder: Path) -> Told:
    return Told(await all_done(s), contact_reason=Reason.DONE)


@situation(Reason.DONE)
async def done(s: Scene, _folder: Path) -> Told:
    return Told(await all_done(s))


@situation(Reason.CAMPAIGN_CANCELED)
async def campaign_canceled(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN)
    await s.commands.stop(campaign.id)
    return Told(campaign, contact_reason=Reason.CANCELED)


@situation(Reason.CANCELED)
async def canceled(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN, BOB)
    await s.commands.complete(campaign.id)
    return Told(campaign, count=2)


@situation(Reason.SWITCHED_OFF)
async def switched_off(s: Scene, _folder: Path) -> Told:
    campaign, allowed = await s.campaign(ANN), s.b.settings

    async def allow_again() -> None:
        await s.b.stop()
        s.b.settings = allowed

    s.b.settings = allowed.model_copy(update={"modes": ["single_day"]})
    return Told(campaign, lift=allow_again)


@situation(Reason.CAMPAIGN_ENDED)
async def campaign_ended(s: Scene, _folder: Path) -> Told:
    """Its day is over, and no engine has come by to complete it."""
    campaign = await s.campaign(ANN, mode=CampaignMode.SINGLE_DAY, window=DailyWindow())
    s.skip_to(NOON.replace(hour=18))
    return Told(campaign, then=Reason.CANCELED)


@situation(Reason.NO_ENGINE)
async def no_engine(s: Scene, _folder: Path) -> Told:
    async def start() -> None:
        await s.start()

    return Told(await s.campaign(ANN), engine=False, foreseen=False, lift=start)


@situation(Reason.LINK_DOWN)
async def link_down(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN)
    await s.start()
    await s.called(ANN)
    await s.idle()
    s.b.switch.cut()
    campaign = await s.campaign(BOB)

    async def mend() -> None:
        s.b.switch.mend()

    return Told(campaign, BOB, foreseen=False, lift=mend)


@situation(Reason.CATCHING_UP)
async def catching_up(s: Scene, _folder: Path) -> Told:
    """The link is there, and Asterisk does not say what became of its calls."""
    answers = asyncio.Event()

    async def hook(what: str) -> None:
        if what == "live_calls":
            await answers.wait()

    s.b.switch.ask_hook = hook
    await s.b.start()
    await until(lambda: s.b.running.link_up)
    campaign = await s.campaign(ANN)

    async def answer() -> None:
        answers.set()

    return Told(campaign, foreseen=False, lift=answer)


@situation(Reason.RULES_BROKEN)
async def rules_broken(s: Scene, folder: Path) -> Told:
    """A legal preset that it names is gone when the engine starts."""
    path = write_preset(folder / "legal", "own", "min_ring_s = 15")
    campaign = await s.campaign(ANN, legal=("own",))
    path.unlink()

    async def put_back() -> None:
        await s.b.stop()
        write_preset(folder / "legal", "own", "min_ring_s = 15")

    return Told(campaign, lift=put_back)


@situation(Reason.OUTSIDE_HOURS, at=NOON.replace(hour=20))
async def outside_hours(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN, BOB, window=DailyWindow())
    return Told(campaign, count=2, until=NOON.replace(day=4, hour=9))


@situation(Reason.HOLIDAY, at=BASTILLE_NOON)
async def holiday(s: Scene, _folder: Path) -> Told:
    window = replace(ALL_DAY, zone="Europe/Paris")
    campaign = await s.campaign(ANN, holidays=("FR",), window=window)
    return Told(campaign, until=BASTILLE_NOON.replace(hour=22))


@situation(Reason.DNC_LIST_OLD)
async def dnc_list_old(s: Scene, folder: Path) -> Told:
    register = folder / "register.csv"
    register.write_text("phone\n+33612349999\n")

    async def import_it() -> None:
        await s.commands.lists.import_dnc_list("register", register, as_of=s.now)

    await import_it()
    campaign = await s.campaign(ANN, dnc_lists=("register",))
    await s.commands.lists.delete_dnc_list("register")
    return Told(campaign, lift=import_it)


@situation(Reason.ABANDON_CAP)
async def abandon_cap(s: Scene, folder: Path) -> Told:
    """A call is abandoned by hand: nothing places calls for agents yet."""
    write_preset(
        folder / "legal", "own", '[abandon]\ncap = 0.03\nwindow = "rolling_days"\ndays = 1'
    )
    campaign = await s.campaign(BOB, ANN, legal=("own",))
    store = s.b.store

    def first(batch: Batch) -> list[LetOut]:
        return [LetOut(batch.candidates[0].contact_id, 0, None, None)]

    await store.claim(
        campaign.id,
        ["abandoned"],
        places=None,
        judge=first,
        look_back_s=0,
        now=s.now,
        lease_until=s.now + HOUR,
    )
    await store.mark_dialing(["abandoned"], now=s.now)
    await store.apply(
        [
            AttemptChange(
                "abandoned",
                (AttemptEvent.ENDED,),
                s.now,
                disposition=Disposition.ABANDONED,
                evidence=Evidence(cause=16, answered=True),
                contact=ContactChange(ContactEvent.FINISHED),
            )
        ]
    )

    async def a_day_passes() -> None:
        s.skip_to(s.now + DAY)

    return Told(campaign, lift=a_day_passes)


@situation(Reason.TRUNK_REFUSES, Script(order="refuse"))
async def trunk_refuses(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(BOB, ANN, concurrency=1)
    await s.called(BOB)
    await s.idle()

    async def wait() -> None:
        s.b.switch.script = lambda _order: Script()
        s.skip_to(s.now + timedelta(seconds=5))

    return Told(campaign, foreseen=False, lift=wait)


@situation(Reason.TRUNK_FULL, BY_HAND)
async def trunk_full(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(BOB, ANN, max_channels=1)
    await s.called(BOB)
    dial_string = "PJSIP/{number}@carrier"

    async def raise_channels() -> None:
        await s.commands.save_trunk("carrier", dial_string=dial_string, cps=200, max_channels=2)

    return Told(campaign, foreseen=False, lift=raise_channels)


@situation(Reason.CPS)
async def cps(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(BOB, ANN, cps=0.05)
    await s.called(BOB)
    await s.idle()

    async def wait() -> None:
        s.skip_to(s.now + timedelta(seconds=20))

    return Told(campaign, foreseen=False, lift=wait)


@situation(Reason.CONCURRENCY, BY_HAND)
async def concurrency(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(BOB, ANN, CID, concurrency=1)
    first = await s.called(BOB)

    async def end() -> None:
        await s.end(first, BUSY)

    return Told(campaign, count=2, foreseen=False, lift=end)


async def with_agents(
    s: Scene,
    method: DialMethod,
    *phones: str,
    queue: str = "",
    log_in: bool = True,
    callbacks: bool = False,
) -> Campaign:
    """Start a campaign with two agents, Anna and Bert, who are logged in and not ready."""
    agents = AgentSettings(method, queue=queue, safe_harbour="sorry")
    campaign = await s.campaign(
        *phones, start=False, detect_machines=False, agents=agents, callbacks=callbacks
    )
    made = [
        await s.b.store.save_agent(name, phone=AgentPhone(PhoneKind.SIP, name), now=s.now)
        for name in ("anna", "bert")
    ]
    await s.b.store.add_campaign_agents(campaign.id, [a.id for a in made], now=s.now)
    for agent in made if log_in else ():
        await s.b.running.agents.log_in(agent.name, campaign.id)
    return await s.commands.start(campaign.id)


@situation(Reason.QUEUE_UNKNOWN, BY_HAND)
async def queue_unknown(s: Scene, _folder: Path) -> Told:
    """The campaign's queue is taken out of Asterisk while agents are ready."""
    await s.start()
    desk, board = s.b.running.agents, s.b.switch.board
    board.names.discard("sales")
    campaign = await with_agents(s, DialMethod.PROGRESSIVE, ANN, queue="sales")
    await desk.ready("anna")
    await until(lambda: desk.view("anna").problem)

    async def add_it() -> None:
        board.names.add("sales")

    return Told(campaign, foreseen=False, lift=add_it)


@situation(Reason.AGENTS_OFFLINE, BY_HAND)
async def agents_offline(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await with_agents(s, DialMethod.PROGRESSIVE, ANN, log_in=False)

    async def come() -> None:
        await s.b.running.agents.log_in("anna", campaign.id)
        await s.b.running.agents.ready("anna")

    return Told(campaign, foreseen=False, lift=come)


@situation(Reason.AGENTS_PAUSED, BY_HAND)
async def agents_paused(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await with_agents(s, DialMethod.AGENT_FIRST, ANN)
    return Told(campaign, foreseen=False, lift=lambda: s.b.running.agents.ready("anna"))


@situation(Reason.AGENTS_UNREACHABLE, BY_HAND)
async def agents_unreachable(s: Scene, _folder: Path) -> Told:
    """The phone of the one agent who is ready is not registered with Asterisk."""
    await s.start()
    campaign = await with_agents(s, DialMethod.PROGRESSIVE, ANN)
    anna = s.b.running.agents.view("anna").agent
    seen = MemberSeen(anna.id, s.now, "callcamp-1", "PJSIP/anna", 5, False)
    await until(lambda: s.b.switch.board.paused(anna.id) is not None)
    s.b.switch.emit(seen)
    await until(lambda: s.b.running.agents.view("anna").phone_up is False)
    await s.b.running.agents.ready("anna")

    async def register() -> None:
        s.b.switch.emit(replace(seen, status=1))

    return Told(campaign, foreseen=False, lift=register)


@situation(Reason.NO_AGENT, BY_HAND)
async def no_agent(s: Scene, _folder: Path) -> Told:
    """The one agent who is ready is on the line with a contact who is being called."""
    await s.start()
    campaign = await with_agents(s, DialMethod.AGENT_FIRST, BOB, ANN)
    await s.b.running.agents.ready("anna")
    await s.called(BOB)
    return Told(campaign, foreseen=False, lift=lambda: s.b.running.agents.ready("bert"))


@situation(Reason.PACED, BY_HAND)
async def paced(s: Scene, _folder: Path) -> Told:
    """The one agent will be busy with the call that rings."""
    await s.start()
    campaign = await with_agents(s, DialMethod.PROGRESSIVE, BOB, ANN)
    await s.b.running.agents.ready("anna")
    await s.called(BOB)
    return Told(campaign, foreseen=False, lift=lambda: s.b.running.agents.ready("bert"))


@situation(Reason.NO_NUMBER)
async def no_number(s: Scene, _folder: Path) -> Told:
    await s.commands.lists.save_number(FIRST_DID)
    campaign = await s.campaign(ANN, pool=NumberPool((FIRST_DID,)))
    await s.commands.lists.save_number(FIRST_DID, active=False)
    return Told(campaign, lift=lambda: s.commands.lists.save_number(FIRST_DID, active=True))


@situation(Reason.NUMBERS_CAPPED)
async def numbers_capped(s: Scene, _folder: Path) -> Told:
    """The day of a number ends at midnight where the number is."""
    await s.commands.lists.save_number(FIRST_DID, daily_cap=1)
    await s.start()
    campaign = await s.campaign(BOB, ANN, pool=NumberPool((FIRST_DID,)))
    await s.called(BOB)
    await s.idle()
    return Told(campaign, until=PARIS_MIDNIGHT)


@situation(Reason.NOTHING_DUE)
async def nothing_due(s: Scene, _folder: Path) -> Told:
    return Told(await s.campaign(mode=CampaignMode.ALWAYS_ON), None)


@situation(Reason.CONTACT_HOURS)
async def contact_hours(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(NEW_YORK, contact_hours=DAYTIME)
    return Told(campaign, NEW_YORK, until=NOON.replace(hour=14))


@situation(Reason.CONTACT_HOLIDAY, at=BASTILLE_NOON)
async def contact_holiday(s: Scene, folder: Path) -> Told:
    hours = f'holidays = ["FR"]\n[hours]\n{ALL_WEEK}\nholiday = []'
    write_preset(folder / "legal", "own", hours)
    campaign = await s.campaign(ANN, legal=("own",))
    # The night after the holiday is outside its hours.
    opens = BASTILLE_NOON.replace(day=15, hour=6)
    return Told(campaign, until=opens, before=Reason.CONTACT_HOURS)


@situation(Reason.NEEDS_REVIEW)
async def needs_review(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(NOWHERE, contact_hours=DAYTIME)

    async def look() -> None:
        await s.commands.review(await s.contact(campaign, NOWHERE), "Europe/Paris")

    return Told(campaign, NOWHERE, lift=look)


@situation(Reason.ZONE_UNKNOWN)
async def zone_unknown(s: Scene, _folder: Path) -> Told:
    own = replace(DAYTIME, unknown_zone=UnknownZone.SKIP)
    campaign = await s.campaign(NOWHERE, contact_hours=own, mode=CampaignMode.ALWAYS_ON)

    async def add_again() -> None:
        await s.commands.review(await s.contact(campaign, NOWHERE), "Europe/Paris")

    return Told(campaign, NOWHERE, lift=add_again)


@situation(Reason.RETRY_WAITS, busy_for(ANN))
async def retry_waits(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(ANN, attempts=2, delay_s=600)
    await s.called(ANN)
    await s.idle()
    (attempt,) = await s.b.attempts(campaign)
    assert attempt.ended_at is not None
    return Told(campaign, until=attempt.ended_at + timedelta(seconds=600))


@situation(Reason.CALLBACK_WAITS)
async def callback_waits(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(ANN, callbacks=True, mode=CampaignMode.ALWAYS_ON)
    attempt_id = await s.called(ANN)
    await s.idle()
    await s.commands.set_outcome(attempt_id, callback_at=NOON + 3 * HOUR)
    return Told(campaign, until=NOON + 3 * HOUR)


@situation(Reason.CALLBACK_AGENT, BY_HAND)
async def callback_agent(s: Scene, _folder: Path) -> Told:
    """Anna has kept a callback for herself, and is paused when its time has come."""
    await s.start()
    campaign = await with_agents(s, DialMethod.PROGRESSIVE, ANN, callbacks=True)
    desk = s.b.running.agents
    await desk.ready("anna")
    attempt_id = await s.called(ANN)
    anna = desk.view("anna").agent.id
    reach(s.b, attempt_id)
    connect(s.b, attempt_id, anna)
    await becomes(s.b, AgentState.TALKING)
    hang_up(s.b, attempt_id, anna)
    await becomes(s.b, AgentState.WRAP_UP)
    await s.idle()
    back_at = s.now + HOUR
    note = WrapUpNote(callback_at=back_at, callback_mine=True)
    await desk.finish("anna", attempt_id, note)
    await desk.pause("anna", "lunch")
    await desk.ready("bert")
    s.skip_to(back_at)

    async def is_held() -> bool:
        return (await s.contact(campaign, ANN)).hold is Reason.CALLBACK_AGENT

    await until(is_held)
    due_at = (await s.contact(campaign, ANN)).due_at
    assert due_at is not None
    assert due_at > s.now

    async def come_back() -> None:
        await desk.ready("anna")
        s.skip_to(due_at)

    return Told(campaign, until=due_at, foreseen=False, lift=come_back)


@situation(Reason.ORDER_REFUSED, Script(order="refuse"))
async def order_refused(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(ANN)
    await s.called(ANN)
    await s.idle()
    s.b.switch.script = lambda _order: Script()
    due_at = (await s.contact(campaign, ANN)).due_at
    assert due_at is not None
    assert s.now + timedelta(seconds=2) < due_at < s.now + timedelta(minutes=1)
    return Told(campaign, until=due_at, then=Reason.TRUNK_REFUSES)


@situation(Reason.DO_NOT_CALL)
async def do_not_call(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN, mode=CampaignMode.ALWAYS_ON)
    await s.commands.lists.suppress([ANN], source="test")
    return Told(campaign)


@situation(Reason.EXCLUDED)
async def excluded(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN, mode=CampaignMode.ALWAYS_ON)
    await s.commands.exclude(await s.contact(campaign, ANN), "asked for it")
    return Told(campaign, lift=lambda: s.add(campaign, ANN))


@situation(Reason.NO_CONSENT)
async def no_consent(s: Scene, _folder: Path) -> Told:
    campaign = await s.campaign(ANN, consent_scope="marketing")

    async def record() -> None:
        await s.commands.lists.record_consent(ANN, scope="marketing", source="on paper")

    return Told(campaign, lift=record)


@situation(Reason.FREQUENCY_CAP)
async def frequency_cap(s: Scene, _folder: Path) -> Told:
    earlier = await all_done(s)
    (call,) = await s.b.attempts(earlier)
    assert call.dialed_at is not None
    campaign = await s.campaign(ANN, frequency=(CallCap(1, 7200),))
    return Told(campaign, until=call.dialed_at + 2 * HOUR)


@situation(Reason.COOL_OFF)
async def cool_off(s: Scene, folder: Path) -> Told:
    write_preset(folder / "legal", "own", '[[cool_offs]]\nafter = "conversation"\ndays = 1')
    earlier = await all_done(s)
    (call,) = await s.b.attempts(earlier)
    assert call.dialed_at is not None
    campaign = await s.campaign(ANN, legal=("own",))
    return Told(campaign, until=call.dialed_at + DAY + timedelta(seconds=call.evidence["talk_s"]))


@situation(Reason.IN_OTHER_CALL, BY_HAND)
async def in_other_call(s: Scene, _folder: Path) -> Told:
    await s.start()
    await s.campaign(ANN)
    live = await s.called(ANN)
    campaign = await s.campaign(ANN)

    async def hang_up() -> None:
        await s.end(live, PERSON, answer=True)
        s.skip_to(s.now + timedelta(seconds=60))

    minute = s.now + timedelta(seconds=60)
    return Told(
        campaign,
        until=minute,
        within=timedelta(seconds=5),
        at_until=Reason.IN_OTHER_CALL,
        lift=hang_up,
    )


@situation(Reason.NUMBER_CAPPED, busy_for(ANN))
async def number_capped(s: Scene, _folder: Path) -> Told:
    """The number that is kept for the contact has had its calls; another is not taken."""
    await s.commands.lists.save_number(FIRST_DID, daily_cap=1)
    await s.commands.lists.save_number(SECOND_DID)
    await s.start()
    pool = NumberPool((FIRST_DID, SECOND_DID), Rotation.SAME)
    campaign = await s.campaign(ANN, attempts=2, pool=pool)
    await s.called(ANN)
    await s.idle()
    s.skip_to(s.now + timedelta(seconds=601))
    return Told(campaign, until=PARIS_MIDNIGHT)


@situation(Reason.ATTEMPTS_USED, busy_for(ANN))
async def attempts_used(s: Scene, _folder: Path) -> Told:
    """It waited for its second call when the campaign was changed to make only one."""
    await s.start()
    campaign = await s.campaign(ANN, attempts=2, mode=CampaignMode.ALWAYS_ON)
    await s.called(ANN)
    await s.idle()
    await s.commands.pause(campaign.id)
    await s.change(campaign, retry=RetryPolicy(max_attempts=1))
    await s.commands.resume(campaign.id)
    s.skip_to(s.now + timedelta(seconds=601))

    async def give_one_more() -> None:
        await s.commands.pause(campaign.id)
        await s.change(campaign, retry=RetryPolicy(max_attempts=2))
        await s.commands.resume(campaign.id)

    return Told(campaign, lift=give_one_more)


@situation(Reason.DELETED)
async def deleted(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(ANN, mode=CampaignMode.ALWAYS_ON)
    await s.called(ANN)
    await s.idle()
    await s.commands.delete_contact(await s.contact(campaign, ANN))
    return Told(campaign, lift=lambda: s.add(campaign, ANN))


@situation(Reason.IN_PROGRESS, BY_HAND)
async def in_progress(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(ANN)
    await s.called(ANN)
    return Told(campaign)


@situation(Reason.FAILED, BY_HAND)
async def failed(s: Scene, _folder: Path) -> Told:
    await s.start()
    campaign = await s.campaign(ANN)
    await s.end(await s.called(ANN), NO_LINE)
    await s.is_in(campaign, CampaignStatus.COMPLETED)
    return Told(campaign, lift=lambda: s.commands.retry_failed(campaign.id))


async def test_who_is_about_to_be_called_has_no_reason(tmp_path: Path) -> None:
    """A limit that nobody meets holds nobody back."""
    async with scene(tmp_path, BY_HAND, started=False) as s:
        campaign = await s.campaign(ANN, concurrency=1)
        contact = await s.contact(campaign, ANN)
        answer = await s.commands.why.contact(contact, s.now)
        assert answer.answer == ContactAnswer(answer.answer.at, None, None)
        assert answer.as_dict()["would_call"] is True
        told = (await s.commands.why.campaign(campaign.id, s.now)).as_dict()
        assert (told["would_call"], told["hold"], told["contacts"]) == (1, None, {})
        await s.start()
        await s.called(ANN)


async def test_every_contact_has_its_own_reason_and_time_moves_them_on(tmp_path: Path) -> None:
    """One campaign, one contact for each thing, asked now and as if it were later."""
    async with scene(tmp_path, busy_for(BOB)) as s:
        campaign = await s.campaign(
            BOB,
            mode=CampaignMode.ALWAYS_ON,
            attempts=2,
            delay_s=600,
            contact_hours=DAYTIME,
        )
        await s.called(BOB)
        await s.idle()
        due_at = (await s.contact(campaign, BOB)).due_at
        assert due_at is not None
        await s.commands.lists.suppress([CID], source="test")
        await s.add(campaign, CID, NEW_YORK, NOWHERE, ANN)
        await s.called(ANN)
        await s.idle()
        await s.nobody_is_called()
        opens = NOON.replace(hour=14)
        settled = {Reason.DONE: (1, None), Reason.DO_NOT_CALL: (1, None)}
        review = {Reason.NEEDS_REVIEW: (1, None)}
        waits = {Reason.RETRY_WAITS: (1, due_at), Reason.CONTACT_HOURS: (1, opens)}
        expected: list[tuple[datetime | None, dict[Reason, tuple[int, datetime | None]], int]] = [
            (None, {**settled, **review, **waits}, 0),
            (due_at, {**settled, **review, Reason.CONTACT_HOURS: (1, opens)}, 1),
            (opens, {**settled, **review}, 2),
        ]
        for at, reasons, planned in expected:
            told = (await s.commands.why.campaign(campaign.id, at)).explanation
            found = {reason: (held.count, held.until) for reason, held in told.reasons.items()}
            assert (found, told.planned) == (reasons, planned), at
        night = NOON.replace(hour=23)
        told = (await s.commands.why.campaign(campaign.id, night)).explanation
        assert told.planned == 1, "New York is still awake"
        assert told.reasons[Reason.CONTACT_HOURS].count == 1
        told = (await s.commands.why.campaign(campaign.id, NOON + DAY - HOUR)).explanation
        assert told.planned == 1, "Paris is awake again, and New York is not yet"


async def test_a_single_day_in_the_queue_is_asked_about_its_day(tmp_path: Path) -> None:
    """Asked as if it were then, it has started by then; its day is not today."""
    tomorrow = NOON + DAY
    async with scene(tmp_path, started=False) as s:
        campaign = await s.campaign(
            ANN, mode=CampaignMode.SINGLE_DAY, window=DailyWindow(), starts_at=tomorrow
        )
        expected = [
            (NOON, Reason.QUEUED),
            (tomorrow, None),
            (tomorrow.replace(hour=18), Reason.CAMPAIGN_ENDED),
        ]
        for at, hold in expected:
            told = (await s.commands.why.campaign(campaign.id, at)).explanation
            assert (told.plan.hold, told.planned) == (hold, int(hold is None))


async def test_a_holiday_to_come_is_seen_from_today(tmp_path: Path) -> None:
    async with scene(tmp_path, started=False, at=BASTILLE_NOON - DAY) as s:
        campaign = await s.campaign(ANN, holidays=("FR",), window=DailyWindow())
        why = s.commands.why
        assert (await why.campaign(campaign.id, s.now)).explanation.planned == 1
        told = (await why.campaign(campaign.id, BASTILLE_NOON)).explanation
        assert (told.plan.hold, told.planned) == (Reason.HOLIDAY, 0)
        assert told.plan.until == BASTILLE_NOON.replace(day=15, hour=9)


async def test_old_abandoned_calls_hold_nothing_for_ever(tmp_path: Path) -> None:
    """Of a day without calls the share is nothing, not too much."""
    (tmp_path / "legal").mkdir()
    async with scene(tmp_path, started=False, legal_dir=str(tmp_path / "legal")) as s:
        told = await abandon_cap(s, tmp_path)
        why, campaign_id = s.commands.why, told.campaign.id
        for later, planned in ((timedelta(hours=23), 0), (timedelta(hours=25), 1)):
            assert (await why.campaign(campaign_id, NOON + later)).explanation.planned == planned
