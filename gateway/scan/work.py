"""Files scanned in order of asking, in this process or in several."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from gateway.scan.files import Entry, ScanError
from gateway.scan.found import Scan, Work
from gateway.scan.scanner import Scanner

AHEAD = 4
"""Files each process may be ahead of what was taken: bounds the memory of a long scan."""


def scans_of(work: Work, found: Iterable[Entry], jobs: int = 1) -> Iterator[Scan]:
    """A Scan for each entry, in order. Raises ScanError when a process is lost, e.g. for want of memory."""
    if jobs == 1:
        scanner = scanner_for(work)
        yield from map(scanner.scan, found)
        return
    # Not forked: the libraries of the language model start threads, which a fork does not copy.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _load, (work,)) as pool:
        waiting: deque[Future[Scan]] = deque()
        try:
            for entry in found:
                waiting.append(pool.submit(_scan, entry))
                if len(waiting) >= AHEAD * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise ScanError(
                "a process that reads files was lost, perhaps for want of memory; use fewer --jobs"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def scanner_for(work: Work) -> Scanner:
    """A scanner in this process."""
    return Scanner(work)


_loaded: Scanner | None = None
"""Of a process of the pool."""


def _load(work: Work) -> None:
    global _loaded  # noqa: PLW0603 - an initializer has no other way to leave something to the tasks
    _loaded = scanner_for(work)


def _scan(entry: Entry) -> Scan:
    assert _loaded is not None
    return _loaded.scan(entry)
