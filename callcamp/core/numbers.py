"""Phone numbers: normalise to E.164 or refuse with a reason.

Rules and metadata are those of Google's libphonenumber (the ``phonenumbers`` package).
:func:`normalise` asks it directly; :class:`Normaliser` gives the same answers much faster
for the forms in which numbers are usually written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc

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


_LENGTH_PROBLEM: dict[int, NumberProblem] = {
    phonenumbers.ValidationResult.TOO_SHORT: NumberProblem.TOO_SHORT,
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NumberProblem.TOO_SHORT,
    phonenumbers.ValidationResult.TOO_LONG: NumberProblem.TOO_LONG,
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
    if parsed.extension:
        return RefusedNumber(text, NumberProblem.NOT_VALID)
    if not phonenumbers.is_valid_number(parsed):
        length = phonenumbers.is_possible_number_with_reason(parsed)
        return RefusedNumber(text, _LENGTH_PROBLEM.get(length, NumberProblem.NOT_VALID))
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


class Normaliser:
    """:func:`normalise` for one region and many numbers.

    Libphonenumber's rules become regular expressions, once. They decide only where they are
    sure to decide like :func:`normalise`; everything else goes there.

    Args:
        region: ISO 3166 country for numbers without a country code.
    """

    def __init__(self, region: str | None) -> None:
        self.region = region
        self._national, self._nowhere, self._plus_code = _national_patterns(region)
        self._exit_code = _plain_exit_code(region)

    def __call__(self, text: str) -> str | RefusedNumber:
        """Return what :func:`normalise` returns for this region."""
        return self.many((text,))[0]

    def many(self, texts: Sequence[str]) -> list[str | RefusedNumber]:
        """Return the result for each text, in order."""
        # One translate() for all: its set-up costs more than a number does.
        bare_texts = "\n".join(texts).translate(_SEPARATORS).split("\n")
        if len(bare_texts) != len(texts):
            bare_texts = [text.translate(_SEPARATORS) for text in texts]
        national, plus_code, exit_code = self._national, self._plus_code, self._exit_code
        results: list[str | RefusedNumber] = []
        for text, bare in zip(texts, bare_texts, strict=True):
            refuse, rest = self._nowhere, bare
            if bare[:1] == "+":
                code, length, pattern, refuse = _calling_code(bare[1:4])
                rest = bare[length:]
                match = pattern(rest)
            elif match := national(bare):
                code = plus_code
            elif exit_code and bare.startswith(exit_code):
                code, length, pattern, refuse = _calling_code(bare[len(exit_code) :][:3])
                rest = bare[len(exit_code) + length - 1 :]
                match = pattern(rest)
            if match:
                results.append(code + match[match.lastindex or 0])
            elif refuse(rest):
                results.append(RefusedNumber(text, NumberProblem.NOT_VALID))
            else:
                results.append(normalise(text, self.region))
        return results


_SEPARATORS = {ord(c): None for c in " -.()/\u00a0"}
"""Punctuation that libphonenumber skips wherever it stands in a number."""

_Match = Callable[[str], "re.Match[str] | None"]


def _no_match(_text: str) -> re.Match[str] | None:
    """Accept nothing."""
    return None


def _described(desc: PhoneNumberDesc | None) -> str | None:
    """Return an expression for the numbers that a description takes; None: it takes none."""
    if desc is None or not desc.national_number_pattern:
        return None
    whole = rf"(?:{desc.national_number_pattern})\Z"
    if not desc.possible_length:
        return whole
    lengths = "|".join(rf"[0-9]{{{n}}}\Z" for n in desc.possible_length)
    return f"(?={lengths}){whole}"


def _valid(metadata: PhoneMetadata) -> str | None:
    """Return an expression for the numbers that exist in one region."""
    general = _described(metadata.general_desc)
    kinds = (
        metadata.mobile,
        metadata.fixed_line,
        metadata.toll_free,
        metadata.premium_rate,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
    )
    some = dict.fromkeys(text for text in map(_described, kinds) if text)
    return f"(?={general})(?:{'|'.join(some)})" if general and some else None


def _valid_under(calling_code: int) -> str | None:
    """Return an expression for the numbers that exist under a calling code.

    Where regions share a code the first one decides whose leading digits fit or, if it has
    none, that has such a number: so ``region_code_for_number`` does it.
    """
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code]
    ways: list[str] = []
    passed = ""
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region, None)
        if metadata is None:
            return None
        leading = metadata.leading_digits if len(regions) > 1 else None
        if valid := _valid(metadata):
            ways.append(passed + (f"(?={leading})" if leading else "") + valid)
        if leading:
            passed += f"(?!{leading})"
    return "|".join(ways) or None


def _unknown_forms(metadata: PhoneMetadata, main_general: str) -> str | None:
    """Return an expression for what has the shape of a national number, valid or not.

    What of this shape :func:`_national_forms` does not take is no valid number, and its
    length is not to blame: the national prefix is stripped for sure, or there is none.
    """
    general = _described(metadata.general_desc)
    if general is None:
        return None
    shape = f"(?={main_general})(?:{general})"
    prefix = metadata.national_prefix_for_parsing
    if not prefix:
        return shape
    bare = f"(?!(?:{_no_groups(prefix)})(?<=[0-9])){shape}"
    if not metadata.national_prefix_transform_rule:
        return f"(?>{_no_groups(prefix)}){shape}|{bare}"
    return bare


def _national_forms(metadata: PhoneMetadata, valid: str) -> str:
    """Return an expression for a national number; the number itself is the last group.

    A national prefix is taken only when what follows is a number by itself: then
    libphonenumber strips it, always (as much of it as matches alone: an atomic group). A
    prefix that rewrites the number is left out, one that matches the empty text is none.
    """
    prefix = metadata.national_prefix_for_parsing
    if not prefix:
        return f"({valid})"
    bare = f"(?!(?:{_no_groups(prefix)})(?<=[0-9]))({valid})"
    general = _described(metadata.general_desc)
    if not metadata.national_prefix_transform_rule and general:
        return f"(?>{_no_groups(prefix)})(?={general})({valid})|{bare}"
    return bare


def _no_groups(pattern: str) -> str:
    """Return ``pattern`` without capturing groups, so that ours keep their numbers."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)


