"""Which outbound number a call is placed from."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

from callcamp.core.campaign_settings import NumberPool, Rotation
from callcamp.core.gate import NumberUse, OutboundNumber
from callcamp.core.reasons import Reason
from callcamp.core.rotation import Chosen, NoNumber, Rotator, day_end, day_of, number_zone

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
PARIS = "+33142685300"
CONTACT = "+33612345678"
PHONES = tuple(f"+3314268530{n}" for n in range(6))
MIDNIGHT = datetime(2026, 3, 2, 23, tzinfo=UTC)


def numbers(*phones: str, cap: int | None = None) -> list[OutboundNumber]:
    return [OutboundNumber(i, phone, daily_cap=cap) for i, phone in enumerate(phones, 1)]


def run(rotator: Rotator, calls: int, contact: str = CONTACT) -> list[str | None]:
    """Let out ``calls`` calls; None: there was no number."""
    found: list[str | None] = []
    for _ in range(calls):
        choice = rotator.choose(contact)
        if isinstance(choice, NoNumber):
            found.append(None)
            continue
        assert choice.number is not None
        rotator.note_used(choice.number)
        found.append(choice.number.phone)
    return found


def test_an_empty_pool_needs_no_number() -> None:
    assert Rotator(NumberPool(), numbers(PARIS), {}, NOW).choose(CONTACT) == Chosen(None)


def test_the_least_used_of_the_day_goes_first_then_the_longest_unused_then_by_id() -> None:
    pool = NumberPool(PHONES[:4])
    hour = timedelta(hours=1)
    use = {
        1: NumberUse(today=2, last_used_at=NOW - 9 * hour),
        2: NumberUse(today=1, last_used_at=NOW - hour),
        3: NumberUse(today=1, last_used_at=NOW - 2 * hour),
        4: NumberUse(today=1),
    }
    found = run(Rotator(pool, numbers(*PHONES[:4]), use, NOW), 6)
    assert found == [PHONES[i] for i in (3, 2, 1, 0, 1, 2)]


def test_looking_does_not_use_up() -> None:
    rotator = Rotator(NumberPool(PHONES), numbers(*PHONES), {}, NOW)
    first = rotator.choose(CONTACT)
    assert rotator.choose(CONTACT) == first


def test_only_numbers_of_the_pool_that_the_deployment_has_are_used() -> None:
    rotator = Rotator(NumberPool((PHONES[1], "+33142680000")), numbers(*PHONES), {}, NOW)
    assert run(rotator, 3) == [PHONES[1]] * 3


def test_capped_numbers_wait_for_the_first_midnight_among_them() -> None:
    pool = NumberPool((PARIS, "+12125550100"))
    rotator = Rotator(pool, numbers(*pool.numbers, cap=1), {}, NOW)
    assert sorted(filter(None, run(rotator, 2))) == ["+12125550100", PARIS]
    assert rotator.choose(CONTACT) == NoNumber(Reason.NUMBERS_CAPPED, MIDNIGHT)


def test_a_capped_number_that_rests_past_midnight_waits_for_the_end_of_its_rest() -> None:
    rest = NOW + timedelta(days=3)
    number = OutboundNumber(1, PARIS, daily_cap=1, resting_until=rest)
    other = OutboundNumber(2, PHONES[1], daily_cap=0, resting_until=NOW + timedelta(hours=1))
    pool = NumberPool((PARIS, PHONES[1]))
    use = {1: NumberUse(today=1)}
    rotator = Rotator(NumberPool((PARIS,)), [number], use, NOW)
    assert rotator.choose(CONTACT) == NoNumber(Reason.NO_NUMBER, rest)
    rotator = Rotator(pool, [number, other], use, NOW)
    assert rotator.choose(CONTACT) == NoNumber(Reason.NO_NUMBER, MIDNIGHT)


def test_one_that_is_capped_among_some_that_rest_makes_the_pool_capped() -> None:
    soon = NOW + timedelta(hours=2)
    some = [
        OutboundNumber(1, PHONES[0], resting_until=soon),
        OutboundNumber(2, PHONES[1], daily_cap=5),
    ]
    rotator = Rotator(NumberPool(PHONES), some, {2: NumberUse(today=7)}, NOW)
    assert rotator.choose(CONTACT) == NoNumber(Reason.NUMBERS_CAPPED, soon)


def test_a_rest_that_is_over_holds_nothing_back() -> None:
    rotator = Rotator(NumberPool((PARIS,)), [OutboundNumber(1, PARIS, resting_until=NOW)], {}, NOW)
    assert run(rotator, 1) == [PARIS]


@pytest.mark.parametrize("active", [True, False])
def test_a_pool_without_an_active_number_waits_until_somebody_changes_it(active: bool) -> None:
    some = [OutboundNumber(1, PARIS, active=False), OutboundNumber(2, PHONES[1])]
    pool = NumberPool((PARIS,) if active else ("+33142680000",))
    assert Rotator(pool, some, {}, NOW).choose(CONTACT) == NoNumber(Reason.NO_NUMBER, None)


class TestSame:
    POOL = NumberPool(PHONES[:3], Rotation.SAME)

    def test_the_number_is_kept_however_much_it_was_used(self) -> None:
        rotator = Rotator(self.POOL, numbers(*PHONES[:3], cap=100), {2: NumberUse(today=99)}, NOW)
        choice = rotator.choose(CONTACT, PHONES[1])
        assert isinstance(choice, Chosen)
        assert choice.number is not None
        assert choice.number.phone == PHONES[1]
        rotator.note_used(choice.number)
        assert rotator.choose(CONTACT, PHONES[1]) == NoNumber(Reason.NUMBER_CAPPED, MIDNIGHT)

    def test_a_resting_one_is_waited_for(self) -> None:
        end = NOW + timedelta(days=2)
        some = [OutboundNumber(1, PHONES[0], resting_until=end), *numbers(*PHONES)[1:]]
        choice = Rotator(self.POOL, some, {}, NOW).choose(CONTACT, PHONES[0])
        assert choice == NoNumber(Reason.NUMBER_CAPPED, end)

    @pytest.mark.parametrize("previous", [None, "", "+33142680000", PHONES[0], PHONES[5]])
    def test_without_one_or_with_one_that_is_gone_another_is_chosen(
        self, previous: str | None
    ) -> None:
        some = [OutboundNumber(1, PHONES[0], active=False), *numbers(*PHONES)[1:]]
        choice = Rotator(self.POOL, some, {}, NOW).choose(CONTACT, previous)
        assert choice == Chosen(some[1])

    def test_other_rotations_do_not_keep_it(self) -> None:
        rotator = Rotator(NumberPool(PHONES), numbers(*PHONES), {2: NumberUse(today=1)}, NOW)
        assert rotator.choose(CONTACT, PHONES[1]) == Chosen(numbers(PHONES[0])[0])


class TestLocal:
    NEW_YORK, NEW_YORK_2, BOSTON = "+12125550100", "+12125550101", "+16175550100"
    TORONTO, LONDON, LEEDS, LYON = "+14165550100", "+442079460000", "+441134960000", "+33472000000"
    MOSCOW, ALMATY, MOBILE = "+74951234567", "+77272345678", "+33612000000"

    @pytest.mark.parametrize(
        ("contact", "expected"),
        [
            ("+12125559999", NEW_YORK),
            ("+12125550101", NEW_YORK),
            ("+13055550199", BOSTON),
            ("+16135550199", TORONTO),
            ("+442071234567", LONDON),
            ("+441132345678", LEEDS),
            ("+441212345678", LONDON),
            ("+447911123456", LONDON),
            ("+33478123456", LYON),
            (PARIS, MOBILE),
            ("+33698765432", MOBILE),
            ("+74957654321", MOSCOW),
            ("+77017654321", ALMATY),
            ("+4930123456", BOSTON),
            ("+34912345678", BOSTON),
            ("not a number", BOSTON),
        ],
    )
    def test_the_nearest_is_preferred(self, contact: str, expected: str) -> None:
        phones = (
            self.BOSTON,
            self.LONDON,
            self.NEW_YORK,
            self.TORONTO,
            self.LEEDS,
            self.MOBILE,
            self.LYON,
            self.MOSCOW,
            self.ALMATY,
        )
        rotator = Rotator(NumberPool(phones, Rotation.LOCAL), numbers(*phones), {}, NOW)
        choice = rotator.choose(contact)
        assert isinstance(choice, Chosen)
        assert choice.number is not None
        assert choice.number.phone == expected

    def test_numbers_of_one_area_share_its_calls_then_the_next_ones_step_in(self) -> None:
        phones = (self.LONDON, self.NEW_YORK, self.NEW_YORK_2, self.BOSTON)
        rotator = Rotator(NumberPool(phones, Rotation.LOCAL), numbers(*phones, cap=2), {}, NOW)
        found = run(rotator, 9, "+12125550101")
        assert found == [
            *(self.NEW_YORK, self.NEW_YORK_2) * 2,
            *(self.BOSTON,) * 2,
            *(self.LONDON,) * 2,
            None,
        ]

    def test_a_number_that_is_none_is_near_nobody(self) -> None:
        phones = ("+1", PARIS)
        rotator = Rotator(NumberPool(phones, Rotation.LOCAL), numbers(*phones), {}, NOW)
        assert run(rotator, 2, "+33142000000") == [PARIS, PARIS]


pools = st.lists(
    st.builds(
        OutboundNumber,
        id=st.just(0),
        phone=st.sampled_from([*PHONES, "+12125550100", "+442079460000", "+819012345678"]),
        active=st.booleans() | st.just(True),
        daily_cap=st.none() | st.integers(0, 12),
        resting_until=st.none() | st.timedeltas(timedelta(-2), timedelta(2)).map(lambda d: NOW + d),
    ),
    unique_by=lambda n: n.phone,
    max_size=7,
).map(lambda found: [OutboundNumber(i, n.phone, n.label, n.active, n.daily_cap, n.resting_until)
                     for i, n in enumerate(found, 1)])  # fmt: skip
uses = st.dictionaries(
    st.integers(1, 7),
    st.builds(
        NumberUse,
        today=st.integers(0, 12),
        last_used_at=st.none() | st.integers(0, 5).map(lambda h: NOW - timedelta(hours=h)),
    ),
)
contacts = st.lists(
    st.tuples(
        st.sampled_from([CONTACT, "+12125559999", "+442071234567", "+4930123456", "junk"]),
        st.none() | st.sampled_from(PHONES),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(pools, uses, st.sampled_from(Rotation), contacts)
def test_no_batch_ever_breaks_a_rule(
    found: list[OutboundNumber],
    use: dict[int, NumberUse],
    rotation: Rotation,
    batch: list[tuple[str, str | None, bool]],
) -> None:
    pool = NumberPool(tuple(n.phone for n in found[:6]), rotation)
    rotator = Rotator(pool, found, use, NOW)
    today = {n.id: use.get(n.id, NumberUse()).today for n in found}
    used: Counter[int] = Counter()
    for contact, previous, let_out in batch:
        usable = [
            n
            for n in found
            if n.phone in pool.numbers
            and n.active
            and (n.resting_until is None or n.resting_until <= NOW)
            and (n.daily_cap is None or today[n.id] + used[n.id] < n.daily_cap)
        ]
        choice = rotator.choose(contact, previous)
        if isinstance(choice, NoNumber):
            assert choice.until is None or choice.until > NOW
            assert not usable or choice.reason is Reason.NUMBER_CAPPED
            continue
        if choice.number is None:
            assert not pool.numbers
            continue
        assert choice.number in usable
        kept = next((n for n in usable if n.phone == previous), None)
        if rotation is Rotation.SAME and kept:
            assert choice.number == kept
        elif rotation is Rotation.EVEN:
            least = min(today[n.id] + used[n.id] for n in usable)
            assert today[choice.number.id] + used[choice.number.id] == least
        if let_out:
            rotator.note_used(choice.number)
            used[choice.number.id] += 1


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.lists(st.integers(0, 40), min_size=1, max_size=5))
def test_equal_numbers_differ_by_one_call_at_most_over_any_run(
    count: int, batches: list[int]
) -> None:
    """Batch after batch, as the store counts them."""
    some = numbers(*PHONES[:count])
    use = {n.id: NumberUse() for n in some}
    for turn, calls in enumerate(batches):
        now = NOW + timedelta(seconds=turn)
        spread = Counter(run(Rotator(NumberPool(PHONES), some, use, now), calls))
        for number in some:
            before, more = use[number.id], spread[number.phone]
            last = now if more else before.last_used_at
            use[number.id] = NumberUse(today=before.today + more, last_used_at=last)
        totals = [one.today for one in use.values()]
        assert max(totals) - min(totals) <= 1
        assert sum(totals) == sum(batches[: turn + 1])


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        (PARIS, "Europe/Paris"),
        ("+12125550100", "America/New_York"),
        ("+16055550100", "America/Denver"),
        ("+88123456789", "UTC"),
        ("+999123", "UTC"),
        ("", "UTC"),
    ],
)
def test_the_zone_of_a_number_is_the_first_that_is_known(phone: str, zone: str) -> None:
    assert number_zone(phone) == zone


def test_every_zone_of_the_library_exists() -> None:
    names = {zone for zones in TIMEZONE_DATA.values() for zone in zones} - {"Etc/Unknown"}
    assert len(names) > 200
    for name in names:
        assert ZoneInfo(name).key == name


def test_the_day_is_that_of_the_number() -> None:
    late = datetime(2026, 3, 3, 3, tzinfo=UTC)
    assert day_of("+12125550100", late) == date(2026, 3, 2)
    assert day_of(PARIS, late) == date(2026, 3, 3)


# Santiago's clock skips a midnight, Havana's repeats an hour from it, New York's change at two.
@given(
    st.sampled_from(["+56221234567", "+5378301234", "+12125550100", PARIS, "+97714123456"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)
@example("+56221234567", datetime(2026, 9, 5, 20, tzinfo=UTC))
@example("+56221234567", datetime(2026, 4, 5, 2, 30, tzinfo=UTC))
@example("+5378301234", datetime(2026, 11, 1, 3, 30, tzinfo=UTC))
@example("+5378301234", datetime(2026, 3, 8, 4, 30, tzinfo=UTC))
def test_a_day_ends_where_the_next_begins(phone: str, now: datetime) -> None:
    end = day_end(phone, now)
    assert end > now
    assert end.tzinfo is UTC
    assert day_of(phone, end) == day_of(phone, now) + timedelta(days=1)
    assert day_of(phone, end - timedelta(microseconds=1)) == day_of(phone, now)
