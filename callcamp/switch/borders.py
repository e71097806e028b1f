"""What may go from callcamp into AMI actions about agents, and what refusals mean.

Names that go into the dialplan (``Dial``, ``Queue``) are checked against narrow patterns, whatever
checked them before: a comma, a bracket or an ampersand in one would be dialplan.
"""

from __future__ import annotations

import re

from callcamp.errors import Conflict, InvalidInput, SwitchRefused
from callcamp.ports.switchboard import TransferTo
from callcamp.switch import is_attempt_id, is_leg_id
from callcamp.switch.orders import check_channel
from callcamp.switch.wire import check_text

_QUEUE = re.compile(r"[A-Za-z0-9._-]{1,80}", re.ASCII)
_CHANNEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}", re.ASCII)
_DIGITS = re.compile(r"[0-9*#]{1,32}", re.ASCII)
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/.+-]*", re.ASCII)
_MARKS = re.compile(r"[^\w .:/'()+-]")
_REASON_LENGTH = 100


def is_gone(refusal: SwitchRefused) -> bool:
    """Tell whether an action was refused because its channel does not exist (any more)."""
    answer = str(refusal.details.get("answer", "")).lower()
    return any(words in answer for words in ("no such channel", "does not exist", "not found"))


def gone(channel_id: str) -> Conflict:
    """Return the error for a call that does not exist (any more)."""
    return Conflict("That call is over.", channel_id=channel_id)


def word(yes: bool) -> str:
    """Return AMI's word for yes or no."""
    return "true" if yes else "false"


def reason_for_asterisk(text: str) -> str:
    """Return the reason of a pause as Asterisk can keep it.

    Raises:
        InvalidInput: it cannot be sent.
    """
    # Asterisk keeps members as one text and cannot read it again with its own marks in it.
    text = _MARKS.sub(" ", check_text("reason", text))
    if len(text) > _REASON_LENGTH:
        raise InvalidInput(
            f"A reason has at most {_REASON_LENGTH} characters.", field="reason", value=text
        )
    return text


def check_queue(queue: str) -> None:
    """Refuse what is no plain name of a queue.

    Raises:
        InvalidInput: it is none.
    """
    if _QUEUE.fullmatch(queue) is None:
        raise InvalidInput(
            "A queue's name has 1 to 80 letters, digits, dots, dashes and underscores.",
            field="queue",
            value=queue,
        )


def check_target(to: TransferTo, target: str) -> None:
    """Refuse a target that is no queue's name, or nothing to dial.

    Raises:
        InvalidInput: it is not.
    """
    if to is TransferTo.QUEUE:
        check_queue(target)
    else:
        check_channel("target", target)


def check_attempt(attempt_id: str) -> None:
    """Refuse what is no attempt id.

    Raises:
        InvalidInput: it is none.
    """
    if not is_attempt_id(attempt_id):
        raise InvalidInput("This is no attempt id.", field="attempt_id", value=attempt_id)


def check_channel_id(channel_id: str) -> None:
    """Refuse what is no unique id of a channel.

    Raises:
        InvalidInput: it is none.
    """
    if _CHANNEL_ID.fullmatch(channel_id) is None and not is_leg_id(channel_id):
        raise InvalidInput("This is no channel id.", field="channel_id", value=channel_id)


def check_digits(digits: str) -> None:
    """Refuse what are no keys of a phone.

    Raises:
        InvalidInput: they are not.
    """
    if _DIGITS.fullmatch(digits) is None:
        raise InvalidInput("Keys are 1 to 32 of 0 to 9, * and #.", field="digits", value=digits)


def is_device(name: str) -> bool:
    """Tell whether ``DEVICE_STATE()`` may be asked for this name."""
    return _DEVICE.fullmatch(name) is not None
