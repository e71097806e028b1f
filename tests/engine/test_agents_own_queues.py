"""No two campaigns have their agents in one queue of callcamp's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents_kit import an_agent, staffed, view
from engine_kit import BY_HAND, Bench, bench, until

from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.states import CampaignEvent
from callcamp.errors import StoreError


async def _queues_of(b: Bench, *names: str) -> dict[str, str]:
    """Return the queue in which each agent is a member, when all are in one."""
    ids = {view(b, name).agent.id: name for name in names}

    def members() -> dict[str, str]:
        found = b.switch.board.members.items()
        return {ids[m.agent_id]: queue for (queue, _), m in found if m.agent_id in ids}

    await until(lambda: len(members()) == len(names), "all are in a queue")
    return members()


async def test_agents_of_a_campaign_that_is_not_started_keep_their_queue(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        early = await b.campaign(0, start=False, agents=AgentSettings(method=DialMethod.RATIO))
        bert = await an_agent(b, "bert")
        await b.store.add_campaign_agents(early.id, [bert.id], now=b.clock.now())
        await b.running.agents.log_in("bert", early.id)
        await staffed(b, DialMethod.PROGRESSIVE, contacts=0)
        queues = await _queues_of(b, "anna", "bert")
        assert queues == {"bert": "callcamp-1", "anna": "callcamp-2"}


async def test_a_campaign_that_is_opened_again_does_not_meet_the_people_of_another(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        first = await staffed(b, DialMethod.PROGRESSIVE, contacts=0)
        await b.running.agents.log_out("anna")
        await b.store.move_campaign(first.id, CampaignEvent.EXPIRED, now=b.clock.now())
        await staffed(b, DialMethod.PROGRESSIVE, ("bert",), 0)
        assert await _queues_of(b, "bert") == {"bert": "callcamp-1"}
        await b.store.move_campaign(first.id, CampaignEvent.REOPENED, now=b.clock.now())
        await b.running.agents.log_in("anna", first.id)
        queues = await _queues_of(b, "anna", "bert")
        assert queues == {"bert": "callcamp-1", "anna": "callcamp-2"}


async def test_a_contact_whose_way_to_the_queue_is_not_found_is_given_back(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        failures = 0
        assign_queue = b.store.assign_queue

        async def fails(campaign_id: int, choices: Sequence[str]) -> str:
            nonlocal failures
            if not failures:
                failures += 1
                raise StoreError("The database does not answer.")
            return await assign_queue(campaign_id, choices)

        def claimed(name: str) -> None:
            if name == "claim" and not failures:
                b.running.agents.queueing._queues.clear()
                b.store.assign_queue = fails  # type: ignore[method-assign]

        b.store.after = claimed
        await staffed(b, DialMethod.PROGRESSIVE)
        await b.ordered(1)
        assert failures == 1
