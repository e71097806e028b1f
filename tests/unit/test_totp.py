"""One-time codes, against the vectors of RFC 6238 and RFC 4226."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.totp import STEP_S, code_at, decoded, encoded, step_of, uri

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238(at_s: int, code: str) -> None:
    assert code_at(SECRET, at_s // STEP_S, 8) == code
    assert step_of(SECRET, code[2:], at_s) == at_s // STEP_S


def test_the_vectors_of_rfc_4226() -> None:
    codes = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489"
    assert [code_at(SECRET, n) for n in range(10)] == codes.split()


def test_a_phone_may_be_one_step_early_or_late() -> None:
    now = 1_800_000_015
    step = now // STEP_S
    found = [step_of(SECRET, code_at(SECRET, step + n), now) for n in range(-2, 3)]
    assert found == [None, step - 1, step, step + 1, None]


def test_blanks_do_not_matter() -> None:
    assert step_of(SECRET, " 287 082 ", 59) == 1


@pytest.mark.parametrize(
    "code",
    ["", "28708", "2870820", "２８７０８２", "28708a", "-87082", "\ud83d", "287082\0", "9" * 99],
)
def test_what_is_no_code_is_not_right(code: str) -> None:
    assert step_of(SECRET, code, 59) is None


@given(st.binary(min_size=20, max_size=20))
def test_secrets_are_read_as_they_are_written(secret: bytes) -> None:
    text = encoded(secret)
    assert len(text) == 32
    assert decoded(text) == secret


@pytest.mark.parametrize("secret", ["", "A", "A" * 31, "A" * 33, "a" * 32, "1" * 32, "é" * 32])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    assert decoded(secret) is None


def test_an_app_reads_account_and_secret() -> None:
    parts = urlsplit(uri("ABC", "a@b:c/d?e&f"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/callcamp:a@b:c/d?e&f"
    assert parse_qs(parts.query) == {
        "secret": ["ABC"],
        "issuer": ["callcamp"],
        "digits": ["6"],
        "period": ["30"],
    }
