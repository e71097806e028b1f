"""A call centre in fast motion: what a pacing method would do with given people and agents.

It runs the methods of ``callcamp.core.pacing`` themselves, not copies. The same seed gives the
same result, and the same people to every method.
"""

from callcamp.simulation.people import Fate, People
from callcamp.simulation.run import simulate
from callcamp.simulation.unattended import simulate_unattended
from callcamp.simulation.workload import Duration, Group, Lognormal, Measured, SimResult, Workload

__all__ = [
    "Duration",
    "Fate",
    "Group",
    "Lognormal",
    "Measured",
    "People",
    "SimResult",
    "Workload",
    "simulate",
    "simulate_unattended",
]
