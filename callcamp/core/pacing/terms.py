"""Chances at several instants, with what sums of them need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

_FEW = 3


class Term(NamedTuple):
    """One thing that may have happened by each of several instants.

    Args:
        chances: its probability ``p`` at each instant.
        moments: all ``p``, then all ``p (1 - p)``, then all ``p (1 - p) (1 - 2 p)``.
    """

    chances: tuple[float, ...]
    moments: tuple[float, ...]


def term(chances: Sequence[float]) -> Term:
    """Return the term of these chances."""
    variances = [p * (1 - p) for p in chances]
    thirds = [v * (1 - 2 * p) for v, p in zip(variances, chances, strict=True)]
    return Term(tuple(chances), tuple(chain(chances, variances, thirds)))


def total(terms: Iterable[tuple[Term, int]], instants: int) -> list[float]:
    """Return the moments of a sum of independent terms, each so many times.

    Args:
        terms: each term and how often it is there.
        instants: how many instants a term has.
    """
    rows: list[Sequence[float]] = []
    for one, times in terms:
        if times <= _FEW:
            rows.extend([one.moments] * times)
        else:
            rows.append([times * moment for moment in one.moments])
    # Column by column: an order of magnitude quicker than adding up row by row.
    return [sum(column) for column in zip(*rows, strict=True)] or [0.0] * (3 * instants)
