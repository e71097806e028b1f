"""The lab: a real Asterisk with people to call, on this machine.

Asterisk runs from a root filesystem built from Debian packages, and one SIPp process plays
the callees; the dialled number says how the callee behaves. It serves the tests, the demo
and anybody who wants to see what a campaign does before real people are called.
"""

from __future__ import annotations

from callcamp.lab.agents import PHONE_KINDS, PhoneKind, agent_interface
from callcamp.lab.ami import Ami
from callcamp.lab.behaviours import (
    ALL_BEHAVIOURS,
    BEHAVIOURS,
    HANGS_UP_MIDWAY,
    LOAD,
    NUMBERS_PER_BEHAVIOUR,
    RAW_BEHAVIOURS,
    TALKS,
    Behaviour,
    Talk,
    behaviour_of,
    load_number,
    number_for,
)
from callcamp.lab.info import LabInfo, LabStatus
from callcamp.lab.labs import (
    lab_down,
    lab_status,
    lab_up,
    restart_asterisk,
    start_asterisk,
    stop_asterisk,
    witness,
    witness_callers,
    witness_mark,
)
from callcamp.lab.webphones import set_phones

__all__ = [
    "ALL_BEHAVIOURS",
    "BEHAVIOURS",
    "HANGS_UP_MIDWAY",
    "LOAD",
    "NUMBERS_PER_BEHAVIOUR",
    "PHONE_KINDS",
    "RAW_BEHAVIOURS",
    "TALKS",
    "Ami",
    "Behaviour",
    "LabInfo",
    "LabStatus",
    "PhoneKind",
    "Talk",
    "agent_interface",
    "behaviour_of",
    "lab_down",
    "lab_status",
    "lab_up",
    "load_number",
    "number_for",
    "restart_asterisk",
    "set_phones",
    "start_asterisk",
    "stop_asterisk",
    "witness",
    "witness_callers",
    "witness_mark",
]
