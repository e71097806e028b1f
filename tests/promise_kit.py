"""Which failures stand: a promise that was broken once is broken, whatever a second run says.

``.ci/again`` runs failed tests on real programs once more, unless pytest ends with ``STATUS``.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

STATUS = 6
"""How pytest ends when a failure stands: no status of its own."""

_STANDS = ("stands", True)
_standing: list[str] = []


class PromiseBroken(AssertionError):
    """Somebody was called whom nobody should have called, or nobody knows of the call."""


def promised(kept: bool, broken: object) -> None:
    """Fail for good unless a promise was kept; ``broken`` says what was seen instead."""
    if not kept:
        raise PromiseBroken(broken)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note in the report of a failure that it stands: it may be made in another process."""
    report = yield
    is_broken = call.excinfo is not None and call.excinfo.errisinstance(PromiseBroken)
    if report.failed and (is_broken or item.get_closest_marker("strict")):
        report.user_properties.append(_STANDS)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect them in the process that ends the run."""
    if report.failed and _STANDS in map(tuple, report.user_properties):
        _standing.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End with a status of its own when a failure stands."""
    if exitstatus == pytest.ExitCode.TESTS_FAILED and _standing:
        session.exitstatus = STATUS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which they are."""
    for nodeid in _standing:
        terminalreporter.write_line(f"A promise: no second chance for {nodeid}")
