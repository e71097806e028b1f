"""The independent witness: who was really called, and how much at once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Peaks:
    """The most that a switch, or one trunk of it, has seen.

    Args:
        calls: calls placed.
        live: calls that live now.
        max_live: most calls that lived at once.
        max_per_second: most calls placed within any second of real time.
        max_per_simulated_second: most calls placed within any second of simulated time.
    """

    calls: int = 0
    live: int = 0
    max_live: int = 0
    max_per_second: int = 0
    max_per_simulated_second: int = 0


@dataclass(slots=True)
class Talk:
    """An agent's phone and a contact, or another phone, that could hear each other.

    Args:
        phone: the phone's interface, e.g. ``PJSIP/anna``.
        number: the contact's number, or the other phone's interface.
        began_s: simulated seconds since the start.
        ended_s: the same; None: it goes on.
    """

    phone: str
    number: str
    began_s: float
    ended_s: float | None = None


class _Window:
    """The most instants within any span of one second, the end excluded."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self.most = 0

    def add(self, instant: float) -> None:
        self._recent.append(instant)
        while self._recent[0] <= instant - 1.0:
            self._recent.popleft()
        self.most = max(self.most, len(self._recent))


@dataclass(slots=True)
class _Tally:
    calls: int = 0
    live: int = 0
    max_live: int = 0
    real: _Window = field(default_factory=_Window)
    simulated: _Window = field(default_factory=_Window)

    def peaks(self) -> Peaks:
        return Peaks(self.calls, self.live, self.max_live, self.real.most, self.simulated.most)


class Witness:
    """Counts the calls that go out, whatever anybody else believes.

    Args:
        real_now: the real clock, in seconds.
        simulated_now: the simulated clock, in seconds.
    """

    def __init__(self, real_now: Callable[[], float], simulated_now: Callable[[], float]) -> None:
        self._real_now = real_now
        self._simulated_now = simulated_now
        self._numbers: Counter[str] = Counter()
        self._all = _Tally()
        self._trunks: dict[str, _Tally] = {}
        self._talks: list[Talk] = []
        self._talking: dict[tuple[str, str], Talk] = {}
        self._keys: dict[str, str] = {}

    def placed(self, number: str, trunk: str) -> int:
        """Note a call that goes out; returns how many this number has had before."""
        real, simulated = self._real_now(), self._simulated_now()
        for tally in (self._all, self._trunks.setdefault(trunk, _Tally())):
            tally.calls += 1
            tally.live += 1
            tally.max_live = max(tally.max_live, tally.live)
            tally.real.add(real)
            tally.simulated.add(simulated)
        self._numbers[number] += 1
        return self._numbers[number] - 1

    def ended(self, trunk: str) -> None:
        """Note that a call is over."""
        self._all.live -= 1
        self._trunks[trunk].live -= 1

    def joined(self, phone: str, number: str) -> None:
        """Note that an agent and a contact hear each other from now on."""
        talk = self._talking[phone, number] = Talk(phone, number, self._simulated_now())
        self._talks.append(talk)

    def parted(self, phone: str, number: str) -> None:
        """Note that they don't any more; nothing when they did not."""
        talk = self._talking.pop((phone, number), None)
        if talk is not None:
            talk.ended_s = self._simulated_now()

    def talks(self) -> list[Talk]:
        """Return who talked to whom, in the order in which they began."""
        return [replace(talk) for talk in self._talks]

    def heard(self, number: str, key: str) -> None:
        """Note a key's tone that a far end hears."""
        self._keys[number] = self._keys.get(number, "") + key

    def keys(self) -> dict[str, str]:
        """Return the keys that each number or phone has heard."""
        return dict(self._keys)

    def all_ended(self) -> None:
        """Note that every call is over at once."""
        for phone, number in tuple(self._talking):
            self.parted(phone, number)
        for tally in (self._all, *self._trunks.values()):
            tally.live = 0

    def calls(self) -> dict[str, int]:
        """Return calls per dialled number, in the order they first came."""
        return dict(self._numbers)

    def peaks(self, trunk: str | None = None) -> Peaks:
        """Return the peaks of one trunk, or of all together."""
        tally = self._all if trunk is None else self._trunks.get(trunk, _Tally())
        return tally.peaks()
