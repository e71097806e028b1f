"""``callcamp webhook``: where events are sent to, and what came of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from callcamp.cli.output import clean, count, emit_json, note, say, table, when
from callcamp.cli.session import JsonOption, ask, over_store
from callcamp.ports import Delivery, DeliveryStatus, Try, Webhook

if TYPE_CHECKING:
    from callcamp.engine.webhooks import Webhooks

T = TypeVar("T")

app = typer.Typer(
    help="Webhooks: tell other programs what happens, signed and tried again.",
    no_args_is_help=True,
)
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
IdArgument = Annotated[int, typer.Argument(help="Number of the webhook.")]
EventOption = Annotated[
    list[str] | None,
    typer.Option("--event", help="Only this event; may be given more than once. See the docs."),
]


def _with_webhooks(
    context: typer.Context, work: Callable[[Webhooks], Awaitable[T]], *, json: bool
) -> T:
    from callcamp.engine.clock import utc_now
    from callcamp.engine.webhooks import Webhooks

    return over_store(
        context, lambda store, settings: work(Webhooks(store, settings, utc_now)), json=json
    )


@app.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where to: https://example.com/hook.")],
    event: EventOption = None,
    campaign: Annotated[int | None, typer.Option(help="Only of this campaign.")] = None,
    json: JsonOption = False,
) -> None:
    """Add a webhook, of all events unless told; its secret is shown once."""
    secret, made = _with_webhooks(
        context, lambda webhooks: webhooks.add(url, event or (), campaign), json=json
    )
    if json:
        emit_json({**_fields(made), "secret": secret})
    else:
        say(f"Webhook {made.id} is told {_events(made)}.")
        _show(secret)


@app.command("list")
def list_webhooks(context: typer.Context, json: JsonOption = False) -> None:
    """List the webhooks, what waits for them, and which of them fail."""

    async def work(webhooks: Webhooks) -> tuple[list[Webhook], dict[int, int]]:
        queues = await webhooks.queues()
        return await webhooks.list(), {one.webhook_id: one.waiting for one in queues}

    found, waiting = _with_webhooks(context, work, json=json)
    if json:
        emit_json({"items": [{**_fields(one), "waiting": waiting.get(one.id, 0)} for one in found]})
    elif not found:
        say("No webhooks; add one with `callcamp webhook add`.")
    else:
        table(
            ("ID", "URL", "EVENTS", "CAMPAIGN", "ACTIVE", "WAITING", "FAILS SINCE"),
            (
                (
                    one.id,
                    one.url,
                    _events(one),
                    one.campaign_id or "all",
                    _activity(one),
                    waiting.get(one.id, 0),
                    when(one.failing_since),
                )
                for one in found
            ),
        )


@app.command()
def change(
    context: typer.Context,
    webhook_id: IdArgument,
    url: Annotated[str | None, typer.Option(help="Where to, from now on.")] = None,
    event: EventOption = None,
    active: Annotated[
        bool | None, typer.Option("--on/--off", help="Whether it is told at all.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Change a webhook, or switch it on or off; what is left out stays as it is."""
    changed = _with_webhooks(
        context,
        lambda webhooks: webhooks.change(webhook_id, url=url, events=event or None, active=active),
        json=json,
    )
    if json:
        emit_json(_fields(changed))
    else:
        say(f"Webhook {changed.id} is {'on' if changed.active else 'off'}: {_events(changed)}.")


@app.command("renew-secret")
def renew_secret(
    context: typer.Context, webhook_id: IdArgument, yes: YesOption = False, json: JsonOption = False
) -> None:
    """Sign a webhook's events with a new secret, shown once; the old one is good no more."""
    if not yes:
        ask(f"Renew the secret of webhook {webhook_id}? Its receiver needs the new one at once.")
    secret, renewed = _with_webhooks(
        context, lambda webhooks: webhooks.renew_secret(webhook_id), json=json
    )
    if json:
        emit_json({**_fields(renewed), "secret": secret})
    else:
        say(f"Webhook {renewed.id} has a new secret.")
        _show(secret)


@app.command()
def remove(context: typer.Context, webhook_id: IdArgument, json: JsonOption = False) -> None:
    """Delete a webhook, with what waits for it and its log."""
    _with_webhooks(context, lambda webhooks: webhooks.remove(webhook_id), json=json)
    if json:
        emit_json({"id": webhook_id, "deleted": True})
    else:
        say(f"Deleted webhook {webhook_id}.")


@app.command()
def deliveries(
    context: typer.Context,
    webhook_id: IdArgument,
    status: Annotated[DeliveryStatus | None, typer.Option(help="Only those that stand so.")] = None,
    before: Annotated[int | None, typer.Option(help="Only those older than this ID.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    json: JsonOption = False,
) -> None:
    """List what was, or will be, sent to a webhook, newest first."""
    found = _with_webhooks(
        context,
        lambda webhooks: webhooks.deliveries(
            webhook_id, status=status, before_id=before, limit=limit
        ),
        json=json,
    )
    if json:
        emit_json({"items": [asdict(one) for one in found]})
    elif not found:
        say("No deliveries.")
    else:
        table(
            ("ID", "EVENT", "HAPPENED", "STATUS", "TRIES", "NEXT", "LAST ANSWER"),
            (
                (
                    one.id,
                    one.type.value,
                    when(one.at),
                    one.status.value,
                    len(one.log),
                    when(one.due_at),
                    _last(one),
                )
                for one in found
            ),
        )


@app.command()
def redeliver(
    context: typer.Context,
    delivery_id: Annotated[int, typer.Argument(help="Number of the delivery.")],
    json: JsonOption = False,
) -> None:
    """Send a delivery again, with the same event id; the running engine does it."""
    again = _with_webhooks(context, lambda webhooks: webhooks.redeliver(delivery_id), json=json)
    if json:
        emit_json(again)
    else:
        say(f"Delivery {again.id} ({again.type.value}) is sent again.")


@app.command("test")
def send_test(context: typer.Context, webhook_id: IdArgument, json: JsonOption = False) -> None:
    """Send a ping now and show what came of it; exit code 1 when it was not taken."""
    attempt = _with_webhooks(context, lambda webhooks: webhooks.test(webhook_id), json=json)
    if json:
        emit_json({**asdict(attempt), "ok": attempt.ok})
    else:
        say(f"Webhook {webhook_id}: {_came_of(attempt)} in {attempt.ms} ms.")
        if attempt.answer:
            say(f"Answer: {clean(attempt.answer)}")
    if not attempt.ok:
        raise typer.Exit(1)


def _show(secret: str) -> None:
    say(f"Secret: {secret}")
    note("The secret is not shown again; receivers check signatures with it.")


def _fields(one: Webhook) -> dict[str, Any]:
    return asdict(one)


def _events(one: Webhook) -> str:
    from callcamp.core.webhooks import EventType

    if one.events == frozenset(EventType):
        return "all events"
    return ", ".join(sorted(one.events)) if len(one.events) < 4 else count(len(one.events), "event")


def _activity(one: Webhook) -> str:
    if one.active:
        return "yes"
    return "no" if one.switched_off_at is None else f"switched off {when(one.switched_off_at)}"


def _last(one: Delivery) -> str:
    return _came_of(one.log[-1]) if one.log else "–"


def _came_of(attempt: Try) -> str:
    return attempt.problem or f"answered {attempt.status}"
