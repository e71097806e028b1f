"""The phone of an agent's page: what it needs to reach Asterisk, for that agent alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from callcamp.core.permissions import LOCAL, Permission
from callcamp.engine.agents.softphones import Softphone, Softphones
from callcamp.http.auth import NotAllowed
from callcamp.http.context import SETTINGS
from callcamp.http.peer import principal_of
from callcamp.http.rest.fields import Moment, Out, Query
from callcamp.http.rest.route import Call, Reply, RestRoute

_PHONE = "/api/v1/agents/{name:[a-z0-9._-]{1,64}}/phone"


class IceServerOut(Out):
    """A STUN or TURN server, as browsers want it told."""

    urls: str
    username: str
    credential: str


class SoftphoneOut(Out):
    """What the browser phone of an agent needs."""

    ws_url: Annotated[str, Field(examples=["wss://pbx.example.com/ws"])]
    sip_uri: str
    password: str
    ice_servers: list[IceServerOut]
    codecs: list[str]
    expires_at: Moment


def _phones(call: Call[Query, None]) -> Softphones:
    """Return the use-cases, once it is clear that the agent asks for the agent's own phone.

    Raises:
        NotAllowed: somebody else asks.
    """
    principal = principal_of(call.request)
    if principal is not LOCAL and principal.actor != f"user:{call.key('name')}":
        raise NotAllowed(
            "A phone's password is for its own agent only.", needed=Permission.AGENT.value
        )
    engine = call.engine
    return Softphones(engine.store, call.request.app[SETTINGS], engine.clock.now)


def _reply(found: Softphone) -> Reply:
    return Reply(SoftphoneOut.model_validate(found))


async def phone(call: Call[Query, None]) -> Reply:
    """Show what an agent's own browser phone needs."""
    return _reply(await _phones(call).softphone(call.key("name")))


async def renew_secret(call: Call[Query, None]) -> Reply:
    """Give an agent's own browser phone a new password."""
    return _reply(await _phones(call).renew(call.key("name")))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", _PHONE, phone, Permission.AGENT,
        "What an agent's own browser phone needs, its password too", SoftphoneOut, secret=True,
        also=(409,),
    ),
    RestRoute(
        "POST", f"{_PHONE}/secret", renew_secret, Permission.AGENT,
        "Give an agent's own browser phone a new password", SoftphoneOut, secret=True,
    ),
)  # fmt: skip
