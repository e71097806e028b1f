"""The agents' part of the campaign form: from settings to fields and back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from multidict import MultiMapping

from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.scripts import Element, ElementKind
from callcamp.http.sent import text_of, texts_of

METHODS: dict[str, str] = {
    DialMethod.UNATTENDED: "No agents: the campaign plays its prompt",
    DialMethod.PREDICTIVE: "Predictive: as many calls as the abandon cap allows, learnt",
    DialMethod.PROGRESSIVE: "Progressive: one call for every free agent",
    DialMethod.RATIO: "Ratio: calls for every free agent by a stated pickup rate",
    DialMethod.ADAPTIVE: "Adaptive: a dial level that follows the abandon rate",
    DialMethod.PREVIEW: "Preview: an agent sees the contact before it is dialled",
    DialMethod.AGENT_FIRST: "Agent first: the contact is called once an agent has answered",
    DialMethod.CLIENT_FIRST: "Client first: the contact hears an announcement and waits",
}
"""Words for the ways in which calls and agents come together."""
METHOD_NAMES: dict[str, str] = {name: words.partition(":")[0] for name, words in METHODS.items()}
"""The same, short."""
KINDS: dict[str, str] = {
    ElementKind.SENTENCE: "Sentence to read out",
    ElementKind.TEXT: "Text, one line",
    ElementKind.LONG_TEXT: "Text, several lines",
    ElementKind.CHECKBOX: "Checkbox",
    ElementKind.CHOICE: "One of the options",
    ElementKind.CHOICES: "Any of the options",
}
"""Words for what an element of a script is."""
FIELD = "agents.method"
"""A form that sends this field has the agents' part."""

_SHARES = ("pickup_rate", "abandon_cap")
_WHOLE = (
    "wait_most_s",
    "callback_after_s",
    "before_call_work_s",
    "agent_ring_timeout_s",
    "wrap_up_s",
)
_NUMBERS = ("connect_limit_s",)
_MAYBE = ("safe_harbour", "announcement", "no_agent_message")


@dataclass(frozen=True, slots=True)
class ScriptRow:
    """One element of the script as text: options one a line, answers with semicolons between."""

    kind: str = ElementKind.SENTENCE.value
    text: str = ""
    name: str = ""
    options: str = ""
    required: str = ""
    show_if: str = ""
    show_values: str = ""

    @classmethod
    def of(cls, element: Element) -> ScriptRow:
        """Return the row that shows an element."""
        shown = element.show_if
        return cls(
            kind=element.kind.value,
            text=element.text,
            name=element.name,
            options="\n".join(element.options),
            required="1" if element.required else "",
            show_if=shown.name if shown else "",
            show_values="; ".join(shown.values) if shown else "",
        )

    def raw(self) -> dict[str, Any]:
        """Return the element that the row means, for the reader of settings."""
        closed = self.kind in {ElementKind.CHOICE.value, ElementKind.CHOICES.value}
        asks = self.kind != ElementKind.SENTENCE.value
        values = [value.strip() for value in self.show_values.split(";")]
        options = [option.strip() for option in self.options.splitlines()]
        return {
            "kind": self.kind,
            "text": self.text.strip(),
            # What a kind has no use for is hidden in the form, and not meant.
            "name": self.name.strip() if asks else "",
            "options": [option for option in options if option] if closed else [],
            "required": bool(self.required) and asks,
            "show_if": {"name": self.show_if.strip(), "values": [v for v in values if v]}
            if self.show_if.strip()
            else None,
        }


@dataclass(frozen=True, slots=True)
class AgentForm:
    """The fields as text, as the form shows them; shares in per cent."""

    method: str
    queue: str
    pickup_rate: str
    abandon_cap: str
    connect_limit_s: str
    abandon_from: str
    safe_harbour: str
    announcement: str
    no_agent_message: str
    wait_most_s: str
    callback_after_s: str
    music: str
    before_call_work_s: str
    agent_ring_timeout_s: str
    wrap_up_s: str
    transfer_numbers: str
    outcomes: tuple[str, ...]
    outcome_required: bool
    rows: tuple[ScriptRow, ...] = ()

    @classmethod
    def of(cls, agents: AgentSettings) -> AgentForm:
        """Return the fields that show settings."""
        texts: dict[str, Any] = {
            **{name: getattr(agents, name) or "" for name in ("queue", "music", *_MAYBE)},
            **{name: f"{100 * getattr(agents, name):.6g}" for name in _SHARES},
            **{name: f"{getattr(agents, name):g}" for name in (*_WHOLE, *_NUMBERS)},
        }
        return cls(
            method=agents.method.value,
            abandon_from=agents.abandon_from.value,
            transfer_numbers="\n".join(agents.transfer_numbers),
            outcomes=agents.outcomes,
            outcome_required=agents.outcome_required,
            rows=tuple(ScriptRow.of(element) for element in agents.script.elements),
            **texts,
        )

    @classmethod
    def read(cls, data: MultiMapping[object]) -> AgentForm | None:
        """Return the fields as they were sent; None: the form had no such part."""
        if FIELD not in data:
            return None

        def text(name: str) -> str:
            return text_of(data, f"agents.{name}")

        columns = [texts_of(data, f"script.{one.name}") for one in fields(ScriptRow)]
        found = (ScriptRow(*cells) for cells in zip(*columns, strict=False))
        rows = tuple(row for row in found if row.text.strip() or row.name.strip())
        names = [one.name for one in fields(cls) if one.name not in _READ_APART]
        return cls(
            **{name: text(name) for name in names},
            outcomes=tuple(dict.fromkeys(texts_of(data, "agents.outcomes"))),
            outcome_required=bool(text("outcome_required")),
            rows=rows,
        )

    def raw(self) -> dict[str, Any]:
        """Return the settings that the fields mean, for the reader of settings.

        What is no number stays a text: the reader tells it by its path.
        """
        return {
            "method": self.method,
            "queue": self.queue,
            "abandon_from": self.abandon_from,
            "music": self.music,
            **{name: getattr(self, name) or None for name in _MAYBE},
            **{name: _share(getattr(self, name)) for name in _SHARES},
            **{name: _whole(getattr(self, name)) for name in _WHOLE},
            **{name: _number(getattr(self, name)) for name in _NUMBERS},
            "transfer_numbers": [
                entry for line in self.transfer_numbers.splitlines() if (entry := line.strip())
            ],
            "outcomes": list(self.outcomes),
            "outcome_required": self.outcome_required,
            "script": {"elements": [row.raw() for row in self.rows]},
        }


_READ_APART = frozenset({"outcomes", "outcome_required", "rows"})


def _whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else text


def _number(text: str) -> float | str:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _share(text: str) -> float | str:
    value = _number(text.removesuffix("%").strip())
    return value if isinstance(value, str) else round(value / 100, 8)
