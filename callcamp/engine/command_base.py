"""What use-cases work with, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from callcamp.engine.clock import utc_now
from callcamp.engine.forecast import Forecaster
from callcamp.engine.legal import load_presets
from callcamp.engine.lists import Lists
from callcamp.engine.live import LiveFeed
from callcamp.engine.rulebook import RuleBook
from callcamp.engine.why import Why
from callcamp.ports import Store
from callcamp.settings import Settings


class CommandBase:
    """What every use-case works with.

    Args:
        store: where things are kept.
        clock: returns now, aware UTC.
        on_change: called with the campaign's id after a change, to wake its dialer; with None
            after a change that any campaign may depend on.
        on_contacts: called instead when only contacts of a campaign were changed (None: as
            after any other change).
        on_suppressed: called with a campaign's id (None: all) and numbers that must not be
            called from now on.
        live: what goes on now, when a dialer runs in this process.
        own_engine: returns the state of that dialer's engine.
        rules: the rules of campaigns; None: with the legal presets of ``settings``.
        settings: what the deployment allows; None: the defaults.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = utc_now,
        on_change: Callable[[int | None], None] = lambda _campaign_id: None,
        on_contacts: Callable[[int], None] | None = None,
        on_suppressed: Callable[[int | None, list[str] | None], None] = lambda _id, _phones: None,
        live: LiveFeed | None = None,
        own_engine: Callable[[], Mapping[str, Any]] | None = None,
        rules: RuleBook | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._on_contacts = on_contacts or on_change
        self._on_suppressed = on_suppressed
        self._live = live
        self._settings = settings or Settings.model_construct()
        self.rules = rules or RuleBook(load_presets(self._settings))
        self.lists = Lists(store, clock=clock, on_change=on_change, on_suppressed=on_suppressed)
        self.why = Why(
            store, clock=clock, rules=self.rules, settings=self._settings, own_engine=own_engine
        )
        self.forecasts = Forecaster(store, clock=clock, rules=self.rules, why=self.why)

    def _contacts_changed(self, campaign_id: int) -> None:
        self._on_contacts(campaign_id)
        if self._live:
            self._live.touch()

    def _changed(self, campaign_id: int) -> None:
        self._on_change(campaign_id)
        if self._live:
            self._live.touch()
