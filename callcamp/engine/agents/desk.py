"""The agents' desk: what the dialer, the tracker, pages and programs know of agents at work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from callcamp.engine.agents.background import Background
from callcamp.engine.agents.consequences import Consequences
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.following import Following
from callcamp.engine.agents.leaving import Leaving
from callcamp.engine.agents.matching import Matching
from callcamp.engine.agents.noting import Noting
from callcamp.engine.agents.outside import OutsideCalls
from callcamp.engine.agents.pace import Pace
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.restart import Restart
from callcamp.engine.agents.results import Results
from callcamp.engine.agents.rounds import Rounds
from callcamp.engine.agents.shifts import Shifts
from callcamp.engine.agents.side_legs import SideLegs
from callcamp.engine.agents.talks import Talks
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.engine.live import LiveFeed
from callcamp.engine.registry import Registry, Track
from callcamp.engine.tracker import Tracker
from callcamp.ports import CallGateway, Store
from callcamp.ports.switchboard import Switchboard


class AgentDesk:
    """The agents of this engine, and what they, supervisors, dialer and tracker can do.

    Each of its parts owns one thing, and is given here what it needs; what is asked of the desk
    is answered by the part that owns it.

    Args:
        store: agents, shifts, and what pacing has learnt.
        gateway: ends calls.
        switchboard: the way to queues and phones.
        registry: the live attempts.
        tracker: takes back and ends attempts.
        book: the campaigns.
        live: told when what pages show has changed.
        clock: the engine's clock.
        dial: has a claimed attempt called; False when it must not be any more.
        on_room: called when agents may be able to take more calls.
    """

    def __init__(
        self,
        *,
        store: Store,
        gateway: CallGateway,
        switchboard: Switchboard,
        registry: Registry,
        tracker: Tracker,
        book: CampaignBook,
        live: LiveFeed,
        clock: Clock,
        dial: Callable[[Track], Awaitable[bool]],
        on_room: Callable[[], None],
    ) -> None:
        self._background = background = Background()
        self.floor = floor = Floor(store, clock, live)
        self.queueing = queueing = Queueing(store, switchboard, floor)
        self.pace = pace = Pace(store, floor, registry, clock)
        self.noting = Noting(store, registry)
        self.outside = OutsideCalls(store, book, registry, clock)
        self.side_legs = side_legs = SideLegs(switchboard)
        self.consequences = consequences = Consequences(
            floor=floor,
            queueing=queueing,
            pace=pace,
            switchboard=switchboard,
            registry=registry,
            tracker=tracker,
            clock=clock,
            campaign=store.campaign,
            dial=dial,
            on_room=on_room,
            background=background,
        )
        self.line = consequences.line
        self.leaving = Leaving(
            floor=floor,
            queueing=queueing,
            switchboard=switchboard,
            registry=registry,
            consequences=consequences,
            background=background,
        )
        following = Following(
            floor=floor,
            registry=registry,
            clock=clock,
            pace=pace,
            queueing=queueing,
            consequences=consequences,
            leaving=self.leaving,
            side_legs=side_legs,
            on_room=on_room,
        )
        matching = Matching(
            floor=floor,
            pace=pace,
            queueing=queueing,
            line=self.line,
            tracker=tracker,
            book=book,
        )
        self.rounds = rounds = Rounds(
            store=store,
            gateway=gateway,
            switchboard=switchboard,
            registry=registry,
            book=book,
            clock=clock,
            floor=floor,
            queueing=queueing,
            pace=pace,
            consequences=consequences,
            leaving=self.leaving,
            side_legs=side_legs,
            matching=matching,
            on_fact=following.note,
            on_room=on_room,
        )
        restart = Restart(
            store=store,
            registry=registry,
            book=book,
            clock=clock,
            floor=floor,
            noting=self.noting,
            consequences=consequences,
            queueing=queueing,
        )
        shifts = Shifts(
            store=store,
            book=book,
            clock=clock,
            floor=floor,
            queueing=queueing,
            consequences=consequences,
            leaving=self.leaving,
        )
        talks = Talks(
            floor=floor,
            gateway=gateway,
            switchboard=switchboard,
            queueing=queueing,
            book=book,
            outside=self.outside,
            consequences=consequences,
            side_legs=side_legs,
        )
        results = Results(
            store=store,
            registry=registry,
            book=book,
            clock=clock,
            floor=floor,
            noting=self.noting,
            consequences=consequences,
            background=background,
        )
        # What happens by itself: the engine runs it, the tracker tells of it.
        self.restore = restart.restore
        self.run_clock, self.run_legs = rounds.run_clock, following.run_legs
        self.changed, self.link_changed = rounds.changed, rounds.link_changed
        self.note, self.note_step = following.note, following.note_step
        # The dialer's side.
        self.rooms = matching.rooms
        self.room, self.rest, self.take = matching.room, matching.rest, matching.take
        self.variables = matching.variables
        self.free_agents, self.has_work = matching.free_agents, matching.has_work
        self.campaigns_changed = matching.campaigns_changed
        # What pages and programs show and ask for.
        self.wait, self.view, self.views = floor.wait, floor.view, floor.views
        self.pacing, self.queues = pace.view, switchboard.queues
        self.log_in, self.log_out = shifts.log_in, shifts.log_out
        self.ready, self.pause = shifts.ready, shifts.pause
        self.accept, self.skip = shifts.accept, shifts.skip
        self.call_phone = shifts.call_phone
        self.force_pause, self.force_log_out = shifts.force_pause, shifts.force_log_out
        self.finish = results.finish
        self.hang_up, self.hold, self.mute = talks.hang_up, talks.hold, talks.mute
        self.press_keys, self.transfer = talks.press_keys, talks.transfer
        self.consult = talks.consult
        self.complete_consult = talks.complete_consult
        self.cancel_consult = talks.cancel_consult
        self.test_phone, self.spy, self.take_over = talks.test_phone, talks.spy, talks.take_over

    @property
    def revision(self) -> int:
        """Counts every change of what is shown of agents."""
        return self.floor.revision

    async def close(self) -> None:
        """Write down what is known; agents stay on shift for the next engine."""
        await self._background.close()
        await self.floor.write()
        await self.pace.keep(every_s=0.0)
