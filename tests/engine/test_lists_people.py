"""Saved filters, the contact directory, and from there into campaigns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists_kit import (  # noqa: F401 - fixtures
    ANN,
    BOB,
    BROKEN,
    CID,
    HOSTILE_LINES,
    NOW,
    Office,
    empty_database,
    office,
)

from callcamp.core.gate import Consent
from callcamp.core.policies import Condition, Match, Operator
from callcamp.core.reasons import Reason
from callcamp.core.rule_text import describe
from callcamp.core.states import CampaignEvent
from callcamp.engine import directory, filters
from callcamp.engine.filters import PERSON_FACTS, Choice, facts_of
from callcamp.engine.variables import check_variables
from callcamp.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from callcamp.ports import AddResult, DirectoryContact, OnDuplicate

DEE = "+12024561111"


async def fill(office: Office) -> None:  # noqa: F811
    add = office.lists.add_person
    await add(ANN, variables={"city": "Paris", "age": "17"}, others=["+33140000001"])
    await add(BOB, variables={"city": "paris ", "age": "40", "country": "Wonderland"})
    await add(CID, variables={"city": "London", "age": "9"})
    await add(DEE)
    office.changed.clear()


async def chosen(office: Office, *conditions: str, match: Match = Match.ALL) -> list[str]:  # noqa: F811
    preview = await office.lists.preview_filter(None, conditions, match=match)
    assert preview.total == 4
    assert preview.count == len(preview.first)
    return [person.phone for person in preview.first]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (["city = Paris"], [ANN, BOB]),
        (["city = Paris", "age >= 18"], [BOB]),
        (["age < 18"], [ANN, CID]),
        (["city is set"], [ANN, BOB, CID]),
        (["city != Paris"], [CID, DEE]),
        (["phone starts with +33"], [ANN, BOB]),
        (["phone_country = gb"], [CID]),
        (["country = FR"], [ANN]),
        (["country = Wonderland"], [BOB]),
        (["numbers > 1"], [ANN]),
        (["added_at < 2026-11-22", "changed_at >= 2026-11-21"], [ANN, BOB, CID, DEE]),
        (["added_at > 2026-11-22"], []),
        (["var.city contains ond"], [CID]),
        (["city matches ^l"], [CID]),
        (["nobody = x"], []),
    ],
)
async def test_whom_conditions_choose(
    office: Office,  # noqa: F811
    conditions: list[str],
    found: list[str],
) -> None:
    await fill(office)
    assert await chosen(office, *conditions) == found


def test_what_a_filter_may_ask_is_on_its_page() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "lists.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE)) == set(PERSON_FACTS)


async def test_any_condition_may_be_enough(office: Office) -> None:  # noqa: F811
    await fill(office)
    assert await chosen(office, "age = 9", "age = 40", match=Match.ANY) == [BOB, CID]


async def test_a_variable_does_not_pass_for_the_number(office: Office) -> None:  # noqa: F811
    await office.lists.add_person(ANN, variables={"phone": BOB, "numbers": "9"})
    preview = await office.lists.preview_filter(conditions=[f"phone = {BOB}"])
    assert preview.count == 0
    assert (await office.lists.preview_filter(conditions=["numbers = 9"])).count == 0


async def test_a_preview_shows_the_first_ten_of_many_pages(
    office: Office,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filters, "PAGE", 3)
    for i in range(14):
        await office.lists.add_person(f"+3361234{i:04d}")
    preview = await office.lists.preview_filter(conditions=["phone is set"])
    assert (preview.count, preview.total) == (14, 14)
    assert [p.phone for p in preview.first] == [f"+3361234{i:04d}" for i in range(10)]


async def test_a_filter_is_saved_changed_and_deleted(office: Office) -> None:  # noqa: F811
    await fill(office)
    saved = await office.lists.save_filter("adults", ["age >= 18", "city is set"])
    assert saved.conditions == (
        Condition("age", Operator.AT_LEAST, "18"),
        Condition("city", Operator.IS_SET),
    )
    assert (await office.lists.preview_filter("adults")).count == 1
    await office.lists.save_filter("adults", ["age >= 18", "age < 10"], match=Match.ANY)
    assert (await office.lists.filter("adults")).match is Match.ANY
    assert (await office.lists.preview_filter("adults")).count == 2
    assert [f.name for f in await office.lists.filters()] == ["adults"]
    await office.lists.delete_filter("adults")
    for call in (office.lists.delete_filter("adults"), office.lists.preview_filter("adults")):
        with pytest.raises(NotFound, match="adults"):
            await call


@pytest.mark.parametrize(
    "conditions",
    [[], ["nonsense"], [""], ["age >="], ["x matches (a+)+"], ["numbers = many"], ["a = b"] * 51],
)
async def test_unusable_conditions_are_refused(office: Office, conditions: list[str]) -> None:  # noqa: F811
    with pytest.raises(InvalidInput):
        await office.lists.save_filter("x", conditions)
    with pytest.raises(InvalidInput):
        await office.lists.preview_filter(None, conditions)
    assert await office.lists.filters() == []


@pytest.mark.parametrize("name", BROKEN)
async def test_a_filter_has_a_name_of_one_line(office: Office, name: str) -> None:  # noqa: F811
    with pytest.raises(InvalidInput):
        await office.lists.save_filter(name, ["a = b"])
    with pytest.raises((InvalidInput, NotFound)):
        await office.lists.delete_filter(name)


@pytest.mark.parametrize("text", HOSTILE_LINES)
async def test_hostile_names_and_values_are_kept_as_they_are(office: Office, text: str) -> None:  # noqa: F811
    await office.lists.add_person(ANN, variables={"x": text})
    await office.lists.save_filter(text, [describe(Condition("x", Operator.EQUAL, text))])
    assert (await office.lists.preview_filter(text)).count == 1


async def test_a_preview_is_of_one_filter(office: Office) -> None:  # noqa: F811
    await office.lists.save_filter("x", ["a = b"])
    for name, conditions in (("x", ["a = b"]), (None, [])):
        with pytest.raises(InvalidInput):
            await office.lists.preview_filter(name, conditions)


PEOPLE = st.builds(
    DirectoryContact,
    id=st.just(1),
    phone=st.sampled_from([ANN, CID, DEE, "+99912345678", "+80012345678"]),
    others=st.sampled_from([(), (BOB,)]),
    variables=st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
    created_at=st.just(NOW),
    updated_at=st.just(NOW),
)
CONDITIONS = st.builds(
    Condition,
    st.one_of(st.sampled_from(sorted(PERSON_FACTS)), st.text(max_size=5)),
    st.sampled_from(Operator),
    st.text(max_size=9),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PEOPLE, st.lists(CONDITIONS, max_size=3), st.sampled_from(Match))
def test_whatever_is_asked_of_whomever_there_is_an_answer(
    person: DirectoryContact, conditions: list[Condition], match: Match
) -> None:
    assert Choice(tuple(conditions), match).takes(person) in {True, False}
    assert set(facts_of(person)) >= set(PERSON_FACTS)


async def test_a_person_is_added_and_changed(office: Office) -> None:  # noqa: F811
    lists = office.lists
    one = await lists.add_person(
        "06 12 34 56 78",
        region="FR",
        variables={"city": " Paris ", "age": "17"},
        others=["0140000001", ANN, "01 40 00 00 01"],
    )
    assert (one.phone, one.others) == (ANN, ("+33140000001",))
    assert one.variables == {"city": "Paris", "age": "17"}
    two = await lists.add_person(ANN, variables={"age": "18"})
    assert two.id == one.id
    assert (two.others, two.variables) == (one.others, {"city": "Paris", "age": "18"})
    assert await lists.people() == [two]


@pytest.mark.parametrize(
    "changes",
    [
        {"phone": "hello"},
        {"phone": "0612345678"},
        {"others": ["hello"]},
        {"others": [f"+3361234567{i}" for i in range(10)]},
        {"region": "Utopia"},
        {"variables": {"": "x"}},
        {"variables": {"1st": "x"}},
        {"variables": {"a b": "x"}},
        {"variables": {"x" * 65: "x"}},
        {"variables": {f"v{i}": "x" for i in range(101)}},
        *({"variables": {"x": text}} for text in BROKEN[2:]),
    ],
)
async def test_unusable_people_are_refused(office: Office, changes: dict[str, Any]) -> None:  # noqa: F811
    values = {"phone": ANN, **changes}
    with pytest.raises(InvalidInput):
        await office.lists.add_person(values.pop("phone"), **values)
    assert await office.lists.people() == []


@pytest.mark.parametrize("text", HOSTILE_LINES)
def test_values_that_a_call_can_carry_stay_as_they_are(text: str) -> None:
    assert check_variables({"x": text}) == {"x": text}


async def test_people_are_paged_and_filtered(office: Office) -> None:  # noqa: F811
    await fill(office)
    await office.lists.save_filter("paris", ["city = paris"])
    first = await office.lists.people(limit=3)
    rest = await office.lists.people(after_id=first[-1].id)
    assert [p.phone for p in (*first, *rest)] == [ANN, BOB, CID, DEE]
    one = await office.lists.people(filter_name="paris", limit=1)
    two = await office.lists.people(filter_name="paris", after_id=one[-1].id)
    assert [p.phone for p in (*one, *two)] == [ANN, BOB]
    with pytest.raises(NotFound):
        await office.lists.people(filter_name="x")


async def test_a_history_is_of_all_numbers_over_all_campaigns(office: Office) -> None:  # noqa: F811
    await office.lists.add_person(BOB, others=[ANN])
    await office.lists.record_consent(ANN, scope="ads", source="x")
    await office.lists.suppress([CID], source="cli")
    other = await office.campaign(BOB, name="other")
    await office.claim(office.campaign_id, "call-1")
    await office.claim(other, "call-2")
    for asked in (ANN, BOB, "0612345678"):
        found = await office.lists.history(asked, region="FR")
        assert found.numbers == (BOB, ANN)
        assert found.person is not None
        assert {(c.attempt.id, c.campaign_name) for c in found.calls} == {
            ("call-1", "c"),
            ("call-2", "other"),
        }
        assert found.consents == (Consent(ANN, "ads", "x", NOW),)
        assert found.suppressions == ()
    assert len((await office.lists.history(ANN, calls=1)).calls) == 1


async def test_who_has_a_number_first_is_shown_first(office: Office) -> None:  # noqa: F811
    await office.lists.add_person(BOB, others=[ANN])
    await office.lists.add_person(ANN)
    person = (await office.lists.history(ANN)).person
    assert person is not None
    assert person.phone == ANN


async def test_a_history_needs_no_entry_in_the_directory(office: Office) -> None:  # noqa: F811
    await office.lists.suppress([CID], source="cli")
    found = await office.lists.history(CID)
    assert (found.person, len(found.suppressions)) == (None, 1)
    with pytest.raises(NotFound):
        await office.lists.history(DEE)
    with pytest.raises(InvalidInput):
        await office.lists.history("hello")


async def test_a_deleted_person_stays_in_campaigns(office: Office) -> None:  # noqa: F811
    await office.lists.add_person(ANN, others=["+33140000001"])
    with pytest.raises(NotFound):
        await office.lists.delete_person("+33140000001")
    assert await office.lists.delete_person("0612345678", region="FR") == ANN
    assert await office.lists.people() == []
    assert await office.status(ANN) == ("pending", None)
    with pytest.raises(NotFound):
        await office.lists.delete_person(ANN)


async def test_people_go_into_a_campaign_with_their_data(office: Office) -> None:  # noqa: F811
    await fill(office)
    target = await office.campaign()
    await office.lists.suppress([BOB], source="cli")
    await office.lists.save_filter("paris", ["city = paris"])
    office.changed.clear()
    done = await office.lists.add_from_directory(target, filter_name="paris")
    assert done == AddResult(added=2, duplicates=0, suppressed=1)
    contacts = await office.store.contacts(target)
    assert [(c.phone, c.others) for c in contacts] == [(ANN, ("+33140000001",)), (BOB, ())]
    assert contacts[0].variables == {"city": "Paris", "age": "17"}
    assert contacts[1].hold is Reason.DO_NOT_CALL
    assert office.changed == [target]


@pytest.mark.parametrize(
    ("how", "count"),
    [
        ({"everybody": True}, 4),
        ({"conditions": ["age < 18"]}, 2),
        ({"conditions": ["age = 9", "age = 40"], "match": Match.ANY}, 2),
        ({"phones": ["06 12 34 56 78", ANN, DEE]}, 2),
    ],
)
async def test_ways_to_choose(office: Office, how: dict[str, Any], count: int) -> None:  # noqa: F811
    await fill(office)
    target = await office.campaign()
    assert (await office.lists.add_from_directory(target, **how)).added == count


async def test_a_number_that_is_there_is_updated_when_told_so(office: Office) -> None:  # noqa: F811
    await fill(office)
    how = {"phones": [ANN]}
    assert (await office.lists.add_from_directory(office.campaign_id, **how)).duplicates == 1
    assert (await office.store.contacts(office.campaign_id, phone=ANN))[0].variables == {}
    done = await office.lists.add_from_directory(
        office.campaign_id, **how, on_duplicate=OnDuplicate.UPDATE
    )
    assert done.updated == 1
    assert (await office.store.contacts(office.campaign_id, phone=ANN))[0].variables["age"] == "17"


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({}, InvalidInput),
        ({"everybody": True, "conditions": ["a = b"]}, InvalidInput),
        ({"filter_name": "x", "phones": [ANN]}, InvalidInput),
        ({"conditions": ["city = Nowhere"]}, InvalidInput),
        ({"conditions": ["nonsense"]}, InvalidInput),
        ({"phones": [ANN, "+33612340000"]}, NotFound),
        ({"phones": ["+33140000001"]}, NotFound),
        ({"phones": ["hello"]}, InvalidInput),
        ({"filter_name": "x"}, NotFound),
    ],
)
async def test_who_cannot_be_chosen(
    office: Office,  # noqa: F811
    how: dict[str, Any],
    error: type[Exception],
) -> None:
    await fill(office)
    target = await office.campaign()
    with pytest.raises(error):
        await office.lists.add_from_directory(target, **how)
    assert await office.store.contacts(target) == []
    assert office.changed == []


async def test_campaigns_that_take_nobody(office: Office) -> None:  # noqa: F811
    await fill(office)
    with pytest.raises(NotFound):
        await office.lists.add_from_directory(99, everybody=True)
    await office.store.move_campaign(office.campaign_id, CampaignEvent.STOPPED, now=NOW)
    with pytest.raises(Conflict):
        await office.lists.add_from_directory(office.campaign_id, everybody=True)


async def test_too_many_are_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    await fill(office)
    target = await office.campaign()
    monkeypatch.setattr(directory, "MOST_MEMBERS", 3)
    with pytest.raises(LimitExceeded):
        await office.lists.add_from_directory(target, everybody=True)
    assert await office.store.contacts(target) == []
