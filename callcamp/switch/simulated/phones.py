"""Agents' phones: what each does when it is called, and its state as Asterisk sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from callcamp.switch.simulated.call import RINGING, UP, Call
from callcamp.switch.simulated.callee import CalleeScript

UNKNOWN: Final = 0
FREE: Final = 1
IN_USE: Final = 2
INVALID: Final = 4
UNAVAILABLE: Final = 5
RINGS: Final = 6
RINGS_IN_USE: Final = 7

DEVICE_STATES: Final = {
    UNKNOWN: ("UNKNOWN", "Unknown"),
    FREE: ("NOT_INUSE", "Not in use"),
    IN_USE: ("INUSE", "In use"),
    INVALID: ("INVALID", "Invalid"),
    UNAVAILABLE: ("UNAVAILABLE", "Unavailable"),
    RINGS: ("RINGING", "Ringing"),
    RINGS_IN_USE: ("RINGINUSE", "Ring+Inuse"),
}
"""What ``DEVICE_STATE()`` and PJSIPShowEndpoint call each state."""

_CUSTOM: Final = "Custom:"


@dataclass(frozen=True, slots=True)
class PhoneScript:
    """What one agent's phone does. Times are seconds.

    Args:
        after_s: from ringing to picking up; None: nobody picks up.
        refuses: SIP code with which it refuses at once instead, e.g. 486.
        stays_s: from picking up to hanging up; None: until somebody else hangs up.
        talk_s: from meeting a contact to hanging up; None: until somebody else hangs up.
        registered: whether it can be called at all.
    """

    after_s: float | None = 0.05
    refuses: int | None = None
    stays_s: float | None = None
    talk_s: float | None = None
    registered: bool = True

    def as_callee(self) -> CalleeScript:
        """Return the same as what somebody who is called does."""
        if self.refuses is not None:
            return CalleeScript(sip_code=self.refuses, after_s=0.02, rings=False)
        if self.after_s is None:
            return CalleeScript(sip_code=None)
        return CalleeScript(
            after_s=self.after_s,
            rings=self.after_s > 0,
            talk_s=self.stays_s,
            conversation_s=self.talk_s,
        )


ByInterface = Callable[[str], PhoneScript | None]
"""Finds the phone of an interface such as ``PJSIP/anna``; None: there is none of this name."""


class Phones:
    """All phones of agents, and the calls that each has.

    Args:
        phones: the phones by interface; None: every endpoint is a phone that answers.
        changed: called with an interface when its state may have changed.
        trunks: endpoints that are trunks; None: all that are no phone.
    """

    def __init__(
        self,
        phones: Mapping[str, PhoneScript] | ByInterface | None,
        changed: Callable[[str], None],
        trunks: frozenset[str] | None,
    ) -> None:
        self._trunks = trunks
        self._find: ByInterface = (
            phones.get
            if isinstance(phones, Mapping)
            else phones or (lambda interface: None if "@" in interface else PhoneScript())
        )
        self._are_named = phones is not None
        self._set: dict[str, PhoneScript] = {}
        self._calls: dict[str, list[Call]] = {}
        self._changed = changed

    def script(self, interface: str) -> PhoneScript | None:
        """Return what the phone of an interface does; None: there is none."""
        return self._set.get(interface) or self._find(interface)

    def is_named(self, interface: str) -> bool:
        """Return whether somebody has said what this very phone does."""
        return interface in self._set or (self._are_named and self._find(interface) is not None)

    def set(self, interface: str, script: PhoneScript) -> None:
        """Let a phone do something else from its next call on."""
        self._set[interface] = script
        self._changed(interface)

    def calls(self, interface: str) -> list[Call]:
        """Return the calls that a phone has now, oldest first."""
        return list(self._calls.get(interface, ()))

    def began(self, call: Call) -> None:
        """Note a call to a phone."""
        self._calls.setdefault(call.interface, []).append(call)

    def moved(self, call: Call) -> None:
        """Note that a call to a phone has changed its state, or has ended."""
        if call.ended:
            self._calls[call.interface].remove(call)
        self._changed(call.interface)

    def crash(self) -> None:
        """Forget all calls."""
        self._calls.clear()

    def status(self, interface: str) -> int:
        """Return Asterisk's device state of an interface."""
        if interface.startswith(_CUSTOM):
            return UNKNOWN
        script = self.script(interface)
        if script is None:
            is_trunk = self._trunks is None or interface.rpartition("/")[2] in self._trunks
            return FREE if is_trunk else INVALID
        states = {call.state for call in self._calls.get(interface, ())}
        rings, up = RINGING in states, UP in states
        if rings or up:
            return RINGS_IN_USE if rings and up else RINGS if rings else IN_USE
        return FREE if script.registered else UNAVAILABLE
