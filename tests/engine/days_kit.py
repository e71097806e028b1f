"""Ten days of a campaign on the simulated switch, and the same rules once more, by hand.

What is allowed is written down here a second time, in local dates and times and with nothing
of callcamp's, so that the two can be held against each other. The ten days are 24 March to
2 April 2027: the clocks of Paris and Berlin change on Easter Sunday, 28 March.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from database_kit import current_database

from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    DailyWindow,
    HoursKind,
    HoursRule,
    NumberPool,
    RetryPolicy,
)
from callcamp.core.changes import NewSuppression
from callcamp.core.gate import Consent
from callcamp.core.legal import CallCap
from callcamp.core.model import Contact
from callcamp.engine import Engine
from callcamp.engine import clock as clock_module
from callcamp.engine import dialer as dialer_module
from callcamp.engine import tracker as tracker_module
from callcamp.engine.clock import Clock
from callcamp.engine.commands import RawContact
from callcamp.engine.why import CampaignWhy
from callcamp.ports import CallFacts, CallOrder
from callcamp.settings import Settings
from callcamp.store import SqlStore
from callcamp.switch.ami import AmiGateway
from callcamp.switch.simulated import CalleeScript, SimulatedSwitch, refuses

PARIS, BERLIN = ZoneInfo("Europe/Paris"), ZoneInfo("Europe/Berlin")
NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
FIRST_DAY, DAYS = date(2027, 3, 24), 10
# Just before the campaign's lunch, and later the same day just before France and Germany close,
# so that both happen in full swing.
BEGINS = datetime(2027, 3, 24, 12, 28, tzinfo=PARIS).astimezone(UTC)
AT_LUNCH = datetime(2027, 3, 24, 12, 45, tzinfo=PARIS).astimezone(UTC)
GOES_ON = datetime(2027, 3, 24, 19, 58, tzinfo=PARIS).astimezone(UTC)
GREEK_HOLIDAY = date(2027, 3, 25)
GOOD_FRIDAY, EASTER_SUNDAY, EASTER_MONDAY = (date(2027, 3, day) for day in (26, 28, 29))
MOST_ATTEMPTS = 4
OWN_CAP = CallCap(2, 72 * 3600)
CAPS = {"fr": (CallCap(4, 30 * 86400),), "de": (CallCap(3, 86400),), "fl": (CallCap(3, 86400),)}
OPT_OUT = "9"
RING_S = 15
SPEED = 200.0
CONTACTS = 5000
OPENS = {
    GOOD_FRIDAY: 10,
    date(2027, 3, 27): 9,
    EASTER_SUNDAY: 14,
    EASTER_MONDAY: 14,
    date(2027, 3, 30): 9,
}
"""The hour in Paris in which the first call of some days is placed: the Germans can be called
from nine on, the French from ten, and New York at eight is fourteen after the change."""


def _within(at: datetime, *spans: tuple[float, float]) -> bool:
    """Tell whether the local time is in one of some spans of hours."""
    hour = at.hour + at.minute / 60 + (at.second + at.microsecond / 1e6) / 3600
    return any(start <= hour < end for start, end in spans)


def _fr(at: datetime) -> bool:
    return at.weekday() < 5 and at.date() != EASTER_MONDAY and _within(at, (10, 13), (14, 20))


def _de(at: datetime) -> bool:
    holiday = at.date() in {GOOD_FRIDAY, EASTER_SUNDAY, EASTER_MONDAY}
    return at.weekday() < 6 and not holiday and _within(at, (8, 20))


LAW: Mapping[str, Callable[[datetime], bool]] = {
    "us": lambda at: _within(at, (8, 21)),
    "fl": lambda at: _within(at, (8, 20)),
    "fr": _fr,
    "de": _de,
}
"""Hours by law, at the person's local time."""


@dataclass(frozen=True)
class Kind:
    """People of one sort: where they are, which laws protect them, how many there are."""

    name: str
    number: str
    zones: tuple[ZoneInfo, ...]
    laws: tuple[str, ...]
    count: int


