"""``callcamp campaign versions`` and ``report``, and ``callcamp audit``: what is on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from callcamp.cli.campaign_show import IdArgument
from callcamp.cli.given import as_json, show_changes
from callcamp.cli.instants import WRITTEN, read_instant, shown_in
from callcamp.cli.output import emit_json, note, pairs, say, table, text, when
from callcamp.cli.session import JsonOption, with_commands
from callcamp.engine.commands import Commands
from callcamp.engine.forms import changes_between, flat, settings_as_dict
from callcamp.errors import NotFound
from callcamp.ports import AuditEntry, SettingsVersion

_MOST_SHOWN = 100


def versions(
    context: typer.Context,
    campaign_id: IdArgument,
    compare: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="A B", help="Say what changed from version A to version B."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the versions of a campaign's settings, oldest first, or compare two of them."""
    found = with_commands(context, lambda commands: commands.versions(campaign_id), json=json)
    if compare is not None:
        _compare(campaign_id, found, *compare, json=json)
    elif json:
        emit_json({"items": [_version_as_dict(one) for one in found]})
    else:
        befores = [None, *found]
        table(
            ("VERSION", "SINCE", "BY", "CHANGED"),
            (
                (one.version, when(one.created_at), one.actor, _what_changed(before, one))
                for before, one in zip(befores, found, strict=False)
            ),
        )


def _version_as_dict(version: SettingsVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "created_at": version.created_at.isoformat(),
        "actor": version.actor,
        "settings": settings_as_dict(version.settings),
    }


def _what_changed(before: SettingsVersion | None, after: SettingsVersion) -> str:
    if before is None:
        return "–"
    return ", ".join(changes_between(before.settings, after.settings)) or "nothing"


def _compare(
    campaign_id: int, found: list[SettingsVersion], first: int, second: int, *, json: bool
) -> None:
    known = {one.version: one.settings for one in found}
    for version in (first, second):
        if version not in known:
            raise NotFound(
                f"Campaign {campaign_id} has no version {version} of its settings; it has "
                f"{min(known)} to {max(known)}.",
                kind="settings_version",
                key=version,
            )
    changes = changes_between(known[first], known[second])
    if json:
        emit_json({"id": campaign_id, "from": first, "to": second, "changes": changes})
    elif not changes:
        say(f"Versions {first} and {second} are the same.")
    else:
        show_changes(changes)


def audit(
    context: typer.Context,
    campaign: Annotated[int | None, typer.Option(help="Only what concerns this campaign.")] = None,
    before: Annotated[
        int | None, typer.Option(metavar="ID", help="Only entries older than this one.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Entries at most.")] = 50,
    json: JsonOption = False,
) -> None:
    """Say who did what and when, newest first."""
    found = with_commands(
        context,
        lambda commands: commands.audit(campaign, before_id=before, limit=limit),
        json=json,
    )
    if json:
        emit_json({"items": found})
    elif not found:
        say("Nothing is on record.")
    else:
        table(
            ("ID", "WHEN", "WHO", "WHAT", "SUBJECT", "CAMPAIGN", "CHANGED"),
            (
                (
                    entry.id,
                    when(entry.at),
                    entry.actor,
                    entry.action,
                    f"{entry.kind} {entry.subject}",
                    entry.campaign_id or "–",
                    _shortened(_difference(entry)),
                )
                for entry in found
            ),
        )


def _difference(entry: AuditEntry) -> str:
    before, after = entry.before, entry.after
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return as_json(after if after is not None else before) if before or after else ""
    old, new = flat(before), flat(after)
    return ", ".join(
        f"{path}: {as_json(old.get(path))} to {as_json(new.get(path))}"
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    )


def _shortened(words: str) -> str:
    return words if len(words) <= _MOST_SHOWN else f"{words[:_MOST_SHOWN]}…"


def report(
    context: typer.Context,
    campaign_id: IdArgument,
    since: Annotated[
        str | None,
        typer.Option(help=f"From when: {WRITTEN}. Left out: from the campaign's first start."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Until when, written so too; a date means its end. Left out: now."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Report what the law asks about: calls, abandoned ones, hours, caps, over a span of time."""

    async def work(commands: Commands) -> tuple[str, dict[str, Any]]:
        zone = (await commands.stats(campaign_id)).campaign.settings.window.zone
        start = None if since is None else read_instant("since", since, zone)
        end = None if until is None else read_instant("until", until, zone, day_end=True)
        return zone, await commands.report(campaign_id, since=start, until=end)

    zone, found = with_commands(context, work, json=json)
    if json:
        emit_json(found)
        return
    presets = (f"{one['id']} (checked on {one['checked_on']})" for one in found["presets"])
    pairs(
        {
            "Campaign": f"{found['campaign_id']}, settings version {found['version']}",
            "Since": shown_in(zone, datetime.fromisoformat(found["since"])),
            "Until": shown_in(zone, datetime.fromisoformat(found["until"])),
            "Legal presets": ", ".join(presets) or "–",
            "Calls": f"{found['calls']} ended, {found['answered']} answered, "
            f"{found['answered_by_person']} by a person, {found['abandoned']} abandoned",
            "Broken": found["broken"],
        }
    )
    if found["rules"]:
        say("")
        table(("RULE", "PROMISED", "VERDICT", "MEASURED"), map(_rule_row, found["rules"]))
    note(found["notice"])


def _rule_row(rule: dict[str, Any]) -> tuple[object, ...]:
    verdict = rule["verdict"]
    measured = ", ".join(
        f"{name.replace('_', ' ')}: {as_json(value)}"
        for name, value in (rule["measured"] or {}).items()
    )
    style = "bold red" if verdict == "broken" else ""
    words = text(verdict.replace("_", " "), style)
    return rule["rule"].replace("_", " "), rule["promised"], words, measured or rule["detail"]
