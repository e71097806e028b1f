"""The contracts between the engine and the rooms below it.

``store/`` fulfils :class:`Store`, ``switch/`` fulfils :class:`CallGateway` (twice: Asterisk,
and Asterisk as simulated). One test suite in ``tests/contract`` runs against every one.
"""

from __future__ import annotations

from callcamp.ports.gateway import CallGateway, CallOrder, LiveCall, SwitchFacts
from callcamp.ports.store import (
    MAX_PRESET_NAME,
    AddResult,
    Applied,
    ContactImport,
    MappingPreset,
    Store,
)

__all__ = [
    "MAX_PRESET_NAME",
    "AddResult",
    "Applied",
    "CallGateway",
    "CallOrder",
    "ContactImport",
    "LiveCall",
    "MappingPreset",
    "Store",
    "SwitchFacts",
]
