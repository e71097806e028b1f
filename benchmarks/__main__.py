"""Run benchmarks: ``python -m benchmarks [--json] [--only NAME ...] [--list]``."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import pkgutil
import sys
from types import ModuleType

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks.figures import Figures


def modules() -> list[ModuleType]:
    """Return every benchmark module, the quickest first."""
    found = [
        importlib.import_module(f"benchmarks.{module.name}")
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if module.name.startswith("bench_")
    ]
    return sorted(found, key=lambda module: module.SECONDS)


def run_one(module: ModuleType) -> Figures:
    """Run one benchmark, and say before how long it takes."""
    print(f"{module.NAME}: takes about {module.SECONDS} s", file=sys.stderr, flush=True)
    figures: Figures = asyncio.run(module.run())
    return figures


def show(figures: Figures) -> None:
    """Print figures as a table."""
    table = Table(title="Benchmarks: value against a floor measured in the same run")
    for name in ("Figure", "Value", "Floor", "Unit", "Ratio", "Aim", "Holds"):
        table.add_column(name, justify="left" if name in {"Figure", "Unit", "Holds"} else "right")
    for name, f in figures.items():
        numbers = [f"{f[key]:g}" for key in ("value", "floor")]
        ratio = "" if f["ratio"] is None else f"{f['ratio']:g}"
        table.add_row(
            name, *numbers, f.get("unit", ""), ratio, f"{f['aim']:g}", "yes" if f["holds"] else "NO"
        )
    Console().print(table)


def report(figures: Figures, *, as_json: bool) -> None:
    """Print figures as asked for."""
    if as_json:
        print(json.dumps(figures))
    else:
        show(figures)


def main(argv: list[str] | None = None, only: ModuleType | None = None) -> int:
    """Run all benchmarks, some, or ``only`` one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", nargs="*", default=None, metavar="NAME", help="run these")
    parser.add_argument("--list", action="store_true", help="say what there is")
    arguments = parser.parse_args(argv)
    chosen = [only] if only is not None else modules()
    if arguments.list:
        for module in chosen:
            print(f"{module.NAME:10} about {module.SECONDS:4} s")
        return 0
    if arguments.only is not None:
        unknown = set(arguments.only) - {module.NAME for module in chosen}
        if unknown:
            parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
        chosen = [module for module in chosen if module.NAME in arguments.only]
    figures: Figures = {}
    for module in chosen:
        figures.update(run_one(module))
    report(figures, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
