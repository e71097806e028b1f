"""How many calls may start for agents: pacing methods fed with what the engine sees."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

import structlog

from callcamp.core.agent_settings import ON_THE_LINE, DialMethod
from callcamp.core.agents import AgentState
from callcamp.core.compliance import abandon_window_end, abandon_window_start
from callcamp.core.model import Campaign
from callcamp.core.outcome import Disposition
from callcamp.core.pacing import make_method
from callcamp.core.pacing.contract import (
    RECENT_CALLS,
    Account,
    BusyAgent,
    BusyPhase,
    ContactKind,
    PacingDecision,
    PacingFact,
    PacingMethod,
    PacingSnapshot,
    RingEnded,
    RingingCall,
)
from callcamp.core.places import Place
from callcamp.core.reasons import Reason
from callcamp.core.ruleset import RuleSet
from callcamp.core.schedule import local_hour
from callcamp.core.states import AttemptEvent, ContactStatus
from callcamp.engine.agents.closing import closes_in_s
from callcamp.engine.agents.floor import Floor
from callcamp.engine.clock import Clock
from callcamp.engine.ending import final_evidence, judge
from callcamp.engine.registry import Registry, Track
from callcamp.errors import CallcampError
from callcamp.ports import Store

log = structlog.get_logger(__name__)

READ_EVERY_S = 60.0
"""How often the abandon account is read again, so that its window moves on."""
KEEP_EVERY_S = 60.0
"""How often what was learnt is kept."""
OWN_WINDOW = timedelta(days=1)
"""The window of a campaign's own abandon cap, when no legal preset has one."""
DETECTION_MARGIN = 0.9
"""Share of the cap that is used with machine detection, which takes some people for machines."""
_PHASES = {AgentState.TALKING: BusyPhase.TALKING, AgentState.WRAP_UP: BusyPhase.WRAP_UP}


@dataclass(frozen=True, slots=True)
class PacingView:
    """What a campaign's pacing did last, and on what.

    Args:
        method: its method.
        count: how many calls it wanted to start.
        why: in words.
        numbers: the numbers behind it.
        agents: agents by state.
        ringing: calls on their way.
        waiting: answered calls that have no agent yet.
        persons: calls answered by a person in the window of the tightest cap.
        abandoned: of those, how many got no agent in time.
        cap: that cap, as the law or the campaign says it.
        margin: share of the cap that pacing uses: less than 1 with machine detection, which
            takes some people for machines.
    """

    method: DialMethod
    count: int
    why: str
    numbers: Mapping[str, float]
    agents: Mapping[AgentState, int]
    ringing: int
    waiting: int
    persons: int
    abandoned: int
    cap: float
    margin: float = 1.0


@dataclass(frozen=True, slots=True)
class _Account:
    """An account, the lawful cap, and the seconds of calling until it closes (None: never)."""

    kept: Account
    cap: float
    closes_in_s: float | None

    @property
    def left(self) -> float:
        return self.kept.cap * self.kept.persons - self.kept.abandoned


@dataclass(slots=True)
class _Pacer:
    method: PacingMethod
    version: int
    accounts: list[_Account] = field(default_factory=list)
    contacts_left: int = 0
    read_at_s: float = float("-inf")
    kept_at_s: float = 0.0
    to_keep: bool = False
    recent: deque[tuple[str, int]] = field(default_factory=lambda: deque(maxlen=RECENT_CALLS))
    """Place and number of the calls that were started last."""
    live: set[str] = field(default_factory=set)
    view: PacingView | None = None

    def tightest(self) -> _Account:
        return min(self.accounts, key=lambda a: a.left)

    def note_live(self, tracks: Sequence[Track]) -> None:
        """Note the live calls of the campaign, those that were started first first."""
        started = [t for t in tracks if t.attempt_id not in self.live]
        if started or len(tracks) < len(self.live):
            self.recent.extend((t.person.place, t.ordinal) for t in started)
            self.live = {t.attempt_id for t in tracks}

    @property
    def last_place(self) -> str | None:
        return self.recent[-1][0] if self.recent else None

    def next_kinds(self, now: datetime) -> tuple[ContactKind, ...]:
        """Return what those who are called next are taken to be: as the last ones were."""
        hours = {place: _hour(place, now) for place, _ in self.recent}
        return tuple(ContactKind(hours[place], ordinal) for place, ordinal in self.recent)

    def add(self, persons: int, abandoned: int) -> None:
        self.contacts_left = max(0, self.contacts_left - persons)
        self.accounts = [
            replace(
                a,
                kept=replace(
                    a.kept,
                    persons=a.kept.persons + persons,
                    abandoned=a.kept.abandoned + abandoned,
                ),
            )
            for a in self.accounts
        ]


