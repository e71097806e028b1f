"""What the store gives back, beside the nouns of the core."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.model import (
    Claim,
)
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus
from callcamp.errors import InvalidInput

MAX_PRESET_NAME = 64
"""Characters of a mapping preset's name, at most."""


@dataclass(frozen=True, slots=True)
class AddResult:
    """What became of the contacts that were to be added.

    Args:
        added: new ones.
        duplicates: there already, and left as they were.
        updated: there already; their variables and numbers were replaced.
        reopened: there already, and waiting for a call again.
        suppressed: of the new ones, those skipped at once: excluded or on a list.
    """

    added: int
    duplicates: int
    updated: int = 0
    reopened: int = 0
    suppressed: int = 0


class OnDuplicate(StrEnum):
    """What to do with a number that the campaign has already.

    ``skip`` leaves the contact as it is; ``update`` replaces its variables and numbers;
    ``call_again`` does that, and has it called again when it has a result or was skipped.
    An excluded contact that is added again waits for a call again under every policy,
    unless the campaign's exclusion is sticky.
    """

    SKIP = "skip"
    UPDATE = "update"
    CALL_AGAIN = "call_again"


@dataclass(frozen=True, slots=True)
class Claimed:
    """The result of a claim.

    Args:
        claims: the calls that were let out.
        passed_over: contacts that were due and not let out, by reason.
        examined: how many contacts were looked at.
        more: whether the look ended before every due contact was looked at, with room left.
    """

    claims: list[Claim]
    passed_over: dict[Reason, int]
    examined: int
    more: bool


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """One version of a campaign's settings: what they were, since when, and by whom."""

    version: int
    settings: CampaignSettings
    created_at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class ContactImport:
    """One import of a file into a campaign.

    Args:
        id: number in the store.
        campaign_id: where it goes.
        filename: name of the file as it was given.
        status: ``previewed``, ``confirmed`` or ``undone``.
        report: counts, mapping and examples of the preview (JSON-able).
        added: contacts that the confirm added.
        created_at: when it was previewed.
        confirmed_at: when it was confirmed.
    """

    id: int
    campaign_id: int
    filename: str
    status: str
    report: dict[str, Any]
    added: int
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MappingPreset:
    """What becomes of a file's columns, kept under a name for the next file.

    Args:
        name: 1 to 64 printable characters, no blanks around them.
        mapping: as :meth:`callcamp.contacts.mapping.Mapping.as_dict` gives it (JSON-able).
        created_at: when it was first saved.
    """

    name: str
    mapping: dict[str, Any]
    created_at: datetime

    def __post_init__(self) -> None:
        name = self.name
        if not 0 < len(name) <= MAX_PRESET_NAME or not name.isprintable() or name != name.strip():
            raise InvalidInput(
                f"The name of a mapping preset has 1 to {MAX_PRESET_NAME} printable characters, "
                "and no blanks around them.",
                field="preset",
                value=name,
            )


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of one :class:`AttemptChange`.

    ``problem`` is None when it was committed; else why it was left out (an illegal step
    changes nothing and does not hinder the others of the batch).
    """

    attempt_id: str
    status: AttemptStatus | None
    problem: str | None = None