@lru_cache(maxsize=2048)
def _calling_code(digits: str) -> tuple[str, int, _Match, _Match]:
    """Return what the first three digits of an international number say.

    That is ``+code``, its length, and the matchers of :func:`_matchers` for what follows.
    """
    for length in (1, 2, 3):
        text = digits[:length]
        plain = text.isascii() and text.isdecimal() and text[0] != "0"
        code = int(text) if plain else 0
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return f"+{code}", length + 1, *_matchers(code)
    return "", 0, _no_match, _no_match


@cache
def _matchers(calling_code: int) -> tuple[_Match, _Match]:
    """Return the matchers of numbers that are, and are not, valid under a calling code."""
    metadata = _main_metadata(calling_code)
    general = _described(metadata.general_desc) if metadata else None
    valid = _valid_under(calling_code)
    if metadata is None or valid is None or general is None:
        return _no_match, _no_match
    unknown = _unknown_forms(metadata, general)
    return _compiled(_national_forms(metadata, valid)), _compiled(unknown)


def _main_metadata(calling_code: int) -> PhoneMetadata | None:
    """Return the rules of the region that stands for a calling code."""
    main = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code][0]
    return PhoneMetadata.metadata_for_region(main, None)


def _compiled(pattern: str | None) -> _Match:
    """Return the matcher of an expression; of None, one that accepts nothing."""
    return re.compile(pattern, re.ASCII).match if pattern else _no_match


@cache
def _national_patterns(region: str | None) -> tuple[_Match, _Match, str]:
    """Return matchers of numbers written within a region, valid or not, and its ``+code``.

    Numbers after an exit code are left out. Digits that begin with the region's own calling
    code are taken for it only when the whole is no number of the region and the rest is.
    """
    metadata = PhoneMetadata.metadata_for_region(region, None) if region else None
    code = (metadata.country_code if metadata else None) or 0
    valid = _valid_under(code) if code else None
    general = _described(metadata.general_desc) if metadata else None
    if metadata is None or valid is None or general is None:
        return _no_match, _no_match, ""
    abroad = _no_groups(metadata.international_prefix or "")
    at_home = (f"(?!{abroad})" if abroad else "") + f"(?:(?!{code})|(?={general}))"
    ways = f"{at_home}(?:{_national_forms(metadata, valid)})"
    if phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code][0] == region:
        prefix = metadata.national_prefix_for_parsing
        unprefixed = f"(?!{_no_groups(prefix)})" if prefix else ""
        not_abroad = f"(?!{abroad})" if abroad else ""
        ways += f"|{not_abroad}(?!{general}){code}{unprefixed}(?={general})({valid})"
    main = _main_metadata(code)
    main_general = _described(main.general_desc) if main else None
    unknown = _unknown_forms(metadata, main_general) if main_general else None
    nowhere = f"{at_home}(?:{unknown})" if unknown else None
    return _compiled(ways), _compiled(nowhere), f"+{code}"


def _plain_exit_code(region: str | None) -> str:
    """Return the digits dialled before a calling code, if they are always the same."""
    metadata = PhoneMetadata.metadata_for_region(region, None) if region else None
    prefix = metadata.international_prefix if metadata else None
    return prefix if prefix and prefix.isdecimal() else ""
