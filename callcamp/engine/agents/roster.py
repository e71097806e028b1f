"""The roster: who the agents are, for which campaigns they work, and what they have done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from callcamp.core.agents import Agent, AgentPhone, AgentState, PhoneKind
from callcamp.engine.phones import need_number
from callcamp.engine.values import check_text, shorten
from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import Store
from callcamp.ports.agents import AgentWork
from callcamp.settings import Settings

NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,63}"
"""What the name of an agent is like: that of an account."""
MOST_PERIOD = timedelta(days=366)
"""The longest period of a report."""
MOST_AT_ONCE = 1000
"""Agents that join or leave a campaign at once, at most."""

WORKED_STATES = tuple(state for state in AgentState if state is not AgentState.OFFLINE)
"""States in which time is counted."""

_NAME = re.compile(NAME_PATTERN, re.ASCII)
_ENDPOINT = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A line of the report on agents.

    Args:
        agent: whose work.
        work: what was done in the period.
        campaign: name of the campaign (None: all of them together).
    """

    agent: Agent
    work: AgentWork
    campaign: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the line as plain JSON values, seconds rounded to tenths."""
        work = self.work
        return {
            "agent": self.agent.name,
            "display_name": self.agent.display_name,
            "campaign_id": work.campaign_id,
            "campaign": self.campaign,
            "logged_in_s": round(work.logged_in_s, 1),
            "seconds": {s.value: round(work.seconds.get(s, 0.0), 1) for s in WORKED_STATES},
            "pauses": {reason: round(s, 1) for reason, s in work.pauses.items()},
            "occupancy": work.occupancy,
            "calls": work.calls,
            "missed": work.missed,
            "dispositions": {d.value: n for d, n in work.dispositions.items()},
            "outcomes": dict(work.outcomes),
        }


class Roster:
    """Use-cases on agents; they need a store and nothing else.

    Args:
        store: where agents are kept.
        settings: what the deployment allows.
        clock: returns now, aware UTC.
        on_change: called after a change, to tell the desk.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Callable[[], datetime],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._on_change = on_change

    async def save_agent(
        self,
        name: str,
        *,
        kind: PhoneKind | None = None,
        address: str | None = None,
        trunk: str | None = None,
        region: str | None = None,
        active: bool | None = None,
        display_name: str | None = None,
        new: bool | None = None,
    ) -> Agent:
        """Add an agent, or change one; None leaves a value as it is.

        Args:
            name: the name of the agent's account.
            kind: how the agent is reached; a new agent by the phone of the agent page.
            address: PJSIP endpoint, or the number of an external phone; a new agent with a
                phone of PJSIP: the endpoint named after the agent.
            trunk: over which trunk an external number is called, by its name; may be left out
                when there is one.
            region: country of an external number written without one.
            active: whether the agent may log in; a new one may.
            display_name: shown to people.
            new: True: there must be none of this name yet; False: there must be one.

        Raises:
            InvalidInput: a value is unusable.
            NotFound: there is no such agent, or no such trunk.
        """
        self.check_name(name)
        before = await self._find(name)
        if new and before is not None:
            raise InvalidInput(
                f"There is an agent {name} already; change it, or choose another name.",
                field="name",
                value=name,
            )
        if new is False and before is None:
            raise _no_agent(name)
        if display_name:
            check_text("display_name", display_name, 200)
        phone = await self._phone(
            name, before, kind=kind, address=address, trunk=trunk, region=region
        )
        works = active if active is not None else before is None or before.active
        if works:
            await self._check_own_phone(name, phone)
        saved = await self._store.save_agent(
            name,
            phone=phone,
            active=works,
            display_name=display_name
            if display_name is not None
            else ("" if before is None else before.display_name),
            now=self._clock(),
        )
        self._on_change()
        return saved

    async def _check_own_phone(self, name: str, phone: AgentPhone) -> None:
        """Make sure that no other active agent has this phone: a queue knows members by it."""
        external = phone.kind is PhoneKind.EXTERNAL
        for other in await self._store.agents():
            its = other.phone
            if other.name == name or not other.active or its.address != phone.address:
                continue
            if (its.kind is PhoneKind.EXTERNAL) is external:
                raise InvalidInput(
                    f"address is {shorten(phone.address)}, which is the phone of the agent "
                    f"{other.name}; two agents cannot share one: give another, or make "
                    f"{other.name} inactive first.",
                    field="address",
                    value=phone.address,
                )

    async def _phone(
        self,
        name: str,
        before: Agent | None,
        *,
        kind: PhoneKind | None,
        address: str | None,
        trunk: str | None,
        region: str | None,
    ) -> AgentPhone:
        old = before.phone if before is not None else AgentPhone(PhoneKind.BROWSER, name)
        kind = kind or old.kind
        moved = PhoneKind.EXTERNAL in {kind, old.kind} and kind is not old.kind
        if kind is not PhoneKind.EXTERNAL:
            if trunk is not None:
                raise InvalidInput(
                    "Only an external number is called over a trunk; leave the trunk out.",
                    field="trunk",
                    value=trunk,
                )
            endpoint = address or (name if moved else old.address)
            if not _ENDPOINT.fullmatch(endpoint):
                raise InvalidInput(
                    f"address is {shorten(endpoint)}; give the name of a PJSIP endpoint: 1 to "
                    "64 letters, digits, dots, underscores and hyphens.",
                    field="address",
                    value=endpoint,
                )
            return AgentPhone(kind, endpoint)
        if address is None and moved:
            raise InvalidInput(
                "An external phone needs its number; give it as address.",
                field="address",
                value=None,
            )
        number = need_number(address, region, "address") if address is not None else old.address
        if trunk is None and not moved and old.trunk_id is not None:
            return AgentPhone(kind, number, old.trunk_id)
        return AgentPhone(kind, number, await self._trunk(trunk))

    async def _trunk(self, name: str | None) -> int:
        trunks = await self._store.trunks()
        if name is None and len(trunks) == 1:
            return trunks[0].id
        for one in trunks:
            if one.name == name:
                return one.id
        known = ", ".join(one.name for one in trunks) or "none yet"
        raise InvalidInput(
            f"An external number is called over a trunk; name one of them: {known}.",
            field="trunk",
            value=name,
        )

    async def agents(self) -> list[Agent]:
        """Return all agents by name."""
        return await self._store.agents()

    async def agent(self, name: str) -> Agent:
        """Return the agent called ``name``.

        Raises:
            NotFound: there is none.
        """
        found = await self._find(name)
        if found is None:
            raise _no_agent(name)
        return found

    async def delete_agent(self, name: str) -> None:
        """Delete an agent who has never worked.

        Raises:
            NotFound: there is none.
            Conflict: the agent has worked; make it inactive instead.
        """
        await self._store.delete_agent((await self.agent(name)).name, now=self._clock())
        self._on_change()

    async def campaigns_of(self, name: str) -> list[int]:
        """Return the ids of the campaigns that an agent may work for.

        Raises:
            NotFound: there is no such agent.
        """
        return await self._store.agent_campaigns((await self.agent(name)).id)

    async def campaign_agents(self, campaign_id: int) -> list[Agent]:
        """Return the agents who may work for a campaign, by name.

        Raises:
            NotFound: there is no such campaign.
        """
        await self._store.campaign(campaign_id)
        return await self._store.campaign_agents(campaign_id)

    async def add_to_campaign(self, campaign_id: int, names: Iterable[str]) -> int:
        """Let agents work for a campaign, also while it runs; returns how many did not yet.

        Raises:
            NotFound: there is no such campaign, or one of the agents does not exist.
            InvalidInput: none or too many are named.
        """
        ids = await self._ids(campaign_id, names)
        count = await self._store.add_campaign_agents(campaign_id, ids, now=self._clock())
        self._on_change()
        return count

    async def remove_from_campaign(self, campaign_id: int, names: Iterable[str]) -> int:
        """Let agents not work for a campaign any more; returns how many did.

        Whoever is in a call finishes it.

        Raises:
            NotFound: there is no such campaign, or one of the agents does not exist.
            InvalidInput: none or too many are named.
        """
        ids = await self._ids(campaign_id, names)
        count = await self._store.remove_campaign_agents(campaign_id, ids, now=self._clock())
        self._on_change()
        return count

    async def _ids(self, campaign_id: int, names: Iterable[str]) -> list[int]:
        await self._store.campaign(campaign_id)
        wanted = list(dict.fromkeys(names))
        if not 1 <= len(wanted) <= MOST_AT_ONCE:
            raise InvalidInput(
                f"{len(wanted)} agents are named; name 1 to {MOST_AT_ONCE}.",
                field="agents",
                value=len(wanted),
            )
        known = {agent.name: agent.id for agent in await self._store.agents()}
        for name in wanted:
            if name not in known:
                raise _no_agent(name)
        return [known[name] for name in wanted]

    async def phone_secret(self, name: str) -> str:
        """Return the SIP password of an agent's phone.

        Raises:
            NotFound: there is no such agent.
        """
        return await self._store.phone_secret((await self.agent(name)).id)

    async def renew_phone_secret(self, name: str) -> str:
        """Make a new SIP password for an agent's phone and return it.

        Raises:
            NotFound: there is no such agent.
        """
        agent = await self.agent(name)
        secret = await self._store.renew_phone_secret(agent.id, now=self._clock())
        self._on_change()
        return secret

    async def work(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        campaign_id: int | None = None,
        name: str | None = None,
        per_campaign: bool = False,
    ) -> tuple[datetime, datetime, list[WorkRow]]:
        """Return what agents did in a period, by their names, and the period.

        Args:
            since: from when (None: the 24 hours before ``until``).
            until: up to when (None, or later than that: now).
            campaign_id: work for this campaign only.
            name: of this agent only.
            per_campaign: a line for every campaign of an agent; else one for all together.

        Raises:
            NotFound: there is no such campaign, or no such agent.
            InvalidInput: the period is empty, or longer than a year.
        """
        now = self._clock()
        end = now if until is None else min(until, now)
        begin = since or end - timedelta(days=1)
        if not begin < end <= begin + MOST_PERIOD:
            raise InvalidInput(
                f"since is {begin.isoformat()} and until is {end.isoformat()}; give a period of "
                f"at most {MOST_PERIOD.days} days that ends after it begins.",
                field="since",
                value=begin.isoformat(),
            )
        if campaign_id is not None:
            await self._store.campaign(campaign_id)
        agent_id = None if name is None else (await self.agent(name)).id
        found = await self._store.agent_work(
            since=begin,
            until=end,
            campaign_id=campaign_id,
            agent_id=agent_id,
            per_campaign=per_campaign,
        )
        agents = {agent.id: agent for agent in await self._store.agents()}
        titles = {c.id: c.settings.name for c in await self._store.campaigns()}
        rows = [
            WorkRow(
                agents[work.agent_id],
                work,
                None if work.campaign_id is None else titles.get(work.campaign_id, ""),
            )
            for work in found
            if work.agent_id in agents
        ]
        return begin, end, rows

    def check_name(self, name: str) -> None:
        """Make sure that an agent can have this name.

        Raises:
            InvalidInput: it cannot.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"name is {shorten(name)}; give 1 to 64 small letters, digits, dots, underscores "
                "and hyphens, a letter or digit first: the name of the agent's account.",
                field="name",
                value=name,
            )

    async def _find(self, name: str) -> Agent | None:
        if not _NAME.fullmatch(name):
            return None
        try:
            return await self._store.agent(name)
        except NotFound:
            return None


def _no_agent(name: str) -> NotFound:
    return NotFound(
        f"There is no agent {shorten(name)}; `callcamp agent list` and the page Agents show all.",
        kind="agent",
        key=name,
    )
