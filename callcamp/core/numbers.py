"""Phone numbers: normalise to E.164 or refuse with a reason.

Rules and metadata are those of Google's libphonenumber (the ``phonenumbers`` package).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import phonenumbers

from callcamp.errors import InvalidInput


class NumberProblem(StrEnum):
    """Why a text is not a number that can be called."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    NO_COUNTRY = "no_country"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NOT_VALID = "not_valid"


PROBLEM_TEXT: dict[NumberProblem, str] = {
    NumberProblem.EMPTY: "no phone number",
    NumberProblem.NOT_A_NUMBER: "not a phone number",
    NumberProblem.NO_COUNTRY: "no country code, and the campaign has no default country",
    NumberProblem.TOO_SHORT: "too short for a phone number",
    NumberProblem.TOO_LONG: "too long for a phone number",
    NumberProblem.NOT_VALID: "no such number range in that country",
}
"""Every problem in words."""


@dataclass(frozen=True, slots=True)
class RefusedNumber:
    """A text that is no callable number, and why."""

    text: str
    problem: NumberProblem


_PARSE_PROBLEM: dict[int, NumberProblem] = {
    phonenumbers.NumberParseException.INVALID_COUNTRY_CODE: NumberProblem.NO_COUNTRY,
    phonenumbers.NumberParseException.NOT_A_NUMBER: NumberProblem.NOT_A_NUMBER,
    phonenumbers.NumberParseException.TOO_SHORT_AFTER_IDD: NumberProblem.TOO_SHORT,
    phonenumbers.NumberParseException.TOO_SHORT_NSN: NumberProblem.TOO_SHORT,
    phonenumbers.NumberParseException.TOO_LONG: NumberProblem.TOO_LONG,
}


def check_region(region: str) -> str:
    """Return ``region`` in capitals.

    Raises:
        InvalidInput: it is not an ISO 3166 country that libphonenumber knows.
    """
    upper = region.upper()
    if upper not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidInput(
            f"{region!r} is not a country; give two letters such as US, GB or FR.",
            field="default_region",
            value=region,
        )
    return upper


def normalise(text: str, region: str | None) -> str | RefusedNumber:
    """Return ``text`` as E.164 (``+33612345678``), or why it cannot be called.

    Args:
        text: a number as people write it.
        region: ISO 3166 country for numbers without a country code.
    """
    if not text or not text.strip():
        return RefusedNumber(text, NumberProblem.EMPTY)
    if len(text) > 250:
        return RefusedNumber(text, NumberProblem.TOO_LONG)
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        problem = _PARSE_PROBLEM.get(error.error_type, NumberProblem.NOT_A_NUMBER)
        return RefusedNumber(text, problem)
    if parsed.extension or not phonenumbers.is_valid_number(parsed):
        return RefusedNumber(text, NumberProblem.NOT_VALID)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
