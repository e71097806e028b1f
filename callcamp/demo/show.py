"""How the demo talks: a progress bar while it dials, one table at the end."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from callcamp.demo.compare import Comparison
from callcamp.engine.stats import CampaignStats

MOST_NOTES = 20


def progress_bar(console: Console) -> Progress:
    """Return the bar that follows a campaign; its task has the fields of :func:`pace`."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeElapsedColumn(),
        console=console,
    )


def pace(stats: CampaignStats) -> str:
    """Return calls in progress and calls made, for the end of the bar."""
    return f"{stats.in_calls} in progress, {stats.counts.calls_made} calls made"


def results_table(comparison: Comparison) -> Table:
    """Return the final table: what each kind of callee did, and what was found."""
    title = "What the callees did, what callcamp found, what the witness saw"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("Callee", no_wrap=True)
    for name in ("Contacts", "Attempts", "Witness"):
        table.add_column(name, justify="right")
    table.add_column("Outcome", overflow="fold")
    table.add_column("Agrees", no_wrap=True)
    for row in comparison.rows:
        outcomes = ", ".join(f"{slug} {n}" for slug, n in sorted(row.outcomes.items()))
        agrees = not row.mismatches and row.attempts == row.witness
        table.add_row(
            row.behaviour.slug,
            str(row.contacts),
            str(row.attempts),
            str(row.witness),
            outcomes,
            Text("yes", "green") if agrees else Text("NO", "bold red"),
        )
    table.add_section()
    table.add_row(
        "all",
        str(comparison.contacts),
        str(comparison.attempts),
        str(comparison.witness_invites),
        "",
        Text("yes", "green") if comparison.agrees else Text("NO", "bold red"),
    )
    return table


def show_verdict(console: Console, comparison: Comparison) -> None:
    """Print every disagreement, then the verdict in one line."""
    for note in comparison.notes[:MOST_NOTES]:
        console.print(Text(f"  {note}", "red"))
    if len(comparison.notes) > MOST_NOTES:
        console.print(Text(f"  … and {len(comparison.notes) - MOST_NOTES} more", "red"))
    facts = (
        f"{comparison.attempts} attempts, {comparison.witness_invites} calls seen by the witness, "
        f"{comparison.mismatches} mismatches, {comparison.called_twice_by_mistake} called twice "
        f"by mistake, {comparison.unaccounted} unaccounted"
    )
    if comparison.agrees:
        console.print(Text(f"callcamp and the witness agree: {facts}.", "bold green"))
    else:
        console.print(Text(f"callcamp and the witness DISAGREE: {facts}.", "bold red"))
