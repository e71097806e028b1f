"""The campaign form: from settings to fields and back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import time

from multidict import MultiMapping

from callcamp.core.agent_settings import AgentSettings
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow, RetryPolicy
from callcamp.core.outcome import MEANING, Disposition
from callcamp.engine.forms import settings_from_dict
from callcamp.errors import InvalidInput
from callcamp.http.agent_form import AgentForm
from callcamp.http.sent import text_of, texts_of

RETRYABLE: tuple[str, ...] = tuple(d.value for d, m in MEANING.items() if m.retryable)
"""Results that the form offers to retry."""


@dataclass(frozen=True, slots=True)
class CampaignForm:
    """The fields as text, as the form shows them."""

    name: str = ""
    description: str = ""
    prompt: str = ""
    machine_message: str = ""
    detect_machines: bool = True
    trunk_id: str = ""
    concurrency: str = "50"
    ring_timeout_s: str = "30"
    caller_id: str = ""
    default_region: str = "US"
    start: str = "09:00"
    end: str = "18:00"
    zone: str = "UTC"
    weekdays: frozenset[str] = frozenset("012345")
    mode: str = CampaignMode.SINGLE_DAY.value
    max_attempts: str = "3"
    retry_delay: str = "30"
    retry_on: frozenset[str] = frozenset(d.value for d in RetryPolicy().retry_on)
    agents: AgentForm | None = field(default_factory=lambda: AgentForm.of(AgentSettings()))

    @classmethod
    def of(cls, settings: CampaignSettings) -> CampaignForm:
        """Return the fields that show ``settings``."""
        window, retry = settings.window, settings.retry
        return cls(
            name=settings.name,
            description=settings.description,
            prompt=settings.prompt or "",
            machine_message=settings.machine_message or "",
            detect_machines=settings.detect_machines,
            trunk_id=str(settings.trunk_id),
            concurrency=str(settings.concurrency),
            ring_timeout_s=str(settings.ring_timeout_s),
            caller_id=settings.caller_id or "",
            default_region=settings.default_region,
            start=f"{window.start:%H:%M}",
            end=f"{window.end:%H:%M}",
            zone=window.zone,
            weekdays=frozenset(str(day) for day in window.weekdays),
            mode=settings.mode.value,
            max_attempts=str(retry.max_attempts),
            retry_delay=f"{retry.delay_s / 60:g}",
            retry_on=frozenset(d.value for d in retry.retry_on),
            agents=AgentForm.of(settings.agents),
        )

    @classmethod
    def read(cls, data: MultiMapping[object]) -> CampaignForm:
        """Return the fields as they were sent; what is missing is empty."""

        def text(field: str) -> str:
            return text_of(data, field)

        return cls(
            name=text("name"),
            description=text("description"),
            prompt=text("prompt"),
            machine_message=text("machine_message"),
            detect_machines=bool(text("detect_machines")),
            trunk_id=text("trunk_id"),
            concurrency=text("concurrency"),
            ring_timeout_s=text("ring_timeout_s"),
            caller_id=text("caller_id"),
            default_region=text("default_region"),
            start=text("start"),
            end=text("end"),
            zone=text("zone"),
            weekdays=frozenset(texts_of(data, "weekday")),
            mode=text("mode"),
            max_attempts=text("max_attempts"),
            retry_delay=text("retry_delay"),
            retry_on=frozenset(texts_of(data, "retry_on")),
            agents=AgentForm.read(data),
        )

    def settings(self, base: CampaignSettings | None = None) -> CampaignSettings:
        """Return the settings that the fields mean.

        Args:
            base: the settings before; what the form does not show stays as it is there.

        Raises:
            InvalidInput: a field is no number, time or known word.
        """
        minutes = _number("retry_delay_s", "Retry Delay", self.retry_delay)
        trunk_id = _whole("trunk_id", "Trunk", self.trunk_id)
        base = base or CampaignSettings(self.name, trunk_id)
        if self.agents is not None:
            base = settings_from_dict({"agents": self.agents.raw()}, base)
        return replace(
            base,
            name=self.name,
            trunk_id=trunk_id,
            concurrency=_whole("concurrency", "Concurrency Limit", self.concurrency),
            ring_timeout_s=_whole("ring_timeout_s", "Ring time", self.ring_timeout_s),
            retry=replace(
                base.retry,
                max_attempts=_whole("max_attempts", "Max Attempts", self.max_attempts),
                delay_s=round(minutes * 60),
                retry_on=frozenset(_disposition(value) for value in self.retry_on),
            ),
            window=DailyWindow(
                start=_time("start", "Start", self.start),
                end=_time("end", "End", self.end),
                zone=self.zone,
                weekdays=frozenset(_weekday(value) for value in self.weekdays),
            ),
            mode=_mode(self.mode),
            default_region=self.default_region.upper(),
            caller_id=self.caller_id or None,
            prompt=self.prompt or None,
            machine_message=self.machine_message or None,
            detect_machines=self.detect_machines,
            description=self.description,
        )


def _mode(text: str) -> CampaignMode:
    try:
        return CampaignMode(text)
    except ValueError:
        raise InvalidInput(
            f"Campaign Mode is {text!r}; give one of {', '.join(CampaignMode)}.",
            field="mode",
            value=text,
        ) from None


def _whole(field: str, label: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput(f"{label}: give a whole number.", field=field, value=text)
    return int(text)


def _number(field: str, label: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise InvalidInput(f"{label}: give a number.", field=field, value=text)
    return value


def _time(field: str, label: str, text: str) -> time:
    try:
        value = time.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.tzinfo is not None:
        raise InvalidInput(f"{label}: give a time such as 09:00.", field=field, value=text)
    return value.replace(microsecond=0)


def _disposition(text: str) -> Disposition:
    if text not in RETRYABLE:
        raise InvalidInput(f"Nothing can be retried on {text!r}.", field="retry_on", value=text)
    return Disposition(text)


def _weekday(text: str) -> int:
    if text not in set("0123456"):
        raise InvalidInput(f"{text!r} is not a day of the week.", field="weekday", value=text)
    return int(text)


@dataclass(frozen=True, slots=True)
class TrunkForm:
    """The fields of a trunk as text."""

    name: str = ""
    dial_string: str = ""
    cps: str = "1"
    max_channels: str = ""

    @classmethod
    def read(cls, data: MultiMapping[object]) -> TrunkForm:
        """Return the fields as they were sent."""
        fields = ("name", "dial_string", "cps", "max_channels")
        return cls(**{field: text_of(data, field) for field in fields})

    def numbers(self) -> tuple[float, int | None]:
        """Return calls per second and most calls at once.

        Raises:
            InvalidInput: one of them is no number.
        """
        cps = _number("cps", "Calls per second", self.cps)
        most = self.max_channels
        return cps, _whole("max_channels", "Most calls at once", most) if most else None
