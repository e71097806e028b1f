"""The fields of a form as they were sent."""

from __future__ import annotations

import pytest
from multidict import MultiDict

from callcamp.core.agents import PhoneKind
from callcamp.errors import InvalidInput
from callcamp.http.sent import choice_of


def test_a_choice_is_read() -> None:
    assert choice_of(MultiDict({"phone": " sip "}), "phone", PhoneKind) is PhoneKind.SIP


@pytest.mark.parametrize("sent", [{}, {"phone": ""}, {"phone": "SIP"}, {"phone": b"sip"}])
def test_what_is_no_choice_is_refused(sent: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="choose one of sip, browser, external") as refused:
        choice_of(MultiDict(sent), "phone", PhoneKind)
    assert refused.value.details["field"] == "phone"


def test_what_was_sent_is_told_shortened() -> None:
    with pytest.raises(InvalidInput) as refused:
        choice_of(MultiDict({"phone": "x" * 1000}), "phone", PhoneKind)
    assert len(refused.value.message) < 120
