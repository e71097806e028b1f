"""``callcamp campaign``: make, watch and steer campaigns."""

from __future__ import annotations

import typer

from callcamp.cli.campaign_make import create, edit
from callcamp.cli.campaign_records import report, versions
from callcamp.cli.campaign_show import list_campaigns, missing, show
from callcamp.cli.campaign_steps import (
    cancel,
    clone,
    complete,
    pause,
    remove,
    resume,
    retry_failed,
    start,
    stop,
)
from callcamp.cli.forecast import forecast
from callcamp.cli.why import why

app = typer.Typer(help="Campaigns: make, watch and steer them.", no_args_is_help=True)

app.command()(create)
app.command()(edit)
app.command("list")(list_campaigns)
app.command()(show)
app.command()(missing)
app.command()(start)
app.command()(pause)
app.command()(resume)
app.command()(complete)
app.command()(stop)
app.command()(cancel)
app.command()(remove)
app.command("retry-failed")(retry_failed)
app.command()(clone)
app.command()(why)
app.command()(forecast)
app.command()(versions)
app.command()(report)
