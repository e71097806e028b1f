"""The rules of campaigns, made once for each version of their settings."""

from __future__ import annotations

from collections.abc import Mapping

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.legal import LegalPreset
from callcamp.core.model import Campaign
from callcamp.core.ruleset import RuleSet
from callcamp.errors import InvalidInput, NotFound

MOST_KEPT = 500


class RuleBook:
    """Rule sets by campaign and version.

    Args:
        presets: the legal presets of this deployment, by id.
    """

    def __init__(self, presets: Mapping[str, LegalPreset]) -> None:
        self.presets = presets
        self._kept: dict[tuple[int, int], RuleSet] = {}

    def of(self, campaign: Campaign) -> RuleSet:
        """Return the rules of a campaign.

        Raises:
            NotFound: it names a legal preset that is gone; it may not call then.
            InvalidInput: a setting cannot be used (any more).
        """
        key = (campaign.id, campaign.version)
        known = self._kept.get(key)
        if known is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            known = self._kept[key] = self.make(campaign.settings)
        return known

    def make(self, settings: CampaignSettings) -> RuleSet:
        """Return the rules that settings lead to; errors as :meth:`of`."""
        return RuleSet(settings, self.named(settings.legal))

    def named(self, ids: tuple[str, ...]) -> list[LegalPreset]:
        """Return the presets with these ids.

        Raises:
            NotFound: there is none of one of them.
        """
        for preset_id in ids:
            if preset_id not in self.presets:
                raise NotFound(
                    f"There is no legal preset {preset_id!r}; there are "
                    f"{', '.join(sorted(self.presets)) or 'none'}.",
                    kind="legal_preset",
                    key=preset_id,
                )
        return [self.presets[preset_id] for preset_id in ids]

    def try_of(self, campaign: Campaign) -> RuleSet | None:
        """Return the rules of a campaign, or None when they cannot be made."""
        try:
            return self.of(campaign)
        except (NotFound, InvalidInput):
            return None