KINDS = (
    Kind("paris", "+3314226", (PARIS,), ("fr",), 1100),
    Kind("berlin", "+49302260", (BERLIN,), ("de",), 1080),
    Kind("new_york", "+1212226", (NEW_YORK,), ("us",), 1300),
    Kind("los_angeles", "+1213226", (LOS_ANGELES,), ("us",), 1100),
    Kind("miami", "+1305226", (NEW_YORK,), ("us", "fl"), 200),
    # Area code 850 lies in two zones.
    Kind("pensacola", "+1850226", (NEW_YORK, CHICAGO), ("us", "fl"), 100),
    # A number in Paris and one in Berlin: of no one country, so every law holds.
    Kind("two_countries", "+3314227", (PARIS, BERLIN), ("us", "fl", "fr", "de"), 20),
    # Freephone numbers without a country: nobody knows what time it is there.
    Kind("nowhere", "+8001234", (), ("us", "fl", "fr", "de"), 100),
)
OUTBOUND = {
    "+33142290001": (PARIS, 100),
    "+493022900001": (BERLIN, 100),
    "+12122290001": (NEW_YORK, 140),
    "+13052290001": (NEW_YORK, 110),
    "+12132290001": (LOS_ANGELES, 150),
}
"""The pool: the zone of each number's day, and its cap."""


def campaign_open(at: datetime) -> bool:
    """Tell by hand whether the campaign's own hours are open at an instant."""
    local = at.astimezone(PARIS)
    if local.date() == EASTER_SUNDAY:
        return _within(local, (13, 18))
    if local.weekday() == 6 or local.date() == GREEK_HOLIDAY:
        return False
    return _within(local, (9, 12.5), (13.5, 22.5))


def person_open(kind: Kind, at: datetime) -> bool:
    """Tell by hand whether the law lets people of a kind be called at an instant."""
    if not kind.zones:
        return False
    return all(LAW[law](at.astimezone(zone)) for zone in kind.zones for law in kind.laws)


def local_day(at: datetime) -> date:
    """Return the campaign's date of an instant."""
    return at.astimezone(PARIS).date()


@dataclass(frozen=True)
class PersonAs:
    """Somebody of the list, as made up for the test."""

    kind: Kind
    phone: str
    others: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        return (self.phone, *self.others)


def people() -> list[PersonAs]:
    """Make the list up: all kinds mixed, some with a second number, some of them shared."""
    made: list[PersonAs] = []
    for kind in KINDS:
        for n in range(kind.count):
            others: tuple[str, ...] = ()
            if kind.name == "two_countries":
                others = (f"+49302270{n:04d}",)
            elif kind.name in {"paris", "new_york"} and n % 10 == 0:
                # Of every four, two live in one house.
                shared = n - 10 if n % 40 == 10 else n
                others = (f"{kind.number[:-1]}8{shared:04d}",)
            made.append(PersonAs(kind, f"{kind.number}{n:04d}", others))
    random.Random(7).shuffle(made)
    return made


@dataclass
class Callees:
    """Who is called and what they do; notes every call that reaches them."""

    clock: Clock
    calls: list[tuple[str, datetime, str]] = field(default_factory=list)
    """Number, instant and the disposition that the call has to end with."""
    _times: Counter[str] = field(default_factory=Counter)

    def __call__(self, number: str) -> CalleeScript:
        self._times[number] += 1
        chance = random.Random(f"{number}:{self._times[number]}")
        disposition, script = chance.choices(
            [(name, script) for name, _, script in _FATES], [share for _, share, _ in _FATES]
        )[0]
        self.calls.append((number, self.clock.now(), disposition))
        return script


