"""What every store promises of agents: who they are, their shifts, their calls, their pace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from records_kit import entries
from store_kit import HOSTILE, NOW, draft, ids, opened, running, sql, take

from callcamp.core.agents import MISSED_CALL, Agent, AgentPhone, AgentSpan, AgentState, PhoneKind
from callcamp.core.changes import AttemptChange, ContactChange, Revision
from callcamp.core.model import ContactChoice
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptEvent, CampaignEvent, ContactEvent
from callcamp.errors import Conflict, InvalidInput, LimitExceeded, NotFound, StoreError
from callcamp.ports import AgentWork, CallNote, InHand, LiveShift, Shift, acting_as
from callcamp.store import SqlStore

SIP = AgentPhone(PhoneKind.SIP, "phone-1")
S = AgentState


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def span(agent: Agent, state: AgentState, seconds: float, **more: str) -> AgentSpan:
    return AgentSpan(agent.id, 1, state, at(seconds), **more)


async def agent(store: SqlStore, name: str = "ann") -> Agent:
    return await store.save_agent(name, phone=SIP, now=NOW)


async def on_shift(store: SqlStore, name: str = "ann") -> Agent:
    one = await agent(store, name)
    await store.begin_shift(one.id, 1, span(one, S.PAUSED, 0, reason="not ready"))
    return one


async def talked(
    store: SqlStore,
    attempt_id: str,
    who: Agent | None,
    *,
    disposition: Disposition = Disposition.ANSWERED_PERSON,
    outcome: str | None = None,
    seconds: float = 5,
) -> None:
    """End a call that an agent got (None: nobody was free)."""
    await store.mark_dialing([attempt_id], now=NOW)
    (applied,) = await store.apply(
        [
            AttemptChange(
                attempt_id,
                (AttemptEvent.ANSWERED, AttemptEvent.ENDED),
                at(seconds + 60),
                answered_at=at(seconds - 1),
                connected_at=None if who is None else at(seconds),
                agent_id=None if who is None else who.id,
                disposition=disposition,
                contact=ContactChange(ContactEvent.FINISHED),
                outcome=outcome,
            )
        ]
    )
    assert applied.problem is None


async def test_an_agent_is_added_and_changed(store: SqlStore) -> None:
    trunk = await store.save_trunk("carrier", dial_string="PJSIP/{number}@carrier", cps=10)
    with acting_as("page:root"):
        ann = await store.save_agent("ann", phone=SIP, display_name="Ann 李 🎉", now=NOW)
    assert ann == Agent(ann.id, "ann", SIP, True, "Ann 李 🎉")
    outside = AgentPhone(PhoneKind.EXTERNAL, "+33612345678", trunk.id)
    changed = await store.save_agent("ann", phone=outside, active=False, now=at(1))
    assert changed == Agent(ann.id, "ann", outside, False, "")
    browser = await store.save_agent(
        "a.b-c_9", phone=AgentPhone(PhoneKind.BROWSER, "A.b-9"), now=NOW
    )
    assert await store.agents() == [browser, changed]
    assert await store.agent("ann") == changed
    same = await store.save_agent("ann", phone=outside, active=False, now=at(2))
    assert same == changed
    added, second, _third = await entries(store, kind="agent")
    assert (added.action, added.actor, added.at, added.subject) == (
        "agent.added",
        "page:root",
        NOW,
        "ann",
    )
    assert (second.action, second.before, second.at) == ("agent.changed", added.after, at(1))
    assert second.after is not None
    assert second.after["active"] is False


@pytest.mark.parametrize("name", [*HOSTILE, "Ann", "é", "x" * 65, "a b", "a/b"])
async def test_names_that_no_agent_can_have_are_refused(store: SqlStore, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^name is "):
        await store.save_agent(name, phone=SIP, now=NOW)
    with pytest.raises(NotFound):
        await store.agent(name)
    assert await store.agents() == []


@pytest.mark.parametrize(
    ("phone", "field"),
    [
        *((AgentPhone(kind, bad), "phone.address") for kind in PhoneKind for bad in HOSTILE),
        (AgentPhone(PhoneKind.SIP, "a,b"), "phone.address"),
        (AgentPhone(PhoneKind.SIP, "phone", 1), "phone.trunk_id"),
        (AgentPhone(PhoneKind.EXTERNAL, "+33612345678"), "phone.trunk_id"),
        (AgentPhone(PhoneKind.EXTERNAL, "0612345678", 1), "phone.address"),
    ],
)
async def test_phones_that_are_none_are_refused(
    store: SqlStore, phone: AgentPhone, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await store.save_agent("ann", phone=phone, now=NOW)
    assert caught.value.details["field"] == field
    assert await store.agents() == []


async def test_what_else_is_refused_of_an_agent(store: SqlStore) -> None:
    outside = AgentPhone(PhoneKind.EXTERNAL, "+33612345678", 7)
    with pytest.raises(NotFound, match="no trunk 7"):
        await store.save_agent("ann", phone=outside, now=NOW)
    for bad in ("x" * 101, "nul\0inside", "half \ud83d"):
        with pytest.raises(InvalidInput):
            await store.save_agent("ann", phone=SIP, display_name=bad, now=NOW)
    assert await store.agents() == []
    assert await store.audit() == []


async def test_agents_added_at_once_are_one(store: SqlStore) -> None:
    made = await asyncio.gather(*(agent(store) for _ in range(5)))
    assert {one.id for one in made} == {(await store.agent("ann")).id}


async def test_a_phone_has_a_password_of_its_own(store: SqlStore) -> None:
    ann, bob = await agent(store), await agent(store, "bob")
    secret = await store.phone_secret(ann.id)
    assert len(secret) >= 32
    assert secret.replace("-", "").replace("_", "").isalnum()
    assert secret != await store.phone_secret(bob.id)
    await store.save_agent("ann", phone=replace(SIP, address="other"), now=NOW)
    assert await store.phone_secret(ann.id) == secret
    renewed = await store.renew_phone_secret(ann.id, now=at(1))
    assert renewed == await store.phone_secret(ann.id) != secret
    last = (await store.audit(kind="agent"))[0]
    assert (last.action, last.subject, last.before, last.after) == (
        "agent.phone_secret_renewed",
        "ann",
        None,
        None,
    )
    assert not any(secret in repr(e) or renewed in repr(e) for e in await store.audit())
    assert secret not in repr(await store.agents())
    for call in (store.phone_secret(99), store.renew_phone_secret(99, now=NOW)):
        with pytest.raises(NotFound, match="no agent 99"):
            await call


async def test_only_who_never_worked_is_deleted(store: SqlStore) -> None:
    await draft(store)
    await agent(store, "bob")
    await store.add_campaign_agents(1, [(await store.agent("bob")).id], now=NOW)
    await store.delete_agent("bob", now=at(1))
    assert await store.agents() == await store.campaign_agents(1) == []
    assert (await store.audit(kind="agent"))[0].action == "agent.deleted"
    with pytest.raises(NotFound):
        await store.delete_agent("bob", now=NOW)
    ann = await on_shift(store)
    await store.note_spans([span(ann, S.OFFLINE, 9)])
    with pytest.raises(Conflict, match="inactive"):
        await store.delete_agent("ann", now=NOW)
    assert await store.agents() == [ann]


async def test_one_who_got_a_call_is_kept(store: SqlStore) -> None:
    await running(store, 1)
    ann = await agent(store)
    await take(store, 1, ["a"])
    await talked(store, "a", ann)
    with pytest.raises(Conflict):
        await store.delete_agent("ann", now=NOW)


async def test_agents_join_campaigns_and_leave_them(store: SqlStore) -> None:
    one, two = await draft(store), await draft(store)
    bob, ann = await agent(store, "bob"), await agent(store)
    assert await store.add_campaign_agents(one, [bob.id, ann.id, bob.id], now=NOW) == 2
    assert await store.add_campaign_agents(one, [bob.id], now=NOW) == 0
    assert await store.add_campaign_agents(two, [bob.id], now=NOW) == 1
    assert await store.campaign_agents(one) == [ann, bob]
    assert await store.agent_campaigns(bob.id) == [one, two]
    assert await store.remove_campaign_agents(one, [bob.id, 99], now=at(1)) == 1
    assert await store.remove_campaign_agents(one, [bob.id], now=NOW) == 0
    assert await store.campaign_agents(one) == [ann]
    assert await store.agent_campaigns(bob.id) == [two]
    noted = [
        (e.action, e.after)
        for e in await entries(store, campaign_id=one)
        if e.action.startswith("campaign.agents")
    ]
    assert noted == [
        ("campaign.agents_added", {"agents": ["bob", "ann"]}),
        ("campaign.agents_removed", {"agents": ["bob"]}),
    ]


async def test_nobody_joins_when_one_is_not_there(store: SqlStore) -> None:
    await draft(store)
    ann = await agent(store)
    with pytest.raises(NotFound, match="no agent 99"):
        await store.add_campaign_agents(1, [ann.id, 99], now=NOW)
    assert await store.campaign_agents(1) == []
    for call in (
        store.add_campaign_agents(9, [ann.id], now=NOW),
        store.remove_campaign_agents(9, [ann.id], now=NOW),
    ):
        with pytest.raises(NotFound, match="no campaign 9"):
            await call
    with pytest.raises(NotFound, match="no campaign 9"):
        await store.campaign_agents(9)
    assert await store.agent_campaigns(99) == []


async def test_a_clone_has_the_same_agents(store: SqlStore) -> None:
    await draft(store)
    ann = await agent(store)
    await store.add_campaign_agents(1, [ann.id], now=NOW)
    settings = (await store.campaign(1)).settings
    for choice in (None, ContactChoice()):
        clone = await store.clone_campaign(1, settings, choice, now=NOW)
        assert await store.campaign_agents(clone.id) == [ann]


async def test_campaigns_at_work_have_queues_of_their_own(store: SqlStore) -> None:
    choices = ["q-1", "q-2"]
    at_work = [await running(store, 1) for _ in range(2)]
    assert [await store.assign_queue(c, choices) for c in at_work] == choices
    assert await store.assign_queue(at_work[1], choices) == "q-2"
    third = await running(store, 1)
    with pytest.raises(LimitExceeded, match="All 2 queues are taken"):
        await store.assign_queue(third, choices)
    await store.move_campaign(at_work[0], CampaignEvent.STOPPED, now=NOW)
    assert await store.assign_queue(third, choices) == "q-1"
    with pytest.raises(LimitExceeded):
        await store.assign_queue(at_work[0], choices)
    # A queue that is not to be had any more is given up.
    assert await store.assign_queue(third, ["q-3"]) == "q-3"
    assert await store.assign_queue(at_work[0], choices) == "q-1"
    with pytest.raises(NotFound):
        await store.assign_queue(99, choices)


async def test_a_queue_in_which_somebody_may_still_wait_is_given_to_no_other(
    store: SqlStore,
) -> None:
    over, other = await running(store, 1), await running(store, 1)
    assert await store.assign_queue(over, ["q-1"]) == "q-1"
    await take(store, over, ["att-1"])
    await store.move_campaign(over, CampaignEvent.STOPPED, now=NOW)
    assert await store.assign_queue(other, ["q-1", "q-2"]) == "q-2"


async def test_queues_chosen_at_once_differ(store: SqlStore) -> None:
    campaigns = [await running(store, 1) for _ in range(5)]
    choices = [f"q-{n}" for n in range(5)]
    chosen = await asyncio.gather(*(store.assign_queue(c, choices) for c in campaigns))
    assert sorted(chosen) == choices


async def test_a_shift_is_made_of_spans(store: SqlStore) -> None:
    await draft(store)
    ann = await agent(store)
    first = span(ann, S.PAUSED, 0, reason="not ready")
    shift = await store.begin_shift(ann.id, 1, first)
    assert shift == Shift(shift.id, ann.id, 1, NOW)
    assert await store.live_shifts() == [LiveShift(shift, first)]
    talk = span(ann, S.TALKING, 20, attempt_id="a")
    await store.note_spans([span(ann, S.READY, 10), talk])
    assert await store.live_shifts() == [LiveShift(shift, talk)]
    await store.note_spans([span(ann, S.OFFLINE, 30)])
    assert await store.live_shifts() == []
    spans = await store.agent_spans(ann.id, since=NOW, until=at(100))
    assert spans == [
        replace(first, ended_at=at(10)),
        span(ann, S.READY, 10, ended_at=at(20)),  # type: ignore[arg-type]
        replace(talk, ended_at=at(30)),
    ]
    again = await store.begin_shift(ann.id, 1, span(ann, S.PAUSED, 40))
    assert again.id != shift.id


async def test_an_agent_has_one_lasting_shift(store: SqlStore, url: str) -> None:
    other = [await draft(store), await draft(store)][1]
    ann = await on_shift(store)
    with pytest.raises(Conflict, match="logged in already, for campaign 1") as caught:
        await store.begin_shift(ann.id, other, span(ann, S.PAUSED, 1))
    assert caught.value.details["campaign_id"] == 1
    for agent_id, campaign_id in ((99, 1), (ann.id, 99)):
        with pytest.raises(NotFound):
            await store.begin_shift(agent_id, campaign_id, span(ann, S.PAUSED, 1))
    # The database itself refuses a second one, and a second span that lasts.
    for statement in (
        f"INSERT INTO agent_shift (agent_id, campaign_id, began_at) VALUES ({ann.id}, 1, 5)",
        (
            "INSERT INTO agent_span (shift_id, agent_id, campaign_id, state, began_at, reason)"
            f" SELECT id, {ann.id}, 1, 'ready', 5, '' FROM agent_shift"
        ),
    ):
        with pytest.raises(StoreError):
            sql(url, statement)
    assert len(await store.live_shifts()) == 1


async def test_log_ins_at_once_are_one(store: SqlStore) -> None:
    await draft(store)
    ann = await agent(store)
    tries = (store.begin_shift(ann.id, 1, span(ann, S.PAUSED, 0)) for _ in range(5))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Conflict"] * 4 + ["Shift"]


async def test_who_is_not_on_shift_has_no_spans(store: SqlStore) -> None:
    await draft(store)
    ann, bob = await on_shift(store), await agent(store, "bob")
    gone = replace(span(bob, S.READY, 1), agent_id=99)
    await store.note_spans([span(bob, S.READY, 1), gone, span(ann, S.READY, 2)])
    # What comes after the end of a shift is of no shift.
    await store.note_spans([span(ann, S.OFFLINE, 3), span(ann, S.READY, 4)])
    await store.note_spans([])
    assert await store.agent_spans(bob.id, since=NOW, until=at(9)) == []
    spans = await store.agent_spans(ann.id, since=NOW, until=at(9))
    assert [s.state for s in spans] == [S.PAUSED, S.READY]
    assert await store.live_shifts() == []


async def test_a_clock_that_was_set_back_makes_no_negative_spans(store: SqlStore) -> None:
    await draft(store)
    ann = await on_shift(store)
    await store.note_spans([span(ann, S.READY, 50), span(ann, S.TALKING, 20)])
    await store.note_spans([span(ann, S.WRAP_UP, 10), span(ann, S.OFFLINE, 60)])
    spans = await store.agent_spans(ann.id, since=NOW, until=at(99))
    assert [(s.began_at, s.ended_at) for s in spans] == [
        (at(0), at(50)),
        (at(50), at(50)),
        (at(50), at(50)),
        (at(50), at(60)),
    ]


async def test_spans_keep_hostile_reasons(store: SqlStore) -> None:
    await draft(store)
    ann = await on_shift(store)
    reasons = [*HOSTILE, "x" * 600]
    await store.note_spans(
        [span(ann, S.PAUSED, n + 1, reason=reason) for n, reason in enumerate(reasons)]
    )
    kept = [s.reason for s in await store.agent_spans(ann.id, since=NOW, until=at(99))][1:]
    assert kept[:4] == HOSTILE[:4]
    assert kept[4:6] == ["nul?inside", "half ? of a pair"]
    assert kept[-1] == "x" * 500


async def test_spans_of_a_period_are_those_that_overlap_it(store: SqlStore) -> None:
    await draft(store)
    ann = await on_shift(store)
    await store.note_spans([span(ann, S.READY, 10), span(ann, S.PAUSED, 20)])

    async def states(since: float, until: float, limit: int = 9) -> list[AgentState]:
        found = await store.agent_spans(ann.id, since=at(since), until=at(until), limit=limit)
        return [s.state for s in found]

    assert await states(0, 99) == [S.PAUSED, S.READY, S.PAUSED]
    assert await states(10, 20) == [S.READY]
    assert await states(9, 21) == [S.PAUSED, S.READY, S.PAUSED]
    assert await states(50, 60) == [S.PAUSED]
    assert await states(-9, 0) == []
    assert await states(0, 99, 1) == [S.PAUSED]


async def test_work_is_summed_by_state_and_reason(store: SqlStore) -> None:
    await running(store, 4)
    ann, bob = await on_shift(store), await on_shift(store, "bob")
    await store.note_spans(
        [
            span(ann, S.READY, 10),
            span(ann, S.RINGING, 20),
            span(ann, S.PAUSED, 25, reason=MISSED_CALL),
            span(ann, S.PAUSED, 30, reason="lunch"),
            span(ann, S.READY, 40),
            span(ann, S.TALKING, 50, attempt_id="a"),
            span(ann, S.WRAP_UP, 80, attempt_id="a"),
            span(ann, S.OFFLINE, 90),
            span(bob, S.READY, 5),
        ]
    )
    await take(store, 1, ["a", "b", "c"])
    await talked(store, "a", ann, outcome="sale")
    await talked(store, "b", ann, disposition=Disposition.HUNG_UP, outcome="sale")
    await talked(store, "c", None, disposition=Disposition.ABANDONED)
    one, two = await store.agent_work(since=NOW, until=at(100))
    assert one == AgentWork(
        ann.id,
        None,
        seconds={S.PAUSED: 25, S.READY: 20, S.RINGING: 5, S.TALKING: 30, S.WRAP_UP: 10},
        pauses={"not ready": 10, MISSED_CALL: 5, "lunch": 10},
        calls=2,
        missed=1,
        outcomes={"sale": 2},
        dispositions={Disposition.ANSWERED_PERSON: 1, Disposition.HUNG_UP: 1},
    )
    assert (one.logged_in_s, one.occupancy) == (90, 40 / 65)
    assert (two.agent_id, two.seconds) == (bob.id, {S.PAUSED: 5, S.READY: 95})
    (cut,) = await store.agent_work(since=at(27), until=at(60), agent_id=ann.id)
    assert cut.seconds == {S.PAUSED: 13, S.READY: 10, S.TALKING: 10}
    assert (cut.calls, cut.missed) == (0, 0)
    assert await store.agent_work(since=at(-9), until=NOW) == []
    assert await store.agent_work(since=at(200), until=at(300), agent_id=ann.id) == []


async def test_work_is_told_per_campaign(store: SqlStore) -> None:
    one, two = await running(store, 1), await running(store, 1)
    ann = await on_shift(store)
    await store.note_spans([span(ann, S.OFFLINE, 10)])
    later = AgentSpan(ann.id, two, S.PAUSED, at(20))
    await store.begin_shift(ann.id, two, later)
    await store.note_spans([replace(later, state=S.OFFLINE, began_at=at(25))])
    await take(store, two, ["z"])
    await talked(store, "z", ann)
    work = await store.agent_work(since=NOW, until=at(99), per_campaign=True)
    assert [(w.campaign_id, w.logged_in_s, w.calls) for w in work] == [(one, 10, 0), (two, 5, 1)]
    (work,) = await store.agent_work(since=NOW, until=at(99), campaign_id=two)  # type: ignore[assignment]
    assert (work.campaign_id, work.logged_in_s, work.calls) == (two, 5, 1)  # type: ignore[attr-defined]
    (work,) = await store.agent_work(since=NOW, until=at(99))  # type: ignore[assignment]
    assert (work.campaign_id, work.logged_in_s) == (None, 15)  # type: ignore[attr-defined]


async def test_what_pacing_learnt_is_kept_by_method(store: SqlStore, url: str) -> None:
    await draft(store)
    assert await store.pacing(1, "predictive") is None
    state = {"ring": [1.5, 2], "text": "\0 \ud83d", "none": None}
    await store.save_pacing(1, "predictive", {"old": 1}, now=NOW)
    await store.save_pacing(1, "predictive", state, now=at(1))
    await store.save_pacing(1, "adaptive", {"level": 2.5}, now=NOW)
    async with opened(url) as other:
        assert await other.pacing(1, "predictive") == state
        assert await other.pacing(1, "adaptive") == {"level": 2.5}
    with pytest.raises(NotFound):
        await store.save_pacing(9, "predictive", {}, now=NOW)


async def test_a_call_knows_its_agent(store: SqlStore) -> None:
    await running(store, 1)
    ann = await agent(store)
    await take(store, 1, ["a"])
    await store.mark_dialing(["a"], now=NOW)

    async def step(*events: AttemptEvent, **more: object) -> None:
        change = AttemptChange("a", events, at(9), **more)  # type: ignore[arg-type]
        (applied,) = await store.apply([change])
        assert applied.problem is None

    await step(AttemptEvent.ANSWERED, answered_at=at(1))
    assert (await store.attempt("a")).agent_id is None
    await step(agent_id=ann.id, connected_at=at(2))
    attempt = await store.attempt("a")
    assert (attempt.agent_id, attempt.connected_at) == (ann.id, at(2))
    await step(
        AttemptEvent.ENDED,
        disposition=Disposition.ANSWERED_PERSON,
        contact=ContactChange(ContactEvent.FINISHED),
    )
    (attempt,) = await store.attempts(1)
    assert (attempt.agent_id, attempt.connected_at) == (ann.id, at(2))


async def test_contacts_know_who_talked_to_them_last(store: SqlStore) -> None:
    await running(store, 3)
    ann, bob = await agent(store), await agent(store, "bob")
    one, two, three = await store.contacts(1)
    await take(store, 1, ids(3))
    await talked(store, "a-00000", ann)
    await talked(store, "a-00001", bob)
    await talked(store, "a-00002", None)
    everybody = [one.id, two.id, three.id, 99]
    assert await store.last_agents(everybody) == {one.id: ann, two.id: bob}
    assert await store.last_agents([]) == {}


async def booked(store: SqlStore, agent_id: int | None) -> int:
    """End the call of a contact with a callback; returns the contact."""
    await running(store, 1)
    (claim,) = await take(store, 1, ["a"])
    await store.mark_dialing(["a"], now=NOW)
    await store.apply([_callback("a", agent_id)])
    return claim.attempt.contact_id


def _callback(attempt_id: str, agent_id: int | None, *, callback: bool = True) -> AttemptChange:
    contact = ContactChange(
        ContactEvent.RETRY_SCHEDULED,
        at(60),
        Reason.CALLBACK_WAITS,
        callback=callback,
        callback_agent_id=agent_id,
    )
    events = (AttemptEvent.ANSWERED, AttemptEvent.ENDED)
    return AttemptChange(
        attempt_id, events, NOW, disposition=Disposition.ANSWERED_PERSON, contact=contact
    )


async def test_a_callback_is_for_one_agent(store: SqlStore) -> None:
    ann = await agent(store)
    contact_id = await booked(store, ann.id)
    assert (await store.contact(contact_id)).callback_agent_id == ann.id
    assert [c.callback_agent_id for c in await store.callbacks(1)] == [ann.id]
    (claim,) = await take(store, 1, ["b"], now=at(60), lease_until=at(90))
    assert (claim.callback, claim.callback_agent_id) == (True, ann.id)
    # A callback that could not be placed is still hers.
    back = ContactChange(ContactEvent.RELEASED, at(60))
    await store.apply([AttemptChange("b", (AttemptEvent.NOT_PLACED,), at(60), contact=back)])
    assert (await store.contact(contact_id)).callback_agent_id == ann.id
    await take(store, 1, ["c"], now=at(60), lease_until=at(90))
    await store.mark_dialing(["c"], now=at(61))
    await store.apply([_callback("c", 77, callback=False)])
    done = await store.contact(contact_id)
    assert (done.callback_at, done.callback_agent_id) == (None, None)


@pytest.mark.parametrize("how", ["leaves", "is made inactive"])
async def test_callbacks_of_who_is_gone_are_anyones(store: SqlStore, how: str) -> None:
    ann, bob = await agent(store), await agent(store, "bob")
    contact_id = await booked(store, ann.id)
    await store.add_campaign_agents(1, [ann.id, bob.id], now=NOW)
    await store.remove_campaign_agents(1, [bob.id], now=NOW)
    await store.save_agent("bob", phone=bob.phone, active=False, now=NOW)
    await store.save_agent("ann", phone=ann.phone, display_name="Ann", now=NOW)
    assert (await store.contact(contact_id)).callback_agent_id == ann.id
    if how == "leaves":
        await store.remove_campaign_agents(1, [ann.id], now=NOW)
    else:
        await store.save_agent("ann", phone=ann.phone, active=False, now=NOW)
    contact = await store.contact(contact_id)
    assert (contact.callback_at, contact.callback_agent_id) == (at(60), None)


@pytest.mark.parametrize("agent_id", [None, 77])
async def test_a_callback_is_replaced_with_its_agent(store: SqlStore, agent_id: int | None) -> None:
    contact_id = await booked(store, (await agent(store)).id)
    change = _callback("", agent_id).contact
    await store.revise(Revision("a", contact=change), now=NOW)
    contact = await store.contact(contact_id)
    assert (contact.callback_at, contact.callback_agent_id) == (at(60), agent_id)


async def test_who_is_left_out_has_no_callback(store: SqlStore) -> None:
    for act in ("skip", "stop", "exclude", "delete", "suppress"):
        ann = await agent(store, f"ann-{act}")
        campaign_id = await running(store, 1)
        (claim,) = await take(store, campaign_id, [act])
        await store.mark_dialing([act], now=NOW)
        await store.apply([_callback(act, ann.id)])
        contact_id = claim.attempt.contact_id
        match act:
            case "skip":
                await store.skip_contact(contact_id, Reason.EXCLUDED, now=NOW)
            case "stop":
                await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=NOW)
            case "exclude":
                await store.exclude_contact(contact_id, reason="x", now=NOW)
            case "delete":
                await store.delete_contact(contact_id, now=NOW)
            case _:
                await store.unsuppress(claim.attempt.number, campaign_id=None, now=NOW)
                await _suppress(store, [claim.attempt.number])
        contact = await store.contact(contact_id)
        assert (contact.callback_at, contact.callback_agent_id) == (None, None), act


async def _suppress(store: SqlStore, phones: Iterable[str]) -> None:
    from callcamp.core.changes import NewSuppression

    await store.suppress([NewSuppression(phone, "asked", "cli") for phone in phones], now=NOW)


async def test_the_account_of_abandoned_calls(store: SqlStore) -> None:
    await running(store, 5)
    await running(store, 1)
    ann = await agent(store)
    assert await store.abandon_account(1, since=NOW) == (0, 0)
    kinds = [
        Disposition.ANSWERED_PERSON,
        Disposition.ABANDONED,
        Disposition.VOICEMAIL,
        Disposition.ANSWERED_PERSON,
        Disposition.HUNG_UP,
    ]
    await take(store, 1, ids(5))
    for attempt_id, kind in zip(ids(5), kinds, strict=True):
        await talked(store, attempt_id, ann, disposition=kind)
    await take(store, 2, ["z"])
    await talked(store, "z", None, disposition=Disposition.ABANDONED)
    assert await store.abandon_account(1, since=NOW) == (3, 1)
    assert await store.abandon_account(1, since=NOW + timedelta(microseconds=1)) == (0, 0)
    facts = await store.call_facts(1, since=NOW, until=at(9), zone="UTC")
    assert (facts.persons, facts.abandoned) == (3, 1)
    assert await store.abandon_account(9, since=NOW) == (0, 0)


async def test_what_supervisors_ask_for_is_noted(store: SqlStore) -> None:
    ann = await agent(store)
    with acting_as("user:sue"):
        await store.note_supervision(
            ann.id, "listened", {"phone_of": HOSTILE, "state": "talking"}, campaign_id=1, now=NOW
        )
    last = (await store.audit(kind="agent"))[0]
    assert (last.action, last.subject, last.actor) == ("agent.listened", "ann", "user:sue")
    assert (last.campaign_id, last.at) == (1, NOW)
    assert last.after == {"phone_of": HOSTILE, "state": "talking"}
    with pytest.raises(NotFound):
        await store.note_supervision(999, "listened", {}, now=NOW)
    assert (await store.audit(kind="agent"))[0] == last


async def test_what_is_under_way_lasts_as_long_as_the_shift(store: SqlStore, url: str) -> None:
    await draft(store)
    ann, bob = await on_shift(store), await on_shift(store, "bob")
    busy = InHand('lunch, "at last" \u674e', "PJSIP/bob \0", True)
    await store.note_spans([span(ann, S.READY, 1)], {ann.id: busy, 99: busy})
    async with opened(url) as other:
        of_ann, of_bob = await other.live_shifts()
    assert of_ann.in_hand == replace(busy, consulting="PJSIP/bob ?")
    assert (of_ann.span.state, of_bob.in_hand) == (S.READY, InHand())
    await store.note_spans([], {ann.id: InHand()})
    assert [one.in_hand for one in await store.live_shifts()] == [InHand(), InHand()]
    await store.note_spans([], {bob.id: busy})
    await store.note_spans([span(bob, S.OFFLINE, 5)])
    await store.begin_shift(bob.id, 1, span(bob, S.PAUSED, 6))
    assert (await store.live_shifts())[1].in_hand == InHand()


async def test_a_note_waits_for_the_end_of_its_call(store: SqlStore, url: str) -> None:
    await running(store, 2)
    ann, bob = await agent(store), await agent(store, "bob")
    await take(store, 1, ["a", "b"])
    await store.mark_dialing(["a"], now=NOW)
    first = CallNote("a", ann.id, at(1), "no", {"size": "m"}, at(99), True)
    with acting_as("page:ann"):
        first = await store.keep_note(first)
        again = await store.keep_note(CallNote("a", ann.id, at(2), "sale", {"why": "\0 \ud83d"}))
    other = await store.keep_note(CallNote("a", bob.id, at(3), callback_at=at(50)))
    assert first.id < again.id < other.id
    async with opened(url) as later:
        assert await later.call_notes() == await later.call_notes("a") == [again, other]
    assert await store.call_notes("b") == []
    assert (first.callback_agent_id, other.callback_agent_id) == (ann.id, None)
    entry = next(e for e in await entries(store, kind="call") if e.at == at(2))
    assert (entry.action, entry.actor, entry.subject) == ("call.outcome_noted", "page:ann", "a")
    assert (entry.before, entry.after) == (
        {"outcome": "no"},
        {"outcome": "sale", "variables_set": ["why"]},
    )
    await talked(store, "a", ann)
    assert await store.call_notes() == [again, other], "nobody took them in"
    with pytest.raises(Conflict, match="ended"):
        await store.keep_note(again)
    with pytest.raises(NotFound):
        await store.keep_note(replace(again, attempt_id="z"))
    await store.revise(Revision("a", outcome="sale", note_ids=(again.id,)), now=at(99))
    assert await store.call_notes() == [other]
    await store.revise(Revision("a", note_ids=(other.id,)), now=at(99))
    assert await store.call_notes() == []


async def test_notes_go_in_the_transaction_that_ends_the_call(store: SqlStore) -> None:
    await running(store, 3)
    ann = await agent(store)
    await take(store, 1, ["a", "b", "c"])
    kept = {i: await store.keep_note(CallNote(i, ann.id, at(1), "sale")) for i in "abc"}
    await store.mark_dialing(["a"], now=NOW)
    end = AttemptChange(
        "a",
        (AttemptEvent.ANSWERED, AttemptEvent.ENDED),
        at(60),
        disposition=Disposition.ANSWERED_PERSON,
        contact=ContactChange(ContactEvent.FINISHED),
        outcome="sale",
        note_ids=(kept["a"].id,),
    )
    released = ContactChange(ContactEvent.RELEASED, at(70))
    refused = replace(end, attempt_id="c", note_ids=(kept["c"].id,))
    results = await store.apply(
        [end, AttemptChange("b", (AttemptEvent.NOT_PLACED,), at(60), contact=released), refused]
    )
    assert [one.problem is None for one in results] == [True, True, False]
    assert await store.call_notes() == [kept["c"]]
    assert (await store.attempt("a")).outcome == "sale"
    (again,) = await store.apply([end])
    assert again.problem is not None
    assert await store.call_notes() == [kept["c"]]
