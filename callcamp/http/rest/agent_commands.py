"""What agents do themselves: an account may act as the agent of its own name only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import BaseModel, Field

from callcamp.core.permissions import Permission
from callcamp.engine.agents.views import AgentView, WrapUpNote
from callcamp.http.agents_context import check_own
from callcamp.http.needs import AgentsLike
from callcamp.http.rest.agents import AGENT, AgentLive, PauseIn, agent_name, live_out
from callcamp.http.rest.fields import Id, In, Instant, Line64, MaybeLine200, Query
from callcamp.http.rest.route import Call, Reply, RestRoute
from callcamp.ports.switchboard import TransferTo

Command = Callable[[AgentsLike, str, Any], Awaitable[AgentView]]
"""Asks the desk for something: the desk, the agent's name, the body."""


class LogInIn(In):
    """The campaign to work for."""

    campaign_id: Id


class SkipIn(In):
    """Why a contact is passed on."""

    reason: MaybeLine200 = ""


class SwitchIn(In):
    """Whether it is to be so."""

    on: bool


class KeysIn(In):
    """Keys to press."""

    digits: Annotated[str, Field(pattern=r"^[0-9*#]{1,32}$", strict=True, examples=["1"])]


class TransferIn(In):
    """Where the contact goes: a queue, an agent by name, or a number."""

    to: Annotated[TransferTo, Field(strict=False)]
    target: Line64


class FinishIn(In):
    """What came of a call; answers to the script by the names of its elements."""

    attempt_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$", strict=True)]
    outcome: Line64 | None = None
    answers: Annotated[
        dict[str, Annotated[str, Field(max_length=4000)]],
        Field(max_length=200, examples=[{"has_car": "yes"}]),
    ] = Field(default_factory=dict)
    callback_at: Instant | None = None
    callback_mine: bool = False
    unfinished: bool = False


async def finish(desk: AgentsLike, name: str, body: FinishIn) -> AgentView:
    """Note the result of a call."""
    note = WrapUpNote(
        outcome=body.outcome,
        answers=body.answers,
        callback_at=body.callback_at,
        callback_mine=body.callback_mine,
        unfinished=body.unfinished,
    )
    return await desk.finish(name, body.attempt_id, note)


def _route(
    path: str, summary: str, command: Command, body: type[BaseModel] | None = None
) -> RestRoute:
    async def act(call: Call[Query, Any]) -> Reply:
        name = check_own(call.request, agent_name(call))
        return Reply(live_out(await command(call.engine.agents, name, call.body)))

    return RestRoute(
        "POST", f"{AGENT}/{path}", act, Permission.AGENT, summary, AgentLive, body=body
    )


ROUTES: tuple[RestRoute, ...] = (
    _route("log-in", "Begin a shift", lambda d, n, b: d.log_in(n, b.campaign_id), LogInIn),
    _route("log-out", "End the shift", lambda d, n, _: d.log_out(n)),
    _route("ready", "Take calls", lambda d, n, _: d.ready(n)),
    _route("pause", "Take no calls", lambda d, n, b: d.pause(n, b.reason), PauseIn),
    _route("accept", "Have the offered contact dialled", lambda d, n, _: d.accept(n)),
    _route(
        "skip", "Pass the offered contact on", lambda d, n, b: d.skip(n, b.reason), SkipIn
    ),
    _route("hang-up", "End the call", lambda d, n, _: d.hang_up(n)),
    _route(
        "hold", "Let the contact hear music, or not any more", lambda d, n, b: d.hold(n, b.on),
        SwitchIn,
    ),
    _route(
        "mute", "Keep what the agent says from the contact, or not any more",
        lambda d, n, b: d.mute(n, b.on), SwitchIn,
    ),
    _route(
        "keys", "Press keys in the call", lambda d, n, b: d.press_keys(n, b.digits), KeysIn
    ),
    _route(
        "transfer", "Send the contact away without a word",
        lambda d, n, b: d.transfer(n, b.to, b.target), TransferIn,
    ),
    _route(
        "consult", "Talk to a third party while the contact waits",
        lambda d, n, b: d.consult(n, b.to, b.target), TransferIn,
    ),
    _route(
        "consult/complete", "Bring the contact together with the third party",
        lambda d, n, _: d.complete_consult(n),
    ),
    _route(
        "consult/cancel", "End the talk with the third party",
        lambda d, n, _: d.cancel_consult(n),
    ),
    _route("finish", "Note the result of a call", finish, FinishIn),
    _route("call-phone", "Have the own phone called now", lambda d, n, _: d.call_phone(n)),
    _route("test-phone", "Hear the own phone in an echo test", lambda d, n, _: d.test_phone(n)),
)  # fmt: skip
"""Addresses of agents for themselves."""