_FATES = (
    ("answered_person", 20, CalleeScript(after_s=6.0)),
    ("answered_person", 3, CalleeScript(after_s=4.0, keys=OPT_OUT)),
    ("voicemail", 10, CalleeScript(after_s=5.0, amd="MACHINE", amd_cause="MAXWORDS-7-6")),
    ("hung_up", 5, CalleeScript(rings=False, after_s=0.0, talk_s=0.0)),
    ("no_answer", 28, CalleeScript(sip_code=None)),
    ("busy", 14, refuses(486)),
    ("rejected", 6, CalleeScript(sip_code=603, after_s=3.0)),
    ("invalid_number", 4, refuses(404)),
    ("unavailable", 5, refuses(480)),
    ("congestion", 3, refuses(503)),
    ("timeout", 2, CalleeScript(sip_code=None, rings=False)),
)
"""How calls end: disposition, share in a hundred, what the callee does."""


class NotedGateway(AmiGateway):
    """The real way to the switch, which notes when each call is ordered, and from where."""

    clock: Clock
    orders: dict[str, tuple[datetime, CallOrder]]

    async def originate(self, order: CallOrder) -> None:
        self.orders[order.attempt_id] = (self.clock.now(), order)
        await super().originate(order)


@dataclass(frozen=True)
class DayEnd:
    """What is on record at midnight after a day."""

    day: date
    at: datetime
    why: CampaignWhy
    facts: CallFacts
    ended: Counter[str]
    contacts: list[Contact]
    recount: dict[tuple[str, str], tuple[int, int]]


@dataclass
class TenDays:
    """A campaign and everything that it runs on."""

    store: SqlStore
    engine: Engine
    clock: Clock
    gateway: NotedGateway
    callees: Callees
    switch: SimulatedSwitch
    people: list[PersonAs]
    forbidden: set[str]
    no_consent: set[str]
    campaign_id: int = 0
    ends: list[DayEnd] = field(default_factory=list)

    async def run(self) -> None:
        """Set the campaign up, then let the ten days pass."""
        await self._set_up()
        await self.engine.start()
        await self.engine.commands.start(self.campaign_id)
        await self._let_pass(AT_LUNCH)
        await self.engine.commands.pause(self.campaign_id)
        self.clock.skip_to(GOES_ON)
        await self.engine.commands.resume(self.campaign_id)
        for n in range(DAYS):
            midnight = datetime.combine(FIRST_DAY + timedelta(days=n + 1), time(0), PARIS)
            await self._let_pass(midnight.astimezone(UTC))
            await self._take_down(FIRST_DAY + timedelta(days=n))

    async def _set_up(self) -> None:
        commands, now = self.engine.commands, self.clock.now()
        trunk = await commands.save_trunk("t", dial_string="PJSIP/{number}@t", cps=100)
        for phone, (_, cap) in OUTBOUND.items():
            await commands.lists.save_number(phone, daily_cap=cap)
        register = {p for p in self.forbidden if p.startswith("+1")}
        await self.store.replace_dnc_list("register", register, as_of=now, now=now)
        await self.store.suppress(
            [NewSuppression(p, "said so", "cli") for p in self.forbidden - register], now=now
        )
        given = [
            Consent(number, "marketing", "form", now - timedelta(days=30))
            for number in dict.fromkeys(n for one in self.people for n in one.numbers)
            if number not in self.no_consent
        ]
        await self.store.record_consents(given)
        campaign = await commands.create_campaign(_settings(trunk.id))
        self.campaign_id = campaign.id
        raw = [RawContact(one.phone, {"name": "x"}, one.others) for one in self.people]
        added = await commands.add_contacts(campaign.id, raw)
        assert added.added == CONTACTS

    async def _let_pass(self, until: datetime) -> None:
        """Let time pass, and skip the hours in which nothing can happen."""
        idle = 0
        while self.clock.now() < until or len(self.engine._registry):
            await asyncio.sleep(0.02)
            assert self.engine.failed is not None
            assert not self.engine.failed.done(), self.engine.failed
            plan = self.engine.live.plan(self.campaign_id)
            free = not len(self.engine._registry) and plan is not None and not plan.count
            idle = idle + 1 if free else 0
            # Seen several times in a row: the dialer has taken in what ended last.
            if idle < 10 or plan is None:
                continue
            assert idle < 500, f"nothing goes on at {self.clock.now()}: {plan}"
            if plan.until is not None and plan.until > self.clock.now():
                self.clock.skip_to(min(plan.until, until))
                self.engine._dialer.wake()
                idle = 0

    async def _take_down(self, day: date) -> None:
        now = self.clock.now()
        begins = datetime.combine(day, time(0), PARIS).astimezone(UTC)
        counts = await self.store.counts(self.campaign_id)
        self.ends.append(
            DayEnd(
                day,
                now,
                await self.engine.commands.why.campaign(self.campaign_id),
                await self.store.call_facts(
                    self.campaign_id, since=begins, until=now, zone="Europe/Paris"
                ),
                Counter({d.value: n for d, n in counts.attempts_ended.items()}),
                await self.store.contacts(self.campaign_id, limit=CONTACTS + 1),
                await self.store.recount(self.campaign_id),
            )
        )