class Pace:
    """The pacing of every campaign with agents.

    Args:
        store: the account of abandoned calls, and what was learnt before.
        floor: the agents.
        registry: the live attempts.
        clock: the engine's clock.
    """

    def __init__(self, store: Store, floor: Floor, registry: Registry, clock: Clock) -> None:
        self._store = store
        self._floor = floor
        self._registry = registry
        self._clock = clock
        self._pacers: dict[int, _Pacer] = {}

    async def room(self, campaign: Campaign, rules: RuleSet) -> tuple[int, Reason]:
        """Return how many contacts of a campaign with agents may be taken now, and why no more."""
        free = sum(w.is_free for w in self._floor.of_campaign(campaign.id))
        if campaign.settings.agents.method in ON_THE_LINE:
            return free, Reason.NO_AGENT
        pacer = await self._pacer(campaign)
        await self._read_account(pacer, campaign, rules)
        snapshot = self._snapshot(campaign, pacer, free)
        decision = pacer.method.decide(snapshot)
        # Some methods learn from what they are asked, too.
        pacer.to_keep = True
        before = pacer.view
        pacer.view = self._view(campaign, snapshot, decision, pacer.tightest().cap)
        if before is None or before.count != decision.count or before.why != decision.why:
            self._floor.touch()
            if decision.count:
                log.debug("paced", campaign=campaign.id, count=decision.count, why=decision.why)
        nobody = not snapshot.free and not snapshot.busy
        return decision.count, Reason.NO_AGENT if nobody else Reason.PACED

    def rest(self, campaign: Campaign, why: str) -> None:
        """Show that nobody is called, and why, where something was paced before."""
        pacer = self._pacers.get(campaign.id)
        if pacer is None or pacer.view is None:
            return
        before, now = pacer.view, self._snapshot(campaign, pacer, 0)
        pacer.view = replace(
            before,
            count=0,
            why=why,
            numbers={},
            agents=Counter(w.state for w in self._floor.of_campaign(campaign.id)),
            ringing=len(now.ringing),
            waiting=now.waiting,
            persons=now.account.persons,
            abandoned=now.account.abandoned,
        )
        if before != pacer.view:
            self._floor.touch()

    def view(self, campaign_id: int) -> PacingView | None:
        """Return what was decided last for a campaign (None: nothing yet)."""
        pacer = self._pacers.get(campaign_id)
        return None if pacer is None else pacer.view

    def observe(self, campaign_id: int, fact: PacingFact) -> None:
        """Let a campaign's method learn."""
        pacer = self._pacers.get(campaign_id)
        if pacer is not None:
            pacer.method.observe(fact)
            pacer.to_keep = True

    def note_person(self, track: Track) -> None:
        """Note that a person answered a call."""
        pacer = self._pacers.get(track.campaign_id)
        if pacer is not None:
            pacer.add(1, 0)
            self._ring_over(track, track.answered_at, person=True)

    def note_step(self, track: Track, event: AttemptEvent) -> None:
        """Note what became of a call."""
        pacer = self._pacers.get(track.campaign_id)
        if pacer is None:
            return
        if event is AttemptEvent.ENDED:
            if track.reached_at is None:
                self._ring_over(track, track.answered_at or track.hung_up_at, person=False)
            if judge(track, final_evidence(track)) is Disposition.ABANDONED:
                pacer.add(int(track.reached_at is None), 1)

    async def keep(self, *, every_s: float = KEEP_EVERY_S) -> None:
        """Keep what was learnt since the last time, for campaigns for which it is time."""
        now_s = self._clock.monotonic_s()
        for campaign_id, pacer in list(self._pacers.items()):
            if not pacer.to_keep or now_s - pacer.kept_at_s < every_s:
                continue
            pacer.kept_at_s, pacer.to_keep = now_s, False
            try:
                await self._save(campaign_id, pacer)
            except CallcampError as error:
                pacer.to_keep = True
                log.warning("pacing_not_kept", campaign=campaign_id, problem=error.message)

    @property
    def campaigns(self) -> frozenset[int]:
        """The campaigns of which something is in memory."""
        return frozenset(self._pacers)

    async def let_go(self, campaign_id: int) -> None:
        """Keep what a campaign that is over has taught, and forget the rest.

        Raises:
            StoreError: the database does not take it; nothing is forgotten.
        """
        pacer = self._pacers.get(campaign_id)
        if pacer is not None:
            await self._save(campaign_id, pacer)
            del self._pacers[campaign_id]

    async def _save(self, campaign_id: int, pacer: _Pacer) -> None:
        name, state = pacer.method.name, pacer.method.state()
        await self._store.save_pacing(campaign_id, name, state, now=self._clock.now())

    async def _pacer(self, campaign: Campaign) -> _Pacer:
        known = self._pacers.get(campaign.id)
        if known is not None and known.version == campaign.version:
            return known
        settings = campaign.settings.agents
        client_first = settings.method is DialMethod.CLIENT_FIRST
        name = DialMethod.PROGRESSIVE.value if client_first else settings.method.value
        if known is not None:
            await self._save(campaign.id, known)
        state = await self._store.pacing(campaign.id, name)
        method = make_method(name, pickup_rate=settings.pickup_rate, state=state)
        fresh = _Pacer(method, campaign.version, kept_at_s=self._clock.monotonic_s())
        self._pacers[campaign.id] = fresh
        return fresh

    async def _read_account(self, pacer: _Pacer, campaign: Campaign, rules: RuleSet) -> None:
        now_s, now = self._clock.monotonic_s(), self._clock.now()
        if now_s - pacer.read_at_s < READ_EVERY_S:
            return
        zone = rules.settings.window.zone
        caps: list[tuple[float, datetime, datetime | None]] = [
            (rule.cap, abandon_window_start(rule, now, zone), abandon_window_end(rule, now, zone))
            for rule in rules.rules.abandons
        ]
        own = campaign.settings.agents.abandon_cap
        longest: tuple[datetime, datetime | None] = (now - OWN_WINDOW, None)
        if caps:
            longest = min(((start, end) for _, start, end in caps), key=lambda span: span[0])
        caps.append((own, *longest))
        margin = DETECTION_MARGIN if campaign.settings.detect_machines else 1.0
        accounts = []
        for cap, start, end in caps:
            persons, abandoned = await self._store.abandon_account(campaign.id, since=start)
            left_s = closes_in_s(campaign, rules, pacer.last_place, now, end)
            accounts.append(_Account(Account(persons, abandoned, cap * margin), cap, left_s))
        contacts = (await self._store.counts(campaign.id)).contacts
        pacer.contacts_left = contacts.get(ContactStatus.PENDING, 0)
        pacer.accounts, pacer.read_at_s = accounts, now_s

    def _snapshot(self, campaign: Campaign, pacer: _Pacer, free: int) -> PacingSnapshot:
        now = self._clock.now()
        busy = tuple(
            BusyAgent(_PHASES[w.state], (now - w.since).total_seconds())
            for w in self._floor.of_campaign(campaign.id)
            if w.state in _PHASES and w.pause_wanted is None
        )
        # An agent whom the queue rings is still the one whom the waiting call is to get.
        rung = sum(w.state is AgentState.RINGING for w in self._floor.of_campaign(campaign.id))
        tracks = [t for t in self._registry if t.campaign_id == campaign.id and not t.is_over]
        pacer.note_live(tracks)
        ringing = tuple(
            RingingCall(_since_s(t.sent_at, now), _kind(t)) for t in tracks if t.answered_at is None
        )
        waiting = sum(t.answered_at is not None and t.connected_at is None for t in tracks)
        now_s, tightest = self._clock.monotonic_s(), pacer.tightest()
        closes_s = tightest.closes_in_s
        if closes_s is not None:
            closes_s = max(0.0, closes_s - (now_s - pacer.read_at_s))
        return PacingSnapshot(
            now_s=now_s,
            free=free + rung,
            busy=busy,
            waiting=waiting,
            ringing=ringing,
            account=tightest.kept,
            next_kinds=pacer.next_kinds(now),
            closes_in_s=closes_s,
            contacts_left=pacer.contacts_left,
        )

    def _view(
        self, campaign: Campaign, snapshot: PacingSnapshot, decision: PacingDecision, cap: float
    ) -> PacingView:
        states = Counter(w.state for w in self._floor.of_campaign(campaign.id))
        return PacingView(
            method=campaign.settings.agents.method,
            count=decision.count,
            why=decision.why,
            numbers=decision.numbers,
            agents=dict(states),
            ringing=len(snapshot.ringing),
            waiting=snapshot.waiting,
            persons=snapshot.account.persons,
            abandoned=snapshot.account.abandoned,
            cap=cap,
            margin=snapshot.account.cap / cap if cap else 1.0,
        )

    def _ring_over(self, track: Track, at: datetime | None, *, person: bool) -> None:
        if track.sent_at is None or at is None:
            return
        elapsed_s = _since_s(track.sent_at, at)
        # A person is known as one a while after the answer, when the greeting is over.
        at_s = self._clock.monotonic_s() - _since_s(at, self._clock.now())
        self.observe(track.campaign_id, RingEnded(at_s, elapsed_s, person, _kind(track)))


def _kind(track: Track) -> ContactKind:
    return ContactKind(_hour(track.person.place, track.sent_at or track.claimed_at), track.ordinal)


def _hour(place: str, at: datetime) -> int | None:
    zone = _zone(place)
    return None if zone is None else local_hour(at, zone)


@lru_cache(maxsize=10_000)
def _zone(place: str) -> str | None:
    return next(iter(Place.parse(place).zones), None)


def _since_s(start: datetime | None, end: datetime) -> float:
    return 0.0 if start is None else max(0.0, (end - start).total_seconds())
