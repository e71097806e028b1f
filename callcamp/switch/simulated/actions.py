"""The table of AMI actions: what carries each one out, and who may ask for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from callcamp.switch.simulated import calling, moving, queueing, reports
from callcamp.switch.simulated.asked import Asked


def _list_commands(asked: Asked) -> None:
    allowed = {
        name: f"Simulated.  (Priv: {','.join((*rights, 'all')) if rights else '<none>'})"
        for name, (_, rights) in ACTIONS.items()
        if not rights or asked.desk.rights.intersection(rights)
    }
    asked.answer("Success", *allowed.items())


_REPORT: Final = ("system", "reporting")
_CALL: Final = ("call",)
_SYSTEM: Final = ("system",)
_AGENT: Final = ("agent",)

ACTIONS: Final[dict[str, tuple[Callable[[Asked], None], tuple[str, ...]]]] = {
    "Challenge": (calling.challenge, ()),
    "CoreSettings": (reports.core_settings, _REPORT),
    "CoreShowChannels": (reports.core_show_channels, _REPORT),
    "CoreStatus": (reports.core_status, _REPORT),
    "DBDel": (reports.db_del, _SYSTEM),
    "DBDelTree": (reports.db_del_tree, _SYSTEM),
    "DBGet": (reports.db_get, _REPORT),
    "DBGetTree": (reports.db_get_tree, _REPORT),
    "DBPut": (reports.db_put, _SYSTEM),
    "Events": (calling.events, ()),
    "Getvar": (calling.getvar, ("call", "reporting")),
    "Hangup": (calling.hangup, ("system", "call")),
    "ListCommands": (_list_commands, ()),
    "ModuleCheck": (reports.module_check, _SYSTEM),
    "Originate": (calling.originate, ("originate",)),
    "MuteAudio": (moving.mute_audio, _SYSTEM),
    "Ping": (calling.ping, ()),
    "PJSIPShowEndpoint": (reports.pjsip_show_endpoint, _SYSTEM),
    "PlayDTMF": (moving.play_dtmf, _CALL),
    "QueueAdd": (queueing.queue_add, _AGENT),
    "QueuePause": (queueing.queue_pause, _AGENT),
    "QueueRemove": (queueing.queue_remove, _AGENT),
    "QueueStatus": (queueing.queue_status, ()),
    "QueueSummary": (queueing.queue_summary, ()),
    "Redirect": (moving.redirect, _CALL),
    "Setvar": (calling.setvar, _CALL),
    "ShowDialPlan": (reports.show_dialplan, ("config", "reporting")),
    "Status": (moving.status, ("system", "call", "reporting")),
}
"""Actions for those who are logged in, with the rights of which one is needed."""