def _settings(trunk_id: int) -> CampaignSettings:
    lunch = (
        HoursRule(HoursKind.EXCLUDE, day, start=time(12, 30), end=time(13, 30)) for day in range(6)
    )
    return CampaignSettings(
        name="Ten days",
        trunk_id=trunk_id,
        concurrency=60,
        ring_timeout_s=RING_S,
        retry=RetryPolicy(max_attempts=MOST_ATTEMPTS, delay_s=3 * 3600, growth=2.0),
        window=DailyWindow(time(9), time(22, 30), "Europe/Paris"),
        default_region="FR",
        prompt="hello",
        mode=CampaignMode.MULTI_DAY,
        hours=(
            *lunch,
            HoursRule(HoursKind.INCLUDE, first_day=EASTER_SUNDAY, start=time(13), end=time(18)),
        ),
        holidays=("GR",),
        legal=("us-tsr", "us-fl", "fr", "de"),
        pool=NumberPool(tuple(OUTBOUND)),
        frequency=(OWN_CAP,),
        opt_out_key=OPT_OUT,
        dnc_lists=("register",),
        consent_scope="marketing",
    )


async def ten_days(folder: Path, patch: pytest.MonkeyPatch) -> TenDays:
    """Let the ten days pass, and return what is left of them; its store is closed."""
    path = folder / "callcamp.sqlite3"
    path.write_bytes(current_database())
    # By the engine's clock, which is fast: what is late in it is not late for the machine.
    patch.setattr(tracker_module, "CLOSING_GRACE_S", 120.0)
    patch.setattr(clock_module, "GATHER_S", 0.01 * SPEED)
    patch.setattr(dialer_module, "TICK_S", 0.1)
    clock = Clock(SPEED, BEGINS)
    callees = Callees(clock)
    made = people()
    async with SimulatedSwitch(by_number=callees, speed=SPEED) as switch:
        settings = Settings(
            database_url=f"sqlite:///{path}",
            data_dir=folder,
            lease_s=3600,
            settle_margin_s=1800,
            ami_host=switch.host,
            ami_port=switch.port,
        )
        gateway = NotedGateway(
            host=switch.host, port=switch.port, username=switch.username, secret=switch.secret
        )
        gateway.clock, gateway.orders = clock, {}
        store = SqlStore(settings.database_url)
        await store.open()
        run = TenDays(
            store,
            Engine(store, gateway, settings, clock),
            clock,
            gateway,
            callees,
            switch,
            made,
            forbidden={one.phone for one in made[::29]},
            no_consent={n for one in made[5::53] for n in one.numbers},
        )
        try:
            await run.run()
        finally:
            await run.engine.stop()
            await store.close()
    return run


def by_day(calls: list[tuple[str, datetime, str]]) -> dict[date, Counter[str]]:
    """Count the switch's calls by local day and disposition."""
    ordered = sorted((local_day(at), disposition) for _, at, disposition in calls)
    return {day: Counter(d for _, d in group) for day, group in groupby(ordered, lambda x: x[0])}
