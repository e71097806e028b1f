"""Channel variables, and the functions that can be written to."""

from __future__ import annotations

import re
from typing import Final

from callcamp.switch.simulated.astdb import AstDb
from callcamp.switch.simulated.call import Call
from callcamp.switch.simulated.phones import DEVICE_STATES, Phones

_HANDLER: Final = re.compile(r"CHANNEL\(hangup_handler_(push|wipe|pop)\)", re.IGNORECASE)
_SHARED: Final = re.compile(r"SHARED\((\w+)\)")
_DEVICE: Final = re.compile(r"DEVICE_STATE\((.+)\)")
_DATABASE: Final = re.compile(r"DB\(([^/()]+)/([^()]+)\)")


class Variables:
    """Sets and reads variables of channels.

    Args:
        db: what ``DB()`` reads and writes.
        phones: what ``DEVICE_STATE()`` reads.
    """

    def __init__(self, db: AstDb, phones: Phones) -> None:
        self.globals: dict[str, str] = {}
        self._db = db
        self._phones = phones

    def set(self, call: Call, name: str, value: str) -> None:
        """Set a channel variable, or write to one of the functions known here."""
        if handler := _HANDLER.fullmatch(name):
            if handler[1].lower() == "wipe":
                call.handlers.clear()
            elif handler[1].lower() == "pop" and call.handlers:
                call.handlers.pop()
            if value and handler[1].lower() != "pop":
                call.handlers.append(value)
        elif entry := _DATABASE.fullmatch(name):
            self._db.put(entry[1], entry[2], value)
        elif shared := _SHARED.fullmatch(name):
            call.shared[shared[1]] = value
        else:
            # Leading underscores only say which further channels inherit the variable.
            call.variables[name.lstrip("_")] = value

    def read(self, call: Call | None, name: str) -> str:
        """Return a channel variable, or what a function known here says; empty: not set."""
        if entry := _DATABASE.fullmatch(name):
            return self._db.get(entry[1], entry[2]) or ""
        if device := _DEVICE.fullmatch(name):
            return DEVICE_STATES[self._phones.status(device[1])][0]
        if call is None:
            return self.globals.get(name, "")
        if shared := _SHARED.fullmatch(name):
            return call.shared.get(shared[1], "")
        if name == "CHANNEL(state)":
            return call.state[1]
        return call.variables.get(name, "")
