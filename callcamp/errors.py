"""The one family of errors.

Every error that callcamp raises on purpose is a :class:`CallcampError`: it has a stable
``id`` that programs may rely on, a sentence for people, and details for both. Errors know
nothing of HTTP or of the command line; those turn them into their own shapes.
"""

from __future__ import annotations

from typing import Any, ClassVar


class CallcampError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: what is wrong and what to do about it, as a sentence for people.
        details: facts for programs (field names, values, limits); JSON-able values only.
    """

    id: ClassVar[str] = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details

    def as_dict(self) -> dict[str, Any]:
        """Return ``{"id", "message", "details"}``, the one shape shown to the outside."""
        return {"id": self.id, "message": self.message, "details": self.details}


class InvalidInput(CallcampError):
    """A value that was given is not acceptable; details name ``field`` and ``value``."""

    id = "invalid_input"


class NotFound(CallcampError):
    """The named thing does not exist; details name ``kind`` and ``key``."""

    id = "not_found"


class Conflict(CallcampError):
    """The action does not fit what is there now (someone else holds it, it changed)."""

    id = "conflict"


class IllegalTransition(Conflict):
    """A state table has no such step; details name ``machine``, ``state`` and ``event``."""

    id = "illegal_transition"


class PreconditionsMissing(Conflict):
    """An action lacks what it needs; details hold the whole list under ``missing``."""

    id = "preconditions_missing"


class LimitExceeded(InvalidInput):
    """An input is larger than a stated limit; details name ``limit`` and ``value``."""

    id = "limit_exceeded"


class TooBusy(CallcampError):
    """There is too much of this going on at once; the same may be done later.

    Args:
        message: what there is too much of, and when to try again.
        retry_after_s: in how many seconds to try again.
        details: further facts for programs.
    """

    id = "too_busy"

    def __init__(self, message: str, *, retry_after_s: float, **details: Any) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **details)


class BadLogin(CallcampError):
    """A log-in was refused; the message never tells which part of it was wrong."""

    id = "bad_login"

    def __init__(self) -> None:
        super().__init__("That log-in is not right: check name, password and one-time code.")


class CodeNeeded(CallcampError):
    """The password is right, and the account asks for a one-time code as well."""

    id = "code_needed"

    def __init__(self) -> None:
        super().__init__("Give the one-time code that the app on your phone shows now.")


class TooManyLogins(TooBusy):
    """Too many log-ins failed lately; details name ``retry_after_s``."""

    id = "too_many_logins"


class SwitchError(CallcampError):
    """Something about Asterisk or the link to it."""

    id = "switch_error"


class SwitchUnavailable(SwitchError):
    """There is no working AMI link now; nothing was sent."""

    id = "switch_unavailable"


class SwitchRefused(SwitchError):
    """Asterisk answered an action with an error; what was asked did not happen."""

    id = "switch_refused"


class SwitchTimeout(SwitchError):
    """Asterisk did not answer in time, or the link broke before it did.

    What was asked may have happened. After an Originate this means doubt: the attempt
    stays ``unknown`` until settled.
    """

    id = "switch_timeout"


class BadCredentials(SwitchError):
    """Asterisk refused the AMI log-in; trying again without a change is useless."""

    id = "bad_credentials"


class StoreError(CallcampError):
    """The database could not do what was asked."""

    id = "store_error"


class LabError(CallcampError):
    """The lab (a real Asterisk with SIPp callees) could not be built or run."""

    id = "lab_error"
