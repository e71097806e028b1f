"""Agents' own phones: how a browser reaches Asterisk, and under which password.

Whoever has these values can take an agent's calls: they go to the agent alone, and to the
admin who writes them into Asterisk.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callcamp.core.agents import Agent, PhoneKind
from callcamp.engine.agents.roster import Roster
from callcamp.errors import Conflict
from callcamp.ports import Store
from callcamp.settings import Settings

SIP_DOMAIN = "callcamp.invalid"
"""The host in the SIP address of every phone of ours; Asterisk looks at the name before it."""
CODECS = ("PCMU",)
"""What browser phones and Asterisk speak, as ``asterisk/pjsip_callcamp_agents.conf`` says."""
OWN_KINDS = frozenset({PhoneKind.BROWSER, PhoneKind.SIP})
"""Phones that register with Asterisk as an agent's own."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server.

    Args:
        urls: its address, such as ``turn:turn.example.com:3478``.
        username: of a TURN server: for whom, and until when, as seconds since 1970.
        credential: of a TURN server: the proof that callcamp gave that name.
    """

    urls: str
    username: str = ""
    credential: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Softphone:
    """What the phone of the agent page needs.

    Args:
        ws_url: Asterisk's WebSocket, or a path of callcamp's own host.
        sip_uri: the phone's SIP address.
        password: its SIP password.
        ice_servers: servers that help sound through firewalls.
        codecs: kinds of sound that Asterisk takes.
        expires_at: until when the credentials of TURN servers hold.
    """

    ws_url: str
    sip_uri: str
    password: str = field(repr=False)
    ice_servers: tuple[IceServer, ...]
    codecs: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """What Asterisk has to know of a phone that registers: whose it is, and its password."""

    agent: Agent
    secret: str = field(repr=False)


class Softphones:
    """Use-cases on agents' own phones; they need a store and nothing else.

    Args:
        store: where agents and passwords are kept.
        settings: where Asterisk is for browsers.
        clock: returns now, aware UTC.
    """

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._roster = Roster(store, settings, clock)

    async def softphone(self, name: str) -> Softphone:
        """Return what the browser phone of an agent needs.

        Raises:
            NotFound: there is no such agent.
            Conflict: the agent has another kind of phone, may not log in, or browsers have no
                way to Asterisk.
        """
        agent = await self._roster.agent(name)
        self._check(agent)
        return self._shown(agent, await self._store.phone_secret(agent.id))

    async def renew(self, name: str) -> Softphone:
        """Give the browser phone of an agent a new password.

        The old one is good until Asterisk is told the new one.

        Raises:
            NotFound: there is no such agent.
            Conflict: as :meth:`softphone`.
        """
        agent = await self._roster.agent(name)
        self._check(agent)
        return self._shown(agent, await self._roster.renew_phone_secret(name))

    async def accounts(self) -> list[PhoneAccount]:
        """Return all phones that register with Asterisk, by their agents' names."""
        return [
            PhoneAccount(agent, await self._store.phone_secret(agent.id))
            for agent in await self._store.agents()
            if agent.active and agent.phone.kind in OWN_KINDS
        ]

    def _check(self, agent: Agent) -> None:
        if not agent.active:
            raise Conflict(f"The agent {agent.name} is inactive.", field="active", value=False)
        if agent.phone.kind is not PhoneKind.BROWSER:
            raise Conflict(
                f"The agent {agent.name} has a phone of the kind {agent.phone.kind.value}; run "
                f"`callcamp agent change {agent.name} --phone browser` for the phone of the page.",
                field="phone",
                value=agent.phone.kind.value,
            )
        if not self._settings.phone_ws_url:
            raise Conflict(
                "Browsers have no way to Asterisk yet: set phone_ws_url, see "
                "docs/browser-phone.md.",
                field="phone_ws_url",
                value="",
            )

    def _shown(self, agent: Agent, secret: str) -> Softphone:
        expires_at = self._clock() + timedelta(seconds=self._settings.session_max_s)
        return Softphone(
            ws_url=self._settings.phone_ws_url,
            sip_uri=f"sip:{agent.phone.address}@{SIP_DOMAIN}",
            password=secret,
            ice_servers=tuple(
                self._ice_server(url, agent, expires_at) for url in self._settings.phone_ice_servers
            ),
            codecs=CODECS,
            expires_at=expires_at,
        )

    def _ice_server(self, url: str, agent: Agent, expires_at: datetime) -> IceServer:
        """Return a server with credentials that end by themselves.

        The scheme is that of coturn's ``use-auth-secret`` (draft-uberti-behave-turn-rest):
        whoever knows the shared secret can check the name without asking callcamp.
        """
        secret = self._settings.phone_turn_secret.get_secret_value()
        if not url.startswith("turn") or not secret:
            return IceServer(url)
        username = f"{int(expires_at.timestamp())}:{agent.name}"
        proof = hmac.new(secret.encode(), username.encode(), hashlib.sha1)
        return IceServer(url, username, base64.b64encode(proof.digest()).decode())
