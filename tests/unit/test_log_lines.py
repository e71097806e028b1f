"""Whoever looks a call up in the log finds every line about it, under the same three names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CALLCAMP = Path(__file__).resolve().parents[2] / "callcamp"
LOGS = {"log", "_log"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines_of(function: Function) -> Iterator[ast.Call]:
    """Yield the calls that write a line of the log, but for those of functions inside."""
    nodes: list[ast.AST] = list(function.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Call):
            to = node.func.value if isinstance(node.func, ast.Attribute) else None
            if isinstance(to, ast.Name) and to.id in LOGS and node.args:
                yield node
        if not isinstance(node, Function):
            nodes += ast.iter_child_nodes(node)


def knows_its_call(function: Function) -> bool:
    """Tell whether a function is about one call: it is given its track."""
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return any(one.arg == "track" for one in given)


def nameless(source: str) -> list[str]:
    """Return the lines of the log about a call that do not name it."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]
    return [
        ast.unparse(line)
        for function in functions
        if knows_its_call(function)
        for line in lines_of(function)
        if not any(
            word.arg is None and ast.unparse(word.value).endswith(".ids") for word in line.keywords
        )
    ]


@pytest.mark.parametrize(
    "path", sorted((CALLCAMP / "engine").rglob("*.py")), ids=lambda path: path.stem
)
def test_lines_about_a_call_name_it(path: Path) -> None:
    assert nameless(path.read_text(encoding="utf-8")) == []


def test_a_line_that_names_no_call_is_found() -> None:
    good = "def f(track):\n    log.info('x', **track.ids, a=1)"
    bad = "async def f(self, *, track):\n    if track:\n        log.info('x', a=track.ids)"
    other = "def f(campaign):\n    log.info('x')\n    def g(track):\n        pass"
    assert nameless(good) == nameless(other) == []
    assert nameless(bad) == ["log.info('x', a=track.ids)"]
