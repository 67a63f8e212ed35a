"""How often something may fail before it is refused for a while: counted in windows, in bounded memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

WINDOW_S = 900.0
MOST_KEYS = 10_000


class Throttle:
    """Counts failures by key. Safe in several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def blocked(self, key: str, most: int) -> bool:
        """Whether the key failed `most` times within the window."""
        with self._lock:
            return len(self._recent(key)) >= most

    def failed(self, key: str) -> int:
        """Note a failure; how many there are within the window."""
        with self._lock:
            recent = self._recent(key)
            recent.append(self._clock())
            self._failed[key] = recent
            self._failed.move_to_end(key)
            while len(self._failed) > MOST_KEYS:
                self._failed.popitem(last=False)
            return len(recent)

    def forget(self, key: str) -> None:
        """Begin anew, after a success."""
        with self._lock:
            self._failed.pop(key, None)

    def _recent(self, key: str) -> deque[float]:
        recent = self._failed.get(key, deque())
        while recent and self._clock() - recent[0] > WINDOW_S:
            recent.popleft()
        return recent
