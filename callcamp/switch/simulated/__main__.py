"""Run a simulated switch on its own: ``python -m callcamp.switch.simulated``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from dataclasses import asdict
from typing import Any

from callcamp.errors import CallcampError
from callcamp.switch.simulated import CalleeModel, Faults, SimulatedSwitch


def main() -> int:
    """Serve until SIGTERM or SIGINT; the first line printed says where, the last who was called.

    Returns:
        The exit code: 0 done, 1 it could not listen, 2 wrong use.
    """
    options = _parser().parse_args()
    try:
        switch = SimulatedSwitch(
            behaviour=CalleeModel(**options.behaviour),
            faults=Faults(**options.faults),
            seed=options.seed,
            speed=options.speed,
            host=options.host,
            port=options.port,
            username=options.username,
            secret=options.secret,
        )
    except (CallcampError, TypeError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        asyncio.run(_serve(switch))
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m callcamp.switch.simulated", description=main.__doc__
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--username", default="callcamp")
    parser.add_argument("--secret", default="simulated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=float, default=1.0)
    for name in ("behaviour", "faults"):
        parser.add_argument(f"--{name}", type=_fields, default={}, help="fields as a JSON object")
    return parser


def _fields(text: str) -> dict[str, Any]:
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what argparse understands
    return {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}


async def _serve(switch: SimulatedSwitch) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with switch:
        _say({"host": switch.host, "port": switch.port, "pid": os.getpid()})
        await stop.wait()
        talks = [asdict(talk) for talk in switch.talks()]
        _say({"witness": switch.witness(), "peaks": asdict(switch.peaks()), "talks": talks})


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
