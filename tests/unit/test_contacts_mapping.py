"""Which column becomes what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from contacts_kit import stage_text
from hypothesis import given
from hypothesis import strategies as st

from callcamp.contacts.mapping import MAX_NAME, Mapping, propose, resolve, variable_name
from callcamp.errors import CallcampError, InvalidInput, LimitExceeded


@pytest.mark.parametrize(
    "name",
    [
        *("phone", "phone_number", "Phone Number", "Num_Tel", "tel", "Téléphone", "numéro"),
        *("mobile", "Mobile Phone", "N° de téléphone", "home phone", "customer_telephone", "Handy"),
    ],
)
def test_phone_columns_are_known_by_name(name: str) -> None:
    head = [["12", "Ann", "06 12 34 56 78"], ["13", "Bob", ""]]
    assert propose(["number of house", "name", name], head).phone == name


def test_values_decide_where_names_mislead() -> None:
    head = [["17", "0612345678"], ["4", "+33 6 12 34 56 79"]]
    assert propose(["number", "a"], head).phone == "a"
    assert propose(["phone type", "b"], [["home", "0612345678"]]).phone == "b"
    assert propose(["tel", "mobile"], [["", "0612345678"]]).phone == "mobile"
    assert propose(["tel", "b"], [["", ""]]).phone == "tel"


def test_without_a_mapping_every_other_column_is_a_variable(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "phone_number,First Name,prénom,2nd,%\n0612345678,a,b,c,d\n")
    assert got.variables == [{"First_Name": "a", "prenom": "b", "_2nd": "c", "column_5": "d"}]
    assert got.report["mapping_proposed"]
    assert got.report["unmapped"] == []
    assert {r["wanted"]: r["variable"] for r in got.report["renamed"]} == {
        "First Name": "First_Name",
        "prénom": "prenom",
        "2nd": "_2nd",
        "%": "column_5",
    }


def test_a_mapping_takes_what_it_names_and_shows_the_rest(tmp_path: Path) -> None:
    mapping = Mapping("TEL ", {"first_name": "firstname", "age": "Age in years"})
    got = stage_text(tmp_path, "tel,firstname,city\n0612345678,Ann,Paris\n", mapping=mapping)
    assert got.variables == [{"first_name": "Ann"}]
    assert got.report["unmapped"] == ["city"]
    assert got.report["ignored"] == [{"variable": "age", "column": "Age in years"}]
    assert "Age in years" in got.notes["mapping_ignored"]["text"]
    assert got.report["mapping"] == mapping.as_dict()
    assert not got.report["mapping_proposed"]


def test_a_mapping_may_take_the_rest_as_well(tmp_path: Path) -> None:
    mapping = Mapping("b", {"x": "c"}, rest=True)
    got = stage_text(tmp_path, "a,b,c,x\n1,0612345678,3,4\n", mapping=mapping)
    assert got.variables == [{"x": "3", "a": "1", "x_2": "4"}]


def test_the_phone_may_be_a_variable_too_and_a_column_two_variables(tmp_path: Path) -> None:
    mapping = Mapping("tel", {"as_written": "tel", "a": "n", "b": "n"})
    got = stage_text(tmp_path, "tel,n\n06 12 34 56 78,x\n", mapping=mapping)
    assert got.variables == [{"as_written": "06 12 34 56 78", "a": "x", "b": "x"}]


def test_only_a_phone_is_a_mapping(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "tel,n\n0612345678,x\n", mapping=Mapping("tel"))
    assert got.variables == [{}]
    assert got.report["unmapped"] == ["n"]


def test_a_preset_survives_json() -> None:
    mapping = Mapping("tel", {"a": "b"}, rest=True)
    assert Mapping.from_dict(mapping.as_dict()) == mapping


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"phone": ""},
        {"phone": "  "},
        {"phone": 1},
        {"phone": "a", "variables": []},
        {"phone": "a", "variables": {"x": 1}},
        {"phone": "a", "rest": "yes"},
        {"phone": "a", "more": 1},
    ],
)
def test_what_is_no_preset(data: object) -> None:
    with pytest.raises(InvalidInput):
        Mapping.from_dict(data)


def test_a_call_carries_so_many_variables() -> None:
    with pytest.raises(LimitExceeded):
        Mapping("phone", {f"v{i}": "x" for i in range(101)})


@given(st.lists(st.text(max_size=80), min_size=1, max_size=30))
def test_every_name_becomes_one_that_asterisk_takes(names: list[str]) -> None:
    taken: dict[str, int] = {}
    for i, name in enumerate(names):
        taken[variable_name(name, taken, i)] = i
    assert len(taken) == len(names)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", n) for n in taken)
    assert max(map(len, taken)) <= MAX_NAME


texts = st.text(max_size=12)


@given(
    st.lists(texts, min_size=1, max_size=8, unique=True),
    texts,
    st.dictionaries(texts, texts, max_size=8),
    st.booleans(),
)
def test_a_mapping_uses_shows_or_reports_every_column(
    columns: list[str], phone: str, variables: dict[str, str], rest: bool
) -> None:
    try:
        plan = resolve(Mapping(phone, variables, rest), columns)
    except CallcampError:
        return
    used = {columns[plan.phone], *(columns[i] for _, i in plan.variables)}
    assert used | set(plan.unmapped) == set(columns)
    assert not used & set(plan.unmapped)
    assert not (rest and plan.unmapped)
    found = len(variables) - len(plan.ignored)
    assert len(plan.variables) >= found
    assert len({name for name, _ in plan.variables}) == len(plan.variables)
