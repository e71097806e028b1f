"""AstDB: keys and values that outlive a restart, except the last second before a crash."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class AstDb:
    """Asterisk's database, with a memory of what is not flushed to disk yet.

    Args:
        now: clock in seconds.
        flush_s: age at which a change is safe on disk.
    """

    def __init__(self, now: Callable[[], float], flush_s: float = 1.0) -> None:
        self._now = now
        self._flush_s = flush_s
        self._values: dict[str, str] = {}
        self._recent: deque[tuple[float, str, str | None]] = deque()

    def get(self, family: str, key: str) -> str | None:
        """Return one value; None when there is none."""
        return self._values.get(_path(family, key))

    def tree(self, family: str, key: str) -> list[tuple[str, str]]:
        """Return paths and values under a family (and key), sorted."""
        return sorted((path, self._values[path]) for path in self._under(family, key))

    def put(self, family: str, key: str, value: str) -> None:
        """Set a value."""
        path = _path(family, key)
        self._remember(path)
        self._values[path] = value

    def delete(self, family: str, key: str) -> bool:
        """Delete a value; False when there was none."""
        path = _path(family, key)
        if path not in self._values:
            return False
        self._remember(path)
        del self._values[path]
        return True

    def delete_tree(self, family: str, key: str) -> int:
        """Delete all under a family (and key); returns how many."""
        paths = self._under(family, key)
        for path in paths:
            self._remember(path)
            del self._values[path]
        return len(paths)

    def crash(self, *, lose_recent: bool) -> None:
        """Go on as after a crash: with ``lose_recent``, unflushed changes never happened."""
        if lose_recent:
            horizon = self._now() - self._flush_s
            while self._recent and self._recent[-1][0] > horizon:
                _, path, before = self._recent.pop()
                if before is None:
                    self._values.pop(path, None)
                else:
                    self._values[path] = before
        self._recent.clear()

    def _under(self, family: str, key: str) -> list[str]:
        if not family:
            return list(self._values)
        prefix = _path(family, key) if key else f"/{family}"
        return [p for p in self._values if p == prefix or p.startswith(prefix + "/")]

    def _remember(self, path: str) -> None:
        now = self._now()
        while self._recent and self._recent[0][0] <= now - self._flush_s:
            self._recent.popleft()
        self._recent.append((now, path, self._values.get(path)))


def _path(family: str, key: str) -> str:
    return f"/{family}/{key}"
