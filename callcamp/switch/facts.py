"""What ``doctor`` wants to know of Asterisk, and when Asterisk was started."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from callcamp.errors import SwitchRefused, SwitchUnavailable
from callcamp.ports import SwitchFacts
from callcamp.switch.contexts import ANSWERED_CONTEXT, NEEDED_CONTEXTS, OWN_QUEUES
from callcamp.switch.wire import Headers

NEEDED_MODULES = (
    "app_amd",
    "app_bridgewait",
    "app_chanspy",
    "app_dial",
    "app_echo",
    "app_exec",
    "app_playback",
    "app_queue",
    "app_read",
    "app_senddtmf",
    "app_softhangup",
    "app_stack",
    "app_userevent",
    "app_verbose",
    "app_waitforsilence",
    "bridge_holding",
    "bridge_simple",
    "chan_pjsip",
    "func_channel",
    "func_cut",
    "func_db",
    "func_devstate",
    "func_global",
    "func_hangupcause",
    "func_logic",
    "func_math",
    "func_sprintf",
    "func_strings",
    "func_timeout",
    "func_uri",
    "func_version",
    "pbx_config",
    "res_musiconhold",
    "res_mutestream",
    "res_pjsip",
    "res_pjsip_header_funcs",
    "res_pjsip_session",
    "res_rtp_asterisk",
)
"""Modules without which calls cannot be placed or our dialplan does not run."""

RIGHT_SHOWN_BY = {
    "originate": "Originate",
    "call": "Setvar",
    "reporting": "ShowDialPlan",
    "system": "ModuleCheck",
    "agent": "QueueAdd",
}
"""Needed write right -> an action that Asterisk lists for those who have it."""

_YOUNG_S = 120.0


class Request(Protocol):
    """How to ask: :meth:`callcamp.switch.session.Session.request`."""

    async def __call__(
        self, action: str, headers: Sequence[tuple[str, str]] = (), *, many: bool = False
    ) -> list[Headers]:
        """Send an action and return its response, or the items of its list."""
        ...


async def started_at(request: Request) -> datetime:
    """Return when Asterisk was started.

    Asterisk tells it in its own local time, to the second, and never says its zone; ours is
    assumed. A wrong zone shifts the instant but still lets two of them be compared.

    Raises:
        SwitchUnavailable: Asterisk has not finished starting.
    """
    (status,) = await request("CoreStatus")
    text = f"{status.get('CoreStartupDate')} {status.get('CoreStartupTime')}"
    try:
        # Naive on purpose: astimezone() then takes it as local time.
        instant = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").astimezone(UTC)
    except (ValueError, OverflowError):
        raise SwitchUnavailable(f"Asterisk does not say when it was started: {text}.") from None
    if instant.year < 2000:
        raise SwitchUnavailable("Asterisk is still starting.")
    return instant


async def check_ready(request: Request) -> datetime:
    """Return when Asterisk was started, once it can take calls.

    Asterisk takes AMI log-ins before its dialplan and its channels are there, and an
    Originate would then be refused. ``FullyBooted`` would say when, but only to users with
    the read right ``system``. So an Asterisk that runs for a short time is asked for what
    our calls need; one that runs for long is taken as it is, and ``doctor`` tells.

    Raises:
        SwitchUnavailable: it is still starting.
    """
    began_at = await started_at(request)
    (pong,) = await request("Ping")
    uptime_s = _timestamp(pong, default=began_at.timestamp()) - began_at.timestamp()
    if 0 <= uptime_s < _YOUNG_S:
        try:
            await request("ModuleCheck", [("Module", "chan_pjsip")])
            await request("ShowDialPlan", [("Context", ANSWERED_CONTEXT)], many=True)
        except SwitchRefused as error:
            raise SwitchUnavailable(
                f"Asterisk was started a moment ago and is not ready: {error.message}"
            ) from None
    return began_at


async def gather_facts(request: Request, endpoints: Sequence[str]) -> SwitchFacts:
    """Ask for everything in :class:`callcamp.ports.SwitchFacts`.

    Args:
        request: how to ask.
        endpoints: names of PJSIP endpoints to look for.
    """
    (settings,) = await request("CoreSettings")
    (commands,) = await request("ListCommands")
    modules, contexts, trunks, queues = await asyncio.gather(
        _which(request, "ModuleCheck", "Module", NEEDED_MODULES),
        _which(request, "ShowDialPlan", "Context", NEEDED_CONTEXTS, many=True),
        _which(request, "PJSIPShowEndpoint", "Endpoint", endpoints, many=True),
        _queues(request),
    )
    return SwitchFacts(
        version=settings.get("AsteriskVersion", ""),
        started_at=await started_at(request),
        clock_skew_s=await _clock_skew_s(request),
        modules=modules,
        contexts=contexts,
        rights={right: action in commands for right, action in RIGHT_SHOWN_BY.items()},
        trunk_known=trunks,
        queues={name: name in queues for name in OWN_QUEUES},
    )


async def _queues(request: Request) -> set[str]:
    try:
        items = await request("QueueStatus", many=True)
    except SwitchRefused:
        # without app_queue there is no such action
        return set()
    return {item["Queue"] for item in items if item.get("Event") == "QueueParams"}


async def _which(
    request: Request, action: str, header: str, names: Sequence[str], *, many: bool = False
) -> dict[str, bool]:
    async def there(name: str) -> bool:
        try:
            await request(action, [(header, name)], many=many)
        except SwitchRefused:
            return False
        return True

    return dict(zip(names, await asyncio.gather(*map(there, names)), strict=True))


async def _clock_skew_s(request: Request) -> float | None:
    before = time.time()
    (pong,) = await request("Ping")
    # Between sending and reading: the answer was written about in the middle.
    ours = (before + time.time()) / 2
    theirs = _timestamp(pong, default=None)
    return None if theirs is None else theirs - ours


_Default = TypeVar("_Default", float, None)


def _timestamp(pong: Headers, *, default: _Default) -> float | _Default:
    try:
        return float(pong["Timestamp"])
    except (KeyError, ValueError):
        return default
