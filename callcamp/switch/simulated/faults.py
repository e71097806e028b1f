"""What goes wrong on its own, planned before the start."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True, slots=True)
class Faults:
    """A plan of trouble. Instants and delays are simulated seconds (since the start).

    Args:
        response_delay_s: how late every response is; events are not delayed.
        lose_originate_response: share of OriginateResponse events that never come.
        cut_every_events: cut all links after every so many events (None: never).
        cut_at_s: cut all links at these instants.
        half_open_at_s: freeze all links at these instants, see
            :meth:`SimulatedSwitch.go_half_open`.
        restart_at_s: crash and start again at these instants.
        restart_down_s: how long such a restart takes.
        restart_loses_recent: whether AstDB loses its last second in it.
    """

    response_delay_s: float = 0.0
    lose_originate_response: float = 0.0
    cut_every_events: int | None = None
    cut_at_s: tuple[float, ...] = ()
    half_open_at_s: tuple[float, ...] = ()
    restart_at_s: tuple[float, ...] = ()
    restart_down_s: float = 1.0
    restart_loses_recent: bool = False


@dataclass(slots=True)
class Trouble:
    """What is to go wrong next."""

    faults: Faults
    random: Random
    events: int = 0
    refuse_originates: int = 0
    refusal: str = ""
    delay_s: dict[str | None, float] = field(default_factory=dict)
    drop: Counter[str] = field(default_factory=Counter)

    def loses(self, event: str) -> bool:
        """Return whether this event gets lost, and count it."""
        if self.drop[event] > 0:
            self.drop[event] -= 1
            return True
        share = self.faults.lose_originate_response
        return event == "OriginateResponse" and share > 0 and self.random.random() < share

    def cuts_now(self) -> bool:
        """Count an event; return whether the links are cut after it."""
        self.events += 1
        every = self.faults.cut_every_events
        return every is not None and self.events % every == 0

    def delay_of(self, action: str) -> float:
        """Return how late the response to this action is."""
        return self.delay_s.get(action.lower(), self.delay_s.get(None, 0.0))

    def take_refusal(self) -> str | None:
        """Return the words with which an Originate is refused now; None: it is not."""
        if self.refuse_originates <= 0:
            return None
        self.refuse_originates -= 1
        return self.refusal
