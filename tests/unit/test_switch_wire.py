"""AMI as bytes, and orders as AMI."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcamp.errors import InvalidInput, LimitExceeded
from callcamp.ports import CallOrder
from callcamp.switch import ATTEMPT_PREFIX, is_attempt_id
from callcamp.switch.orders import encode_order, order_action_id, ordered_attempt, variable
from callcamp.switch.wire import HEADER_LIMIT, LINE_LIMIT, check_text, encode_action, parse_block

ATTEMPT = "cc-" + "0123456789abcdef" * 2
CHANNEL = "PJSIP/+33612345678@carrier"

any_text = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))


def as_asterisk_splits(header: str) -> list[tuple[str, str]]:
    """What ``man_do_variable_value`` makes of a ``Variable:`` header (Asterisk 22)."""
    pieces, piece, parens, brackets, quoted = [], "", 0, 0, False
    text = iter(header.lstrip())
    for character in text:
        if character == "\\":
            piece += next(text, "")
            continue
        if character == '"':
            quoted = not quoted
            continue
        if character == "," and not (parens or brackets or quoted):
            pieces.append(piece)
            piece = ""
            continue
        parens = max(0, parens + {"(": 1, ")": -1}.get(character, 0))
        brackets = max(0, brackets + {"[": 1, "]": -1}.get(character, 0))
        piece += character
    pieces.append(piece)
    found = (one.partition("=") for one in pieces)
    return [(name, value) for name, equals, value in found if equals and name]


@settings(deadline=None)
@given(any_text)
def test_a_value_arrives_unchanged_and_sets_nothing_else(value: str) -> None:
    header, text = variable("CC_VAR_x", value)
    assert header == "Variable"
    assert as_asterisk_splits(text) == [("CC_VAR_x", value)]


def test_unescaped_it_would_not() -> None:
    hostile = "A,CHANNEL(hangup_handler_push)=x"
    assert as_asterisk_splits(f"CC_VAR_x={hostile}") == [
        ("CC_VAR_x", "A"),
        ("CHANNEL(hangup_handler_push)", "x"),
    ]


def headers_of(data: bytes) -> list[tuple[str, str]]:
    assert data.endswith(b"\r\n\r\n")
    lines = data.decode().removesuffix("\r\n\r\n").split("\r\n")
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


def test_an_order_as_headers() -> None:
    order = CallOrder(ATTEMPT, CHANNEL, 30, "+33100000000", {"CC_PROMPT": "a,b"})
    assert headers_of(encode_order(order)) == [
        ("Action", "Originate"),
        ("ActionID", f"orig-{ATTEMPT}"),
        ("Channel", CHANNEL),
        ("ChannelId", ATTEMPT),
        ("Timeout", "30000"),
        ("Context", "callcamp-answered"),
        ("Exten", "s"),
        ("Priority", "1"),
        ("Async", "true"),
        ("Variable", r"CHANNEL(hangup_handler_push)=callcamp-hangup\,s\,1"),
        ("Variable", f"CC_ATTEMPT={ATTEMPT}"),
        ("Variable", "CC_RING_TIMEOUT_S=30"),
        ("CallerID", "+33100000000"),
        ("Variable", r"CC_PROMPT=a\,b"),
    ]


@pytest.mark.parametrize(
    "name",
    ["", "1A", "CHANNEL(hangup_handler_push)", "A=B", "A B", "___A", "A,B", "DB(x/y)", "É", "A\n"],
)
def test_only_plain_variables_can_be_set(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        encode_order(CallOrder(ATTEMPT, CHANNEL, 30, variables={name: "x"}))
    assert caught.value.details == {"field": "variables", "value": name}


@pytest.mark.parametrize("name", ["CC_ATTEMPT", "_CC_ATTEMPT", "__CC_RING_TIMEOUT_S"])
def test_our_own_variables_cannot_be_set(name: str) -> None:
    with pytest.raises(InvalidInput):
        encode_order(CallOrder(ATTEMPT, CHANNEL, 30, variables={name: "x"}))


@pytest.mark.parametrize(
    "channel",
    [
        "",
        "PJSIP",
        "PJSIP/",
        "/x",
        "PJSIP/a b",
        "PJSIP/a,b",
        "PJSIP/a&PJSIP/b",
        'PJSIP/"a"@b',
        "PJSIP/${EPOCH}@b",
        "PJSIP/\u0661@b",
        "PJSIP/" + "1" * 250,
    ],
)
def test_bad_channels(channel: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        encode_order(CallOrder(ATTEMPT, channel, 30))
    assert caught.value.details == {"field": "channel", "value": channel}


@pytest.mark.parametrize("channel", [CHANNEL, "PJSIP/carrier/sip:+33@10.0.0.1:5060;user=phone"])
def test_good_channels(channel: str) -> None:
    assert ("Channel", channel) in headers_of(encode_order(CallOrder(ATTEMPT, channel, 30)))


def test_a_ring_timeout_is_positive() -> None:
    with pytest.raises(InvalidInput):
        encode_order(CallOrder(ATTEMPT, CHANNEL, 0))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (ATTEMPT, True),
        (ATTEMPT_PREFIX + "0" * 26, True),
        (ATTEMPT_PREFIX + "0198c2f4-7d5e-7c3a-9b1d-2e4f6a8b0c1d", True),
        (ATTEMPT_PREFIX + "0" * 25, False),
        (ATTEMPT_PREFIX + "0" * 41, False),
        (ATTEMPT_PREFIX + "A" * 30, False),
        (ATTEMPT + "\n", False),
        (ATTEMPT + ";2", False),
        ("1700000000.12", False),
        ("", False),
    ],
)
def test_attempt_ids(text: str, good: bool) -> None:
    assert is_attempt_id(text) is good
    assert (ordered_attempt({"ActionID": order_action_id(text)}) == text) is good
    if not good:
        with pytest.raises(InvalidInput):
            encode_order(CallOrder(text, CHANNEL, 30))


def test_the_longest_line_and_one_byte_more() -> None:
    room = LINE_LIMIT - len("Name: ")
    assert encode_action([("Action", "x"), ("Name", "é" * (room // 2))])
    with pytest.raises(LimitExceeded) as caught:
        encode_action([("Action", "x"), ("Name", "é" * (room // 2) + "x")])
    assert caught.value.details["field"] == "Name"


def test_too_long_a_variable_is_named() -> None:
    with pytest.raises(LimitExceeded) as caught:
        encode_order(CallOrder(ATTEMPT, CHANNEL, 30, variables={"CC_A": "x", "CC_B": "," * 600}))
    assert caught.value.details["field"] == "CC_B"
    assert caught.value.details["value"] == "," * 600


def test_too_many_variables() -> None:
    room = HEADER_LIMIT - len(headers_of(encode_order(CallOrder(ATTEMPT, CHANNEL, 30))))
    variables = {f"CC_VAR_{index}": "x" for index in range(room)}
    encode_order(CallOrder(ATTEMPT, CHANNEL, 30, variables=variables))
    with pytest.raises(LimitExceeded):
        encode_order(CallOrder(ATTEMPT, CHANNEL, 30, variables={**variables, "CC_MORE": "x"}))


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\ud800"])
def test_every_value_and_name_is_checked(bad: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        encode_action([("Action", "x"), ("Name", bad)])
    assert caught.value.details["field"] == "Name"
    with pytest.raises(InvalidInput):
        encode_action([("Action", "x"), (f"Na{bad}me", "x")])
    with pytest.raises(InvalidInput):
        check_text("field", bad)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.from_regex(re.compile(r"[A-Za-z]{1,9}", re.ASCII), fullmatch=True), any_text),
        min_size=1,
    )
)
def test_what_is_written_reads_the_same(headers: list[tuple[str, str]]) -> None:
    expected: dict[str, str] = {}
    for name, value in headers:
        expected[name] = f"{expected[name]}\n{value}" if name in expected else value
    assert parse_block(encode_action(headers).removesuffix(b"\r\n\r\n")) == expected


def test_what_is_no_header_is_skipped() -> None:
    assert parse_block(b"Event: X\r\nnonsense\r\nA:\r\nB: \r\nC: d: e\r\nF: \xff") == {
        "Event": "X",
        "A": "",
        "B": "",
        "C": "d: e",
        "F": "\ufffd",
    }
