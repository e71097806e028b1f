"""``callcamp campaign list``, ``show`` and ``missing``: what there is and what holds it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.text import Text

from callcamp.cli.instants import shown_in
from callcamp.cli.output import count, emit_json, pairs, say, share, table, text, when
from callcamp.cli.session import JsonOption, with_commands
from callcamp.cli.settings_text import hours_rows, rule_rows, settings_pairs
from callcamp.core.model import Campaign
from callcamp.core.outcome import MEANING
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.rule_text import describe_rule
from callcamp.core.rules import retry_rules
from callcamp.core.states import CampaignStatus
from callcamp.engine.commands import Commands
from callcamp.engine.forms import settings_as_dict
from callcamp.engine.stats import CampaignStats
from callcamp.engine.why import CampaignWhy

IdArgument = Annotated[int, typer.Argument(help="Number of the campaign.")]


@dataclass(frozen=True, slots=True)
class Shown:
    """A campaign as it is shown: counts, what holds it back, and the name of its trunk."""

    stats: CampaignStats
    why: CampaignWhy
    trunk: str

    @property
    def campaign(self) -> Campaign:
        """The campaign itself."""
        return self.stats.campaign


async def look_at(commands: Commands, campaign_id: int) -> Shown:
    """Return a campaign as it is shown.

    Raises:
        NotFound: there is none.
    """
    stats = await commands.stats(campaign_id)
    trunk_id = stats.campaign.settings.trunk_id
    names = {trunk.id: trunk.name for trunk in await commands.trunks()}
    why = await commands.why.campaign(campaign_id)
    return Shown(stats, why, names.get(trunk_id, str(trunk_id)))


def campaign_as_dict(shown: Shown) -> dict[str, Any]:
    """Return a campaign as JSON-able values; the shape of every command that shows one."""
    counts, plan = shown.stats.counts, shown.why.explanation.plan
    settings = shown.campaign.settings
    return {
        **shown.stats.as_dict(),
        "hold": plan.hold and plan.hold.value,
        "opens_at": plan.until and plan.until.isoformat(),
        "waiting": {(r.value if r else "due"): n for r, n in _sorted(counts.waiting) if n},
        "skipped": {(r.value if r else "unknown"): n for r, n in _sorted(counts.skipped) if n},
        "trunk": shown.trunk,
        "retry_rules": [describe_rule(r) for r in retry_rules(settings.retry, settings.success)],
        "settings": settings_as_dict(settings),
    }


def _sorted(counts: dict[Reason | None, int]) -> list[tuple[Reason | None, int]]:
    return sorted(counts.items(), key=lambda item: item[0] or "")


def list_campaigns(
    context: typer.Context,
    status: Annotated[CampaignStatus | None, typer.Option(help="Only these.")] = None,
    json: JsonOption = False,
) -> None:
    """List campaigns, newest first."""
    found = with_commands(context, lambda commands: commands.all_stats(status), json=json)
    if json:
        emit_json({"items": [stats.as_dict() for stats in found]})
    elif not found:
        say("No campaigns.")
    else:
        table(
            ("ID", "NAME", "STATUS", "MODE", "CONTACTS", "DONE", "IN CALLS", "CALLS", "ANSWERED"),
            (
                (
                    stats.campaign.id,
                    stats.campaign.settings.name,
                    stats.campaign.status.value,
                    stats.campaign.settings.mode.value,
                    stats.counts.total,
                    share(stats.completion_rate),
                    stats.in_calls,
                    stats.counts.calls_made,
                    stats.counts.calls_answered,
                )
                for stats in found
            ),
        )


def show(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Show one campaign: its settings and rules, counts, rates, and what holds it back."""
    shown = with_commands(context, lambda commands: look_at(commands, campaign_id), json=json)
    if json:
        emit_json(campaign_as_dict(shown))
        return
    settings = shown.campaign.settings
    pairs(_state(shown) | settings_pairs(settings, shown.trunk) | _counts(shown.stats))
    say("\nHours")
    table(("RULE", "DAYS", "HOURS"), hours_rows(settings))
    say("\nAfter a call, the first of these rules that decides")
    table(("#", "RULE"), rule_rows(settings))


def _state(shown: Shown) -> dict[str, object]:
    campaign, plan = shown.campaign, shown.why.explanation.plan
    hold = "nothing"
    if plan.hold is not None:
        hold = REASON_MEANING[plan.hold].text
        if plan.until is not None:
            hold += f", until {shown_in(campaign.settings.window.zone, plan.until)}"
    return {
        "Campaign": f"{campaign.id}: {campaign.settings.name}",
        "Status": campaign.status.value,
        "Held back by": hold,
        "Description": campaign.settings.description or "–",
        "Settings": f"version {campaign.version}",
        "Started": when(campaign.started_at),
        "Ended": when(campaign.ended_at),
    }


def _counts(stats: CampaignStats) -> dict[str, object]:
    counts = stats.counts
    waiting = [(REASON_MEANING[r].text if r else "due", n) for r, n in _sorted(counts.waiting)]
    skipped = [(REASON_MEANING[r].text if r else "–", n) for r, n in _sorted(counts.skipped)]
    return {
        "Contacts": ", ".join(
            [count(counts.total, "contact")]
            + [f"{n} {status.value}" for status, n in counts.contacts.items() if n]
        ),
        "Waiting": "; ".join(f"{n}: {why}" for why, n in waiting if n) or "–",
        "Skipped": "; ".join(f"{n}: {why}" for why, n in skipped if n) or "–",
        "Results": ", ".join(f"{n} {MEANING[d].text}" for d, n in counts.results.items() if n)
        or "–",
        "Calls": f"{counts.calls_made} made, {counts.calls_answered} answered, "
        f"{stats.in_calls} in progress",
        "Rates": f"completion {share(stats.completion_rate)}, success "
        f"{share(stats.success_rate)}, answer {share(stats.answer_rate)}, reachability "
        f"{share(stats.reachability)}, abandoned {share(stats.abandon_rate)}",
    }


def missing(context: typer.Context, campaign_id: IdArgument, json: JsonOption = False) -> None:
    """Say all that a campaign lacks to start; fails when something is missing."""
    found = with_commands(context, lambda commands: commands.missing(campaign_id), json=json)
    if json:
        emit_json({"id": campaign_id, "missing": found})
    elif not found:
        say(f"Campaign {campaign_id} has all that it needs to start.")
    else:
        say(f"Campaign {campaign_id} cannot start yet:")
        table(("WHAT", "WHY"), ((Text(field), text(words)) for field, words in found.items()))
    if found:
        raise typer.Exit(1)
