"""What the agents' side of a campaign may be like, and its form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import MultiDict
from settings_values import FULL

from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.script_checks import ELEMENTS_MOST, TEXT_MOST, check_script
from callcamp.core.scripts import CallScript, Element, ElementKind, ShowIf
from callcamp.engine.agent_checks import check_agents, check_outcomes_exist, missing_agents
from callcamp.engine.checks import check_settings
from callcamp.engine.forms import settings_as_dict, settings_from_dict
from callcamp.errors import InvalidInput
from callcamp.http.agent_form import AgentForm, ScriptRow
from callcamp.http.forms import CampaignForm

K = ElementKind
ASKED = Element(K.CHECKBOX, "Has a car", "car")
BRAND = Element(K.CHOICE, "Which?", "brand", ("Renault", "Other"))


def refused(agents: AgentSettings) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        check_agents(agents)
    error = caught.value
    assert error.message.startswith(str(error.details["field"]))
    assert error.message.endswith(".")
    return error


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("pickup_rate", [0.01, 1.0], [0.0, -0.5, 1.01]),
        ("abandon_cap", [0.0, 0.1], [-0.01, 0.11]),
        ("connect_limit_s", [0.5, 10.0], [0.4, 10.1]),
        ("wait_most_s", [1, 3600], [0, 3601]),
        ("callback_after_s", [0, 604_800], [-1, 604_801]),
        ("before_call_work_s", [0, 3600], [-1, 3601]),
        ("agent_ring_timeout_s", [3, 120], [2, 121]),
        ("wrap_up_s", [0, 3600], [-1, 3601]),
        ("queue", ["", "a", "Renewals_2-x", "x" * 64], ["a b", "a,b", "a\n", "ä", "x" * 65]),
        ("music", ["default", "quiet-1"], ["", "a b", "a/b"]),
        ("safe_harbour", [None, "callcamp/sorry"], ["", "a b", "../x", "a,b"]),
        ("announcement", [None, "hello"], ["a&b"]),
        ("no_agent_message", [None, "hello"], ["${X}"]),
        (
            "transfer_numbers",
            [(), ("+33142685300", "+33 1 42 68 53 00", "+3314268*", "FR", "fr")],
            [
                ("0142685300",),
                ("+3*",),
                ("*",),
                ("+33*1",),
                ("XX",),
                ("",),
                ("FR\0",),
                ("FR",) * 201,
            ],
        ),
        ("outcomes", [(), ("sold", "not_now")], [("Sold",), ("a", "a"), ("x y",)]),
    ],
)
def test_every_value_has_its_range(name: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        check_agents(replace(AgentSettings(), **{name: value}))
    for value in bad:
        error = refused(replace(AgentSettings(), **{name: value}))
        assert error.details["field"] == f"agents.{name}", value


def test_a_needed_disposition_needs_some_to_choose_from() -> None:
    error = refused(AgentSettings(outcome_required=True))
    assert error.details["field"] == "agents.outcome_required"
    check_agents(AgentSettings(outcome_required=True, outcomes=("sold",)))


def test_all_of_a_campaigns_settings_are_checked_together() -> None:
    plain = CampaignSettings("x", 1)
    check_settings(plain)
    with pytest.raises(InvalidInput, match=r"agents\.wrap_up_s"):
        check_settings(replace(plain, agents=AgentSettings(wrap_up_s=-1)))


def test_agents_choose_from_what_there_is() -> None:
    agents = AgentSettings(outcomes=("sold", "gone"))
    check_outcomes_exist(agents, {"sold", "gone", "more"})
    with pytest.raises(InvalidInput, match=r"'gone'.*there are sold") as caught:
        check_outcomes_exist(agents, {"sold"})
    assert caught.value.details == {"field": "agents.outcomes", "value": "gone"}
    with pytest.raises(InvalidInput, match="none yet"):
        check_outcomes_exist(agents, set())


def test_a_campaign_with_agents_needs_some() -> None:
    agents = AgentSettings(method=DialMethod.AGENT_FIRST)
    assert missing_agents(agents, 1) == {}
    assert "agent first needs some" in missing_agents(agents, 0)["agents"]


class TestScript:
    @pytest.mark.parametrize(
        ("elements", "place", "words"),
        [
            ([Element(K.SENTENCE, " ")], "0.text", "characters"),
            ([Element(K.SENTENCE, "x" * (TEXT_MOST + 1))], "0.text", "characters"),
            ([Element(K.SENTENCE, "a\0b")], "0.text", "control characters"),
            ([Element(K.SENTENCE, "Hello", "x")], "0.name", "leave its name out"),
            ([Element(K.SENTENCE, "Hello", required=True)], "0.required", "no answer"),
            ([Element(K.TEXT, "Who?")], "0.name", "letters, digits"),
            ([Element(K.TEXT, "Who?", "9x")], "0.name", "letters, digits"),
            ([Element(K.TEXT, "Who?", "a b")], "0.name", "letters, digits"),
            ([Element(K.TEXT, "Who?", "cc_campaign")], "0.name", "no CC_ first"),
            ([ASKED, replace(BRAND, name="car")], "1.name", "another element"),
            ([Element(K.TEXT, "Who?", "x", ("a",))], "0.options", "only choice and choices"),
            ([replace(BRAND, options=())], "0.options", "1 to 100"),
            ([replace(BRAND, options=("a",) * 101)], "0.options", "1 to 100"),
            ([replace(BRAND, options=("a", "a"))], "0.options", "once"),
            ([replace(BRAND, options=(" a",))], "0.options", "blanks"),
            ([replace(BRAND, options=("",))], "0.options", "1 to 200"),
            ([replace(BRAND, options=("a;b",))], "0.options", "semicolons"),
            ([replace(BRAND, options=("a\nb",))], "0.options", "one line"),
            ([replace(BRAND, show_if=ShowIf("car", ("yes",))), ASKED],
             "0.show_if.name", "comes before: none"),
            ([ASKED, replace(BRAND, show_if=ShowIf("brand", ("x",)))],
             "1.show_if.name", "comes before: car"),
            ([ASKED, replace(BRAND, show_if=ShowIf("car", ()))], "1.show_if.values", "answers"),
            ([ASKED, replace(BRAND, show_if=ShowIf("car", ("maybe",)))],
             "1.show_if.values", "yes or no"),
            ([BRAND, replace(ASKED, show_if=ShowIf("brand", ("Fiat",)))],
             "1.show_if.values", "Renault or Other"),
            ([Element(K.TEXT, "Who?", "who"), replace(ASKED, show_if=ShowIf("who", ("a\n",)))],
             "1.show_if.values", "1 to 200"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_named_by_its_place(
        self, elements: list[Element], place: str, words: str
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            check_script(CallScript(tuple(elements)))
        assert caught.value.details["field"] == f"agents.script.elements.{place}"
        assert words in caught.value.message
        assert len(caught.value.message) < 400

    def test_a_script_may_be_long_and_no_longer(self) -> None:
        line = Element(K.SENTENCE, "x" * TEXT_MOST)
        check_script(CallScript((line,) * ELEMENTS_MOST))
        with pytest.raises(InvalidInput, match="give 200 at most"):
            check_script(CallScript((line,) * (ELEMENTS_MOST + 1)))

    def test_whole_scripts_are_taken(self) -> None:
        check_script(FULL.agents.script)
        check_script(
            CallScript(
                (
                    Element(K.TEXT, "Who is\nthere, {name}?", "_who", required=True),
                    Element(K.LONG_TEXT, "Notes", "notes", show_if=ShowIf("_who", ("Ada Ö",))),
                    replace(BRAND, kind=K.CHOICES),
                    replace(ASKED, show_if=ShowIf("brand", ("Other", "Renault"))),
                    Element(K.SENTENCE, "Bye", show_if=ShowIf("car", ("no",))),
                )
            )
        )


words = st.text("abc Ö=+<&'\"{}", min_size=1, max_size=12).map(str.strip).filter(bool)


def rows_of(form: AgentForm) -> list[tuple[str, str]]:
    """The fields as a browser sends them."""
    sent = [
        (f"agents.{name}", value)
        for name in AgentForm.__dataclass_fields__
        if isinstance(value := getattr(form, name), str)
    ]
    sent += [("agents.outcomes", name) for name in form.outcomes]
    if form.outcome_required:
        sent.append(("agents.outcome_required", "1"))
    for row in form.rows:
        sent += [
            (f"script.{name}", getattr(row, name).replace("\n", "\r\n"))
            for name in ScriptRow.__dataclass_fields__
        ]
    return sent


@st.composite
def scripts(draw: st.DrawFn) -> CallScript:
    elements: list[Element] = []
    asked: list[Element] = []
    for n in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(K))
        closed = kind in {K.CHOICE, K.CHOICES}
        options = draw(st.lists(words, min_size=1, max_size=3, unique=True)) if closed else []
        show_if = None
        if asked and draw(st.booleans()):
            other = draw(st.sampled_from(asked))
            known = other.options or ("yes", "no")
            show_if = ShowIf(other.name, (draw(st.sampled_from(known)),))
        name = "" if kind is K.SENTENCE else f"q{n}"
        required = draw(st.booleans()) and kind is not K.SENTENCE
        element = Element(kind, draw(words), name, tuple(options), required, show_if)
        elements.append(element)
        if name:
            asked.append(element)
    return CallScript(tuple(elements))


agent_settings = st.builds(
    AgentSettings,
    method=st.sampled_from(DialMethod),
    queue=st.sampled_from(["", "renewals"]),
    pickup_rate=st.integers(1, 1000).map(lambda n: n / 1000),
    abandon_cap=st.integers(0, 100).map(lambda n: n / 1000),
    connect_limit_s=st.integers(5, 100).map(lambda n: n / 10),
    safe_harbour=st.none() | st.just("callcamp/sorry"),
    wait_most_s=st.integers(1, 3600),
    callback_after_s=st.integers(0, 604_800),
    wrap_up_s=st.integers(0, 3600),
    script=scripts(),
    outcomes=st.sampled_from([("sold",), ("sold", "gone")]),
    outcome_required=st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(agent_settings)
def test_the_form_shows_and_reads_all_of_it(agents: AgentSettings) -> None:
    check_agents(agents)
    data = MultiDict([*rows_of(AgentForm.of(agents)), ("name", "Spring"), ("trunk_id", "1")])
    form = AgentForm.read(data)
    assert form is not None
    read = settings_from_dict({"agents": form.raw()}, CampaignSettings("x", 1))
    assert read.agents == agents
    plain = settings_as_dict(read)["agents"]
    assert settings_from_dict({"agents": plain}, CampaignSettings("x", 1)).agents == agents


def test_a_form_without_the_agents_part_leaves_them_alone() -> None:
    form = CampaignForm.of(FULL)
    assert form.agents is not None
    kept = replace(form, agents=None).settings(FULL)
    assert kept.agents == FULL.agents
    assert AgentForm.read(MultiDict([("name", "x")])) is None


@pytest.mark.parametrize(
    ("field", "text", "path"),
    [
        ("wrap_up_s", "soon", "agents.wrap_up_s"),
        ("wrap_up_s", "-1", "agents.wrap_up_s"),
        ("pickup_rate", "half", "agents.pickup_rate"),
        ("abandon_cap", "nan", "agents.abandon_cap"),
        ("connect_limit_s", "", "agents.connect_limit_s"),
        ("method", "magic", "agents.method"),
    ],
)
def test_what_cannot_be_read_is_named(field: str, text: str, path: str) -> None:
    form = replace(AgentForm.of(AgentSettings()), **{field: text})
    with pytest.raises(InvalidInput) as caught:
        settings_from_dict({"agents": form.raw()}, CampaignSettings("x", 1))
    assert caught.value.details["field"] == path


def test_what_people_write_is_understood() -> None:
    form = replace(
        AgentForm.of(AgentSettings()), pickup_rate="37,5 %", connect_limit_s="1,5", abandon_cap="0"
    )
    agents = settings_from_dict({"agents": form.raw()}, CampaignSettings("x", 1)).agents
    assert (agents.pickup_rate, agents.connect_limit_s, agents.abandon_cap) == (0.375, 1.5, 0.0)


def test_rows_that_were_left_empty_are_none() -> None:
    data = MultiDict(rows_of(AgentForm.of(AgentSettings())))
    for name in ScriptRow.__dataclass_fields__:
        data.add(f"script.{name}", getattr(ScriptRow(), name))
    form = AgentForm.read(data)
    assert form is not None
    assert form.rows == ()
