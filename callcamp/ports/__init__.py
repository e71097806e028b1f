"""The contracts between the engine and the rooms below it.

``store/`` fulfils :class:`Store`, ``switch/`` fulfils :class:`CallGateway` (twice: Asterisk,
and Asterisk as simulated). One test suite in ``tests/contract`` runs against every one.
"""

from __future__ import annotations

from callcamp.ports.access import AccessRecords, ApiToken, Session, User
from callcamp.ports.agents import (
    AgentRecords,
    AgentWork,
    CallNote,
    InHand,
    LiveShift,
    Shift,
)
from callcamp.ports.gateway import CallGateway, CallOrder, LiveCall, Measured, SwitchFacts
from callcamp.ports.records import (
    AuditEntry,
    CallFacts,
    CustomOutcome,
    DirectoryContact,
    DncList,
    Records,
    SavedFilter,
    Suppressed,
    Suppression,
    TimelineCall,
    acting_as,
    current_actor,
)
from callcamp.ports.results import (
    MAX_PRESET_NAME,
    AddResult,
    Applied,
    Claimed,
    ContactImport,
    MappingPreset,
    OnDuplicate,
    SettingsVersion,
)
from callcamp.ports.store import Store
from callcamp.ports.webhooks import (
    Delivery,
    DeliveryStatus,
    Outgoing,
    Tried,
    Try,
    Webhook,
    WebhookQueue,
    WebhookRecords,
)

__all__ = [
    "MAX_PRESET_NAME",
    "AccessRecords",
    "AddResult",
    "AgentRecords",
    "AgentWork",
    "ApiToken",
    "Applied",
    "AuditEntry",
    "CallFacts",
    "CallGateway",
    "CallNote",
    "CallOrder",
    "Claimed",
    "ContactImport",
    "CustomOutcome",
    "Delivery",
    "DeliveryStatus",
    "DirectoryContact",
    "DncList",
    "InHand",
    "LiveCall",
    "LiveShift",
    "MappingPreset",
    "Measured",
    "OnDuplicate",
    "Outgoing",
    "Records",
    "SavedFilter",
    "Session",
    "SettingsVersion",
    "Shift",
    "Store",
    "Suppressed",
    "Suppression",
    "SwitchFacts",
    "TimelineCall",
    "Tried",
    "Try",
    "User",
    "Webhook",
    "WebhookQueue",
    "WebhookRecords",
    "acting_as",
    "current_actor",
]
