"""A switch without telephones: a server that speaks AMI as Asterisk does.

It serves tests, demonstrations and dry runs. What it imitates, and where it differs from
Asterisk, is in ``docs/simulated-switch.md``.
"""

from callcamp.switch.simulated.callee import CalleeModel, CalleeScript, refuses, script_for
from callcamp.switch.simulated.faults import Faults
from callcamp.switch.simulated.phones import ByInterface, PhoneScript
from callcamp.switch.simulated.server import SimulatedSwitch
from callcamp.switch.simulated.witness import Peaks, Talk

__all__ = [
    "ByInterface",
    "CalleeModel",
    "CalleeScript",
    "Faults",
    "Peaks",
    "PhoneScript",
    "SimulatedSwitch",
    "Talk",
    "refuses",
    "script_for",
]
