"""AMI actions on channels that talk. Words and headers are Asterisk 22's."""

from __future__ import annotations

from callcamp.switch.simulated.asked import Asked, Refusal
from callcamp.switch.simulated.call import Activity, Call, Over
from callcamp.switch.simulated.calling import channel_of

_KEYS = frozenset("0123456789*#abcdABCD")


def redirect(asked: Asked) -> None:
    """Send one channel, or two at once, to another place in the dialplan."""
    action, exchange = asked.action, asked.desk.exchange
    name, extra = action.get("Channel"), action.get("ExtraChannel")
    if not name:
        raise Refusal("Channel not specified")
    call = _known(asked, name)
    context, exten = action.get("Context"), action.get("Exten")
    if not extra:
        asked.succeed("Redirect successful")
        exchange.send(call, context, exten)
        return
    other = _known(asked, extra)
    asked.succeed("Dual Redirect successful")
    # Both leave what they do before either begins something else.
    exchange.stop(call, Over.SENT_AWAY)
    exchange.stop(other, Over.SENT_AWAY)
    exchange.send(call, context, exten)
    exchange.send(other, action.get("ExtraContext") or context, action.get("ExtraExten") or exten)


def _known(asked: Asked, name: str) -> Call:
    call = asked.desk.exchange.find(name)
    if call is None:
        raise Refusal(f"Channel does not exist: {name}")
    return call


def play_dtmf(asked: Asked) -> None:
    """Let a channel's far end hear the tone of a key."""
    call = asked.desk.exchange.find(asked.action.get("Channel"))
    if call is None:
        raise Refusal("Channel not found")
    key = asked.action.get("Digit")
    if not key:
        raise Refusal("No digit specified")
    if key not in _KEYS:
        raise Refusal("Invalid digit")
    asked.desk.exchange.press(call, key)
    asked.succeed("DTMF successfully queued")


def mute_audio(asked: Asked) -> None:
    """Keep what a channel says or hears from it or the others."""
    direction, state = asked.action.get("Direction"), asked.action.get("State")
    call = asked.desk.exchange.find(asked.action.get("Channel"))
    if not asked.action.get("Channel"):
        raise Refusal("Channel not specified")
    if not state:
        raise Refusal("State not specified")
    if call is None:
        raise Refusal("Channel not found")
    asked.desk.variables.set(call, f"MUTEAUDIO({direction})", state)
    asked.answer("Success")


def status(asked: Asked) -> None:
    """List one channel, or all."""
    name = asked.action.get("Channel")
    calls = [channel_of(asked)] if name else list(asked.desk.exchange.live.values())
    now = asked.desk.timeline.now
    items = []
    for call in calls:
        doing = call.activity or Activity("AppDial2", "(Outgoing Line)")
        peer = "" if call.peer is None else call.peer.name
        pairs = [
            *call.snapshot(),
            ("Type", "PJSIP"),
            ("BridgeID", peer and min(peer, call.name)),
            ("Application", doing.app),
            ("Data", doing.data),
            ("Seconds", str(int(now - call.created_at))),
        ]
        items.append(asked.item("Status", pairs, id_last=True))
    asked.items("Channel status will follow", items, "StatusComplete", ("Items", str(len(items))))
