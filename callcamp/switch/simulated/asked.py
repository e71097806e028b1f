"""What AMI actions work on, and how they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from callcamp.switch.simulated.astdb import AstDb
from callcamp.switch.simulated.call import Pairs
from callcamp.switch.simulated.exchange import Exchange
from callcamp.switch.simulated.phones import Phones
from callcamp.switch.simulated.queues import Queues
from callcamp.switch.simulated.session import Session
from callcamp.switch.simulated.timeline import Timeline
from callcamp.switch.simulated.variables import Variables
from callcamp.switch.simulated.wire import Action, message

VERSION: Final = "22.10.1"
"""The Asterisk that is imitated."""

MODULES: Final = frozenset(
    (
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
        "bridge_builtin_features",
        "bridge_holding",
        "bridge_native_rtp",
        "bridge_simple",
        "bridge_softmix",
        "chan_pjsip",
        "codec_alaw",
        "codec_gsm",
        "codec_resample",
        "codec_ulaw",
        "format_gsm",
        "format_pcm",
        "format_sln",
        "format_wav",
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
        "res_pjproject",
        "res_pjsip",
        "res_pjsip_caller_id",
        "res_pjsip_dtmf_info",
        "res_pjsip_endpoint_identifier_ip",
        "res_pjsip_header_funcs",
        "res_pjsip_nat",
        "res_pjsip_outbound_authenticator_digest",
        "res_pjsip_outbound_registration",
        "res_pjsip_pubsub",
        "res_pjsip_rfc3326",
        "res_pjsip_sdp_rtp",
        "res_pjsip_session",
        "res_rtp_asterisk",
        "res_sorcery_astdb",
        "res_sorcery_config",
        "res_sorcery_memory",
        "res_timing_timerfd",
    )
)
"""Modules that it says are loaded: those of ``asterisk/modules_callcamp.conf``."""

RIGHTS: Final = frozenset(("system", "call", "originate", "reporting", "agent"))
"""Write rights of ``asterisk/manager_callcamp.conf``."""


class Refusal(Exception):
    """An action is answered with an Error and these words."""


@dataclass(slots=True)
class Booted:
    """When the simulated Asterisk was started, in real seconds since 1970."""

    at: float


@dataclass(frozen=True, slots=True)
class Desk:
    """All that actions work on.

    Args:
        username: the one AMI user.
        secret: its secret.
        rights: write rights of that user.
        lacks: modules and contexts that are not there.
        trunks: PJSIP endpoints that are there; None: every one.
        exchange: the calls.
        queues: where callers wait for agents.
        phones: agents' phones.
        variables: channel variables and functions.
        db: AstDB.
        timeline: the simulated clock.
        booted: when it was started.
    """

    username: str
    secret: str
    rights: frozenset[str]
    lacks: frozenset[str]
    trunks: frozenset[str] | None
    exchange: Exchange
    queues: Queues
    phones: Phones
    variables: Variables
    db: AstDb
    timeline: Timeline
    booted: Booted

    def has_trunk(self, name: str) -> bool:
        """Return whether there is a trunk of this name."""
        return bool(name) and (self.trunks is None or name in self.trunks)

    def has_endpoint(self, name: str) -> bool:
        """Return whether there is a trunk of this name, or a phone that was named."""
        return self.has_trunk(name) or (bool(name) and self.phones.is_named(f"PJSIP/{name}"))


@dataclass(frozen=True, slots=True)
class Asked:
    """One action in work."""

    desk: Desk
    session: Session
    action: Action
    reply: Callable[[bytes], None]

    def answer(self, response: str, *pairs: tuple[str, str]) -> None:
        """Send a response."""
        action_id = self.action.get("ActionID")
        head = [("Response", response), *([("ActionID", action_id)] if action_id else [])]
        self.reply(message([*head, *pairs]))

    def succeed(self, words: str) -> None:
        """Send a Success with a message."""
        self.answer("Success", ("Message", words))

    def items(
        self, words: str, items: Iterable[bytes], complete: str, *totals: tuple[str, str]
    ) -> None:
        """Send a list: its response, its items, its end."""
        action_id = self.action.get("ActionID")
        mine = [("ActionID", action_id)] if action_id else []
        start = [("Response", "Success"), *mine, ("EventList", "start"), ("Message", words)]
        blocks = [message(start), *items]
        end: Pairs = [("Event", complete), *mine, ("EventList", "Complete")]
        end += [("ListItems", str(len(blocks) - 1)), *totals]
        self.reply(b"".join((*blocks, message(end))))

    def item(self, event: str, pairs: Pairs, *, id_last: bool = False) -> bytes:
        """Return one item of a list."""
        action_id = self.action.get("ActionID")
        mine = [("ActionID", action_id)] if action_id else []
        rest = [*pairs, *mine] if id_last else [*mine, *pairs]
        return message([("Event", event), *rest])
