"""Who the agents are, for which campaigns they work, what they did, and who supervises them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from database_kit import make_database

from callcamp.core.agent_settings import QUEUED, AgentSettings, DialMethod
from callcamp.core.agents import Agent, AgentPhone, AgentSpan, AgentState, PhoneKind
from callcamp.core.campaign_settings import CampaignSettings
from callcamp.engine.agent_checks import missing_agents
from callcamp.engine.agents.roster import Roster
from callcamp.engine.agents.supervision import Supervision
from callcamp.engine.agents.views import AgentCallView, AgentView
from callcamp.engine.agents.work_file import as_csv, as_xlsx, table_of
from callcamp.engine.commands import Commands
from callcamp.errors import Conflict, InvalidInput, NotFound, PreconditionsMissing
from callcamp.ports import acting_as
from callcamp.ports.switchboard import SpyMode
from callcamp.settings import Settings
from callcamp.store import SqlStore

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
S = AgentState


class House:
    """A store with a trunk and a campaign with agents, and the use-cases on them."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.told = 0
        self.roster = Roster(store, Settings(), lambda: NOW, self._tell)
        self.commands = Commands(store, clock=lambda: NOW)
        self.campaign_id = 0

    def _tell(self) -> None:
        self.told += 1

    async def audit(self) -> list[tuple[str, str, Any]]:
        found = await self.store.audit(kind="agent")
        return [(one.action, one.subject, one.after) for one in reversed(found)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    url = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    make_database(url)
    store = SqlStore(url)
    await store.open()
    house = House(store)
    trunk = await store.save_trunk(
        "carrier", dial_string="PJSIP/{number}@carrier", cps=1, max_channels=None
    )
    campaign = await house.commands.create_campaign(
        CampaignSettings(
            "Spring", trunk.id, agents=AgentSettings(DialMethod.PROGRESSIVE, safe_harbour="sorry")
        )
    )
    house.campaign_id = campaign.id
    yield house
    await store.close()


async def test_a_new_agent_has_the_phone_of_its_page(house: House) -> None:
    agent = await house.roster.save_agent("anna", display_name="Anna Ö", new=True)
    assert agent.phone == AgentPhone(PhoneKind.BROWSER, "anna")
    assert agent.active
    assert await house.roster.agents() == [agent]
    assert await house.roster.agent("anna") == agent
    assert house.told == 1
    with pytest.raises(InvalidInput, match="already") as caught:
        await house.roster.save_agent("anna", new=True)
    assert caught.value.details["field"] == "name"


async def test_what_is_not_given_stays(house: House) -> None:
    await house.roster.save_agent("bob", kind=PhoneKind.SIP, address="desk-7", display_name="Bob")
    changed = await house.roster.save_agent("bob", active=False, new=False)
    assert changed.phone == AgentPhone(PhoneKind.SIP, "desk-7")
    assert (changed.display_name, changed.active) == ("Bob", False)
    browser = await house.roster.save_agent("bob", kind=PhoneKind.BROWSER)
    assert browser.phone == AgentPhone(PhoneKind.BROWSER, "desk-7")
    assert not browser.active
    nameless = await house.roster.save_agent("bob", display_name="")
    assert nameless.display_name == ""
    with pytest.raises(NotFound):
        await house.roster.save_agent("nobody", new=False)


async def test_an_external_number_goes_over_a_trunk(house: House) -> None:
    trunk = (await house.store.trunks())[0]
    far = {"kind": PhoneKind.EXTERNAL, "address": "202 555 0188", "region": "us"}
    agent = await house.roster.save_agent("gus", **far)
    assert agent.phone == AgentPhone(PhoneKind.EXTERNAL, "+12025550188", trunk.id)
    await house.commands.save_trunk("second", dial_string="PJSIP/{number}@b", cps=1)
    assert (await house.roster.save_agent("gus", address="+12025550189")).phone == AgentPhone(
        PhoneKind.EXTERNAL, "+12025550189", trunk.id
    )
    with pytest.raises(InvalidInput, match="carrier, second"):
        await house.roster.save_agent("far", **far)
    moved = await house.roster.save_agent("gus", trunk="second")
    assert moved.phone.trunk_id != trunk.id
    assert moved.phone.address == "+12025550189"
    back = await house.roster.save_agent("gus", kind=PhoneKind.SIP)
    assert back.phone == AgentPhone(PhoneKind.SIP, "gus")
    with pytest.raises(InvalidInput, match="needs its number"):
        await house.roster.save_agent("gus", kind=PhoneKind.EXTERNAL, trunk="second")


async def test_two_agents_cannot_share_a_phone(house: House) -> None:
    await house.roster.save_agent("anna", kind=PhoneKind.SIP, address="desk-7")
    with pytest.raises(InvalidInput, match="phone of the agent anna") as caught:
        await house.roster.save_agent("bob", address="desk-7")
    assert caught.value.details["field"] == "address"
    bob = await house.roster.save_agent("bob", address="desk-7", active=False)
    with pytest.raises(InvalidInput, match="anna"):
        await house.roster.save_agent("bob", active=True)
    await house.roster.save_agent("anna", active=False)
    assert (await house.roster.save_agent("bob", active=True)).phone == bob.phone
    assert (await house.roster.save_agent("bob", display_name="Bob")).display_name == "Bob"
    far = {"kind": PhoneKind.EXTERNAL, "address": "+12025550188"}
    await house.roster.save_agent("gus", **far)
    with pytest.raises(InvalidInput, match="gus"):
        await house.roster.save_agent("far", **far)


@pytest.mark.parametrize(
    ("name", "values", "field"),
    [
        ("", {}, "name"),
        ("Anna", {}, "name"),
        (".", {}, "name"),
        ("..", {}, "name"),
        ("a b", {}, "name"),
        ("a\n", {}, "name"),
        ("a/b", {}, "name"),
        ("ä", {}, "name"),
        ("x" * 65, {}, "name"),
        ("anna", {"address": "a b"}, "address"),
        ("anna", {"address": "PJSIP/x"}, "address"),
        ("anna", {"address": "x,y"}, "address"),
        ("anna", {"trunk": "carrier"}, "trunk"),
        ("anna", {"kind": PhoneKind.EXTERNAL, "address": "12"}, "address"),
        ("anna", {"kind": PhoneKind.EXTERNAL, "address": "+12025550188", "trunk": "x"}, "trunk"),
        ("anna", {"display_name": "a\nb"}, "display_name"),
        ("anna", {"display_name": "x" * 201}, "display_name"),
    ],
)
async def test_what_cannot_be_is_refused(
    house: House, name: str, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await house.roster.save_agent(name, **values)
    assert caught.value.details["field"] == field
    assert await house.roster.agents() == []
    assert house.told == 0


async def test_agents_join_and_leave_campaigns(house: House) -> None:
    for name in ("anna", "bob", "cid"):
        await house.roster.save_agent(name)
    number = house.campaign_id
    assert await house.roster.add_to_campaign(number, ["bob", "anna", "bob"]) == 2
    assert await house.roster.add_to_campaign(number, ["bob", "cid"]) == 1
    assert [a.name for a in await house.roster.campaign_agents(number)] == ["anna", "bob", "cid"]
    assert await house.roster.campaigns_of("anna") == [number]
    assert await house.roster.remove_from_campaign(number, ["anna", "bob"]) == 2
    assert await house.roster.remove_from_campaign(number, ["anna"]) == 0
    assert [a.name for a in await house.roster.campaign_agents(number)] == ["cid"]
    for refused in (
        house.roster.add_to_campaign(999, ["anna"]),
        house.roster.add_to_campaign(number, ["anna", "nobody"]),
        house.roster.remove_from_campaign(number, ["NOBODY\0"]),
        house.roster.campaign_agents(999),
        house.roster.campaigns_of("nobody"),
    ):
        with pytest.raises(NotFound):
            await refused
    with pytest.raises(InvalidInput, match="name 1 to"):
        await house.roster.add_to_campaign(number, [])
    assert [a.name for a in await house.roster.campaign_agents(number)] == ["cid"]


async def test_a_campaign_with_agents_starts_with_an_active_one(house: House) -> None:
    from callcamp.core.model import NewContact

    number = house.campaign_id
    await house.store.add_contacts(number, [NewContact("+12025550100")], now=NOW)
    missing = await house.commands.missing(number)
    assert list(missing) == ["agents"]
    await house.roster.save_agent("anna", active=False)
    await house.roster.add_to_campaign(number, ["anna"])
    with pytest.raises(PreconditionsMissing) as caught:
        await house.commands.start(number)
    assert list(caught.value.details["missing"]) == ["agents"]
    await house.roster.save_agent("anna", active=True)
    await house.commands.start(number)


async def test_dispositions_have_to_exist(house: House) -> None:
    campaign = await house.store.campaign(house.campaign_id)
    settings = CampaignSettings(
        "Spring", campaign.settings.trunk_id, agents=AgentSettings(outcomes=("sold",))
    )
    with pytest.raises(InvalidInput, match="no such disposition"):
        await house.commands.create_campaign(settings)
    with pytest.raises(InvalidInput, match="no such disposition"):
        await house.commands.change_settings(campaign.id, settings, expected_version=1)
    await house.commands.lists.save_outcome("sold")
    await house.commands.create_campaign(settings)


async def shift(house: House, agent: Agent) -> None:
    """Four hours of work before NOW."""
    number = house.campaign_id

    def span(state: AgentState, ago_s: float, reason: str = "") -> AgentSpan:
        at = NOW - timedelta(seconds=ago_s)
        return AgentSpan(agent.id, number, state, at, reason=reason)

    await house.store.begin_shift(agent.id, number, span(S.PAUSED, 14400, "not ready yet"))
    await house.store.note_spans(
        [span(S.READY, 14300), span(S.TALKING, 10000), span(S.WRAP_UP, 4000)]
    )
    await house.store.note_spans([span(S.PAUSED, 3000, "lunch"), span(S.READY, 1000)])


async def test_the_report_tells_what_was_done(house: House) -> None:
    anna = await house.roster.save_agent("anna", display_name="=Anna")
    await house.roster.save_agent("bob")
    await shift(house, anna)
    since, until, rows = await house.roster.work()
    assert (since, until) == (NOW - timedelta(days=1), NOW)
    (row,) = [one for one in rows if one.agent.name == "anna"]
    plain = row.as_dict()
    assert plain["logged_in_s"] == 14400
    assert plain["seconds"]["talking"] == 6000
    assert plain["seconds"]["ready"] == 5300
    assert plain["seconds"]["ringing"] == 0
    assert plain["pauses"] == {"not ready yet": 100, "lunch": 2000}
    assert plain["occupancy"] == pytest.approx(7000 / 12300)
    assert plain["campaign"] is None
    _, _, parts = await house.roster.work(
        since=NOW - timedelta(seconds=5000),
        until=NOW + timedelta(days=9),
        campaign_id=house.campaign_id,
        name="anna",
        per_campaign=True,
    )
    (part,) = parts
    assert part.campaign == "Spring"
    assert part.as_dict()["logged_in_s"] == 5000
    assert part.as_dict()["seconds"]["talking"] == 1000


async def test_the_report_as_a_file_cannot_be_mistaken(house: House) -> None:
    anna = await house.roster.save_agent("anna", display_name="=1+1")
    await shift(house, anna)
    _, _, rows = await house.roster.work()
    header, cells = table_of(rows)
    assert len(header) == len(cells[0])
    assert "paused: lunch (s)" in header
    text = as_csv(rows).decode("utf-8-sig")
    assert "'=1+1" in text
    assert text.splitlines()[0].startswith("agent,name,campaign,logged_in_s")
    sheet = openpyxl.load_workbook(io.BytesIO(as_xlsx(rows))).active
    assert sheet is not None
    assert [cell.value for cell in sheet[1]] == header
    assert sheet["B2"].value == "=1+1"
    assert sheet["B2"].data_type == "s"
    assert sheet.cell(2, header.index("talking_s") + 1).value == 6000
    assert as_xlsx([])
    assert as_csv([])


async def test_a_period_has_to_be_one(house: House) -> None:
    for since, until in ((NOW, NOW), (NOW + timedelta(1), NOW), (NOW - timedelta(400), NOW)):
        with pytest.raises(InvalidInput, match="ends after it begins"):
            await house.roster.work(since=since, until=until)
    with pytest.raises(NotFound):
        await house.roster.work(name="nobody")
    with pytest.raises(NotFound):
        await house.roster.work(campaign_id=999)


async def test_who_has_worked_is_kept(house: House) -> None:
    anna = await house.roster.save_agent("anna")
    await house.roster.save_agent("bob")
    await shift(house, anna)
    with pytest.raises(Conflict):
        await house.roster.delete_agent("anna")
    await house.roster.delete_agent("bob")
    assert [agent.name for agent in await house.roster.agents()] == ["anna"]
    with pytest.raises(NotFound):
        await house.roster.delete_agent("bob")


async def test_a_phone_has_a_secret_that_can_be_renewed(house: House) -> None:
    await house.roster.save_agent("anna")
    first = await house.roster.phone_secret("anna")
    second = await house.roster.renew_phone_secret("anna")
    assert second != first
    assert await house.roster.phone_secret("anna") == second
    assert first not in str(await house.audit())
    assert second not in str(await house.audit())
    with pytest.raises(NotFound):
        await house.roster.phone_secret("bob")


class Desk:
    """Agents at work as a supervisor needs them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.seen: dict[str, AgentView] = {}
        self.done: list[tuple[Any, ...]] = []
        self.refuse = False

    def view(self, name: str) -> AgentView:
        if name not in self.seen:
            raise NotFound(f"There is no agent {name!r}.", kind="agent", key=name)
        return self.seen[name]

    async def _do(self, *order: Any) -> AgentView:
        if self.refuse:
            raise Conflict("The agent does not talk.")
        self.done.append(order)
        return self.view(order[1])

    async def spy(self, name: str, mode: SpyMode, supervisor: str) -> AgentView:
        return await self._do("spy", name, mode, supervisor)

    async def take_over(self, name: str, supervisor: str) -> AgentView:
        return await self._do("take_over", name, supervisor)

    async def force_pause(self, name: str, reason: str) -> AgentView:
        return await self._do("pause", name, reason)

    async def force_log_out(self, name: str) -> AgentView:
        return await self._do("log_out", name)


async def test_supervisors_do_nothing_without_a_line_in_the_audit(house: House) -> None:
    desk = Desk(house)
    for name in ("anna", "sue"):
        agent = await house.roster.save_agent(name)
        call = AgentCallView("att-1", house.campaign_id, 1, "+12025550100", {})
        desk.seen[name] = AgentView(agent, S.TALKING, NOW, campaign_id=house.campaign_id, call=call)
    before = len(await house.audit())
    supervision = Supervision(desk, house.store, lambda: NOW)
    with acting_as("user:sue"):
        for mode in SpyMode:
            await supervision.spy("anna", mode, "sue")
        await supervision.take_over("anna", "sue")
        await supervision.pause("anna", "training")
        desk.refuse = True
        with pytest.raises(Conflict):
            await supervision.log_out("anna")
    told = (await house.audit())[before:]
    assert [action for action, _, _ in told] == [
        "agent.listened",
        "agent.whispered",
        "agent.barged_in",
        "agent.taken_over",
        "agent.paused",
        "agent.logged_out",
    ]
    assert {subject for _, subject, _ in told} == {"anna"}
    assert told[0][2] == {"attempt_id": "att-1", "phone_of": "sue", "state": "talking"}
    assert told[4][2]["reason"] == "training"
    entry = (await house.store.audit(kind="agent"))[0]
    assert (entry.actor, entry.campaign_id) == ("user:sue", house.campaign_id)
    assert [order[0] for order in desk.done] == ["spy", "spy", "spy", "take_over", "pause"]


async def test_what_cannot_be_supervised_leaves_no_line(house: House) -> None:
    desk = Desk(house)
    agent = await house.roster.save_agent("anna")
    desk.seen["anna"] = AgentView(agent, S.READY, NOW)
    before = await house.audit()
    supervision = Supervision(desk, house.store, lambda: NOW)
    for refused in (
        supervision.spy("anna", SpyMode.LISTEN, "sue"),
        supervision.spy("bob", SpyMode.LISTEN, "anna"),
        supervision.take_over("anna", "sue"),
        supervision.pause("bob", "x"),
        supervision.log_out("bob"),
    ):
        with pytest.raises(NotFound):
            await refused
    with pytest.raises(InvalidInput):
        await supervision.pause("anna", " ")
    assert await house.audit() == before
    assert desk.done == []


def test_nobody_is_dialled_who_could_meet_silence() -> None:
    """Where a person may answer and no agent be free, the message has to be there first."""
    for method in DialMethod:
        missing = missing_agents(AgentSettings(method), 1)
        assert ("agents.safe_harbour" in missing) is (method in QUEUED), method
        assert not missing_agents(AgentSettings(method, safe_harbour="sorry"), 1)
