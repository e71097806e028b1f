"""How long log-ins wait after others failed: a few are free, then pauses double.

Values only: who failed when is kept in the store.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

WINDOW_S = 900.0
"""How far back failed log-ins count, in seconds."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """What a key may do.

    Args:
        free: failures within :data:`WINDOW_S` that cost no pause.
        first_pause_s: the pause after the next one; each further one doubles it.
        longest_pause_s: no pause is longer.
    """

    free: int
    first_pause_s: float = 5.0
    longest_pause_s: float = WINDOW_S

    def pause_s(self, failures: int) -> float:
        """Return how long nothing is tried after the last of so many failures, in seconds."""
        if failures < self.free:
            return 0.0
        # More doublings than this are longer than any pause, and floats end somewhere.
        doublings = min(failures - self.free, 30)
        return min(self.first_pause_s * 2.0**doublings, self.longest_pause_s)


PER_ACCOUNT = Throttle(5)
"""Failed log-ins of a name, whether there is such an account or not."""
PER_ADDRESS = Throttle(20)
"""Failed log-ins, and tokens that are none, from an address."""


def neighbourhood(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 address.

    Whoever has one IPv6 address has 2^64 of them. What is no address stands for itself.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
