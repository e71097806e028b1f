"""What the data of a contact must be like, so that a call can carry them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from callcamp.contacts.mapping import MAX_NAME, MAX_VARIABLES
from callcamp.contacts.rows import MAX_VALUE_BYTES
from callcamp.engine.checks import shorten
from callcamp.errors import InvalidInput, LimitExceeded

_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{MAX_NAME - 1}}}")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def check_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of variables that a call can carry; outer blanks of values go.

    Raises:
        InvalidInput: a name is none for Asterisk, or a value is too long or has control
            characters.
        LimitExceeded: there are too many.
    """
    if len(variables) > MAX_VARIABLES:
        raise LimitExceeded(
            f"There are {len(variables)} variables; a call can carry {MAX_VARIABLES}.",
            limit="max_variables",
            value=len(variables),
        )
    for name, value in variables.items():
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"The name of the variable {shorten(name)} cannot be used; give 1 to {MAX_NAME} "
                "letters, digits and underscores, no digit first.",
                field="variables",
                value=name,
            )
        if _CONTROLS.search(value) or len(value.encode()) > MAX_VALUE_BYTES:
            raise InvalidInput(
                f"The variable {name} is {shorten(value)}; give one line of at most "
                f"{MAX_VALUE_BYTES} bytes, without control characters.",
                field=f"variables.{name}",
                value=value,
            )
    return {name: value.strip() for name, value in variables.items()}
