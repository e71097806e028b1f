"""callcamp with agents, as a process of its own that a test can kill.

Two agents talk, one after the other: amy notes the result and asks for a pause, ben talks to
somebody else while the contact waits. Then it says so and goes on until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
import time as time_
from collections.abc import Callable
from datetime import time
from pathlib import Path

from callcamp.app import run_engine
from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import AgentPhone, AgentState, PhoneKind
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow
from callcamp.core.scripts import CallScript, Element, ElementKind
from callcamp.engine import Engine
from callcamp.engine.agents.views import WrapUpNote
from callcamp.engine.contact_commands import RawContact
from callcamp.ports.switchboard import TransferTo
from callcamp.settings import Settings

ENDPOINTS = {"amy": "agent-31", "ben": "agent-32", "cyd": "agent-33"}
NOTE = WrapUpNote("sold", {"size": "m"})
_ALL_WEEK = DailyWindow(start=time(0), end=time(0), weekdays=frozenset(range(7)))
_SCRIPT = CallScript((Element(ElementKind.TEXT, "Which size?", "size"),))


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    limit = time_.monotonic() + 60
    while not condition():
        assert time_.monotonic() < limit
        await asyncio.sleep(0.05)


async def _campaign(engine: Engine, trunk: str, sound: str, phones: list[str]) -> None:
    commands, store, now = engine.commands, engine.store, engine.clock.now()
    way = await commands.save_trunk("callees", dial_string=f"PJSIP/{{number}}@{trunk}", cps=20)
    campaign = await commands.create_campaign(
        CampaignSettings(
            name="killed",
            trunk_id=way.id,
            ring_timeout_s=20,
            window=_ALL_WEEK,
            mode=CampaignMode.MULTI_DAY,
            detect_machines=False,
            default_region="FR",
            agents=AgentSettings(
                method=DialMethod.PROGRESSIVE, safe_harbour=sound, wrap_up_s=60, script=_SCRIPT
            ),
        )
    )
    await commands.add_contacts(campaign.id, [RawContact(phone, {}) for phone in phones])
    for name, endpoint in ENDPOINTS.items():
        agent = await store.save_agent(name, phone=AgentPhone(PhoneKind.SIP, endpoint), now=now)
        await store.add_campaign_agents(campaign.id, [agent.id], now=now)
    for name in ("amy", "ben"):
        await engine.agents.log_in(name, campaign.id)
        await engine.agents.ready(name)
    await commands.start(campaign.id)


async def _work(folder: Path, ami: list[str], trunk: str, sound: str, phones: list[str]) -> None:
    port, username, secret = ami
    settings = Settings(
        database_url=f"sqlite:///{folder}/callcamp.sqlite3",
        data_dir=folder,
        ami_port=int(port),
        ami_username=username,
        ami_secret=secret,
    )
    async with run_engine(settings) as engine:
        desk = engine.agents
        await until(lambda: engine.link_up and engine.tracker.synced)
        await _campaign(engine, trunk, sound, phones)
        for name in ("amy", "ben"):
            await until(lambda who=name: desk.view(who).state is AgentState.TALKING)  # type: ignore[misc]
        call = desk.view("amy").call
        assert call is not None
        await desk.finish("amy", call.attempt_id, NOTE)
        await desk.pause("amy", "lunch")
        await desk.consult("ben", TransferTo.AGENT, "cyd")
        (folder / "ready").write_text(call.attempt_id)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_work(Path(sys.argv[1]), sys.argv[2:5], sys.argv[5], sys.argv[6], sys.argv[7:]))
