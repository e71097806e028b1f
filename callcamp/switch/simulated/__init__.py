"""A switch without telephones: a server that speaks AMI as Asterisk does.

It serves tests, demonstrations and dry runs. What it imitates, and where it differs from
Asterisk, is in ``docs/simulated-switch.md``.
"""

from callcamp.switch.simulated.callee import CalleeModel, CalleeScript, refuses, script_for
from callcamp.switch.simulated.faults import Faults
from callcamp.switch.simulated.server import SimulatedSwitch
from callcamp.switch.simulated.witness import Peaks

__all__ = [
    "CalleeModel",
    "CalleeScript",
    "Faults",
    "Peaks",
    "SimulatedSwitch",
    "refuses",
    "script_for",
]
