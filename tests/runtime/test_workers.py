"""Worker processes under every kind of misfortune: real processes, really killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from gateway.core.errors import InspectionError
from gateway.workers import WorkerPool
from tests.runtime.handlers import broken, dying, greedy, obeying, slow

GIB = 2**30


@contextlib.asynccontextmanager
async def a_pool(
    factory=obeying, *, workers: int = 1, max_waiting_bytes: int = 10**6, max_tasks: int | None = None
) -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(
        factory,
        workers=workers,
        max_waiting_bytes=max_waiting_bytes,
        memory_limit_bytes=GIB,
        max_tasks=max_tasks,
    )
    await pool.start()
    try:
        yield pool
    finally:
        await pool.stop()


async def ask(pool: WorkerPool, request: object, *, size: int = 1, limit: float = 60) -> object:
    return await pool.run(request, size_bytes=size, time_limit_s=limit)


async def refused(pool: WorkerPool, request: object, *, limit: float = 60) -> str:
    with pytest.raises(InspectionError) as caught:
        await ask(pool, request, limit=limit)
    assert "Nowak" not in str(caught.value)
    return caught.value.reason


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.005)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def test_an_answer_comes_back_whatever_its_size():
    async with a_pool() as pool:
        body = os.urandom(3_000_000)
        assert await ask(pool, ("echo", body)) == body
        assert await ask(pool, ("echo", None)) is None


async def test_a_pool_is_ready_once_every_worker_has_loaded():
    async with a_pool(workers=2) as pool:
        assert pool.ready == 2


@pytest.mark.parametrize(
    ("factory", "reason", "text"),
    [
        (broken, "inspection-error", "FileNotFoundError at handlers.py"),
        (dying, "worker-lost", "while it was loading"),
        (greedy, "out-of-memory", "memory"),
    ],
)
async def test_a_pool_whose_workers_cannot_load_does_not_start_and_says_why(factory, reason, text):
    pool = WorkerPool(factory, workers=2, max_waiting_bytes=1, memory_limit_bytes=GIB)
    with pytest.raises(InspectionError, match=text) as caught:
        await pool.start()
    assert caught.value.reason == reason
    assert pool.ready == 0


async def test_a_worker_that_hangs_is_killed_at_the_time_limit_and_replaced(tmp_path):
    async with a_pool() as pool:
        pid = await ask(pool, "pid")
        assert await refused(pool, ("hang", str(tmp_path / "began")), limit=0.3) == "time-limit"
        await until(lambda: not alive(pid))
        assert await ask(pool, "pid") != pid
        assert pool.restarts == 1


async def test_a_program_that_a_worker_runs_ends_with_it(tmp_path):
    started = tmp_path / "pid"
    async with a_pool() as pool:
        asking = asyncio.ensure_future(refused(pool, ("run", str(started)), limit=1.5))
        await until(lambda: started.exists() and started.read_text())
        program = int(started.read_text())
        assert alive(program)
        assert await asking == "time-limit"
        await until(lambda: not alive(program))


async def test_the_time_limit_covers_waiting(tmp_path):
    async with a_pool() as pool:
        busy = asyncio.create_task(ask(pool, ("wait for", str(tmp_path / "go"))))
        await until(lambda: not pool._idle)
        assert await refused(pool, "who", limit=0.1) == "time-limit"
        assert pool.waiting_bytes == 0
        (tmp_path / "go").touch()
        assert await busy == "first"
        assert pool.restarts == 0


async def test_a_worker_killed_at_work_fails_its_request_and_is_replaced(tmp_path):
    async with a_pool() as pool:
        pid = await ask(pool, "pid")
        request = asyncio.create_task(refused(pool, ("hang", str(tmp_path / "began"))))
        await until((tmp_path / "began").exists)
        os.kill(pid, signal.SIGKILL)
        assert await request == "worker-lost"
        assert await ask(pool, "who") == "first"


async def test_a_worker_killed_while_idle_is_replaced_before_anybody_asks():
    async with a_pool() as pool:
        os.kill(await ask(pool, "pid"), signal.SIGKILL)
        await until(lambda: pool.restarts == 1 and pool.ready == 1)
        assert await ask(pool, "who") == "first"


async def test_workers_killed_under_load_leave_no_request_unanswered():
    async with a_pool(workers=2) as pool:
        answers = []

        async def client(number: int) -> None:
            for turn in range(40):
                try:
                    answers.append(await ask(pool, ("echo", (number, turn))) == (number, turn))
                except InspectionError as error:
                    answers.append(error.reason == "worker-lost")

        clients = [asyncio.create_task(client(number)) for number in range(8)]
        for killed in range(1, 4):
            await until(lambda: pool.ready > 0)
            for worker in list(pool._workers)[:1]:
                os.kill(worker.pid, signal.SIGKILL)
            await until(lambda killed=killed: pool.restarts >= killed)
        await asyncio.gather(*clients)
        assert answers == [True] * 320
        await until(lambda: pool.ready == 2)


@pytest.mark.parametrize("request_", ["exhaust memory", "exhaust memory in small pieces"])
async def test_a_worker_that_runs_out_of_memory_says_so_and_is_replaced(request_):
    async with a_pool() as pool:
        pid = await ask(pool, "pid")
        assert await refused(pool, request_) == "out-of-memory"
        assert await ask(pool, "pid") != pid


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ("raise with personal data", "inspection-error"),
        ("exit", "inspection-error"),
        ("interrupt", "inspection-error"),
        ("recurse", "inspection-error"),
        ("unpicklable", "inspection-error"),
        ("splice", "splice"),
        ("overloaded", "time-limit"),
    ],
)
async def test_an_exception_refuses_the_request_and_the_worker_works_on(request_, reason):
    async with a_pool() as pool:
        pid = await ask(pool, "pid")
        assert await refused(pool, request_) == reason
        assert await ask(pool, "pid") == pid


async def test_an_exception_is_told_as_type_and_place_without_its_text():
    async with a_pool() as pool:
        with pytest.raises(InspectionError) as caught:
            await ask(pool, "raise with personal data")
        assert str(caught.value).startswith("ValueError at handlers.py:")
        assert caught.value.__cause__ is None


async def test_a_crash_in_native_code_loses_the_worker_only():
    async with a_pool() as pool:
        assert await refused(pool, "crash") == "worker-lost"
        assert await ask(pool, "who") == "first"


async def test_an_answer_cannot_run_code_in_the_parent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with a_pool() as pool:
        assert await refused(pool, "hostile") == "worker-lost"
        assert await ask(pool, "who") == "first"
    assert not (tmp_path / "hostile-was-here").exists()


async def test_what_would_make_too_many_bytes_wait_is_refused_at_once(tmp_path):
    async with a_pool(max_waiting_bytes=1000) as pool:
        busy = asyncio.create_task(ask(pool, ("wait for", str(tmp_path / "go")), size=5000))
        await until(lambda: not pool._idle)
        waiting = asyncio.create_task(ask(pool, "who", size=900))
        await until(lambda: pool.waiting_bytes == 900)
        with pytest.raises(InspectionError) as caught:
            await ask(pool, "who", size=101)
        assert caught.value.reason == "overloaded"
        (tmp_path / "go").touch()
        assert await asyncio.gather(busy, waiting) == ["first", "first"]


async def test_small_requests_overtake_large_ones_but_every_third_turn_is_the_oldests(tmp_path):
    async with a_pool() as pool:
        busy = asyncio.create_task(ask(pool, ("wait for", str(tmp_path / "go"))))
        await until(lambda: not pool._idle)
        order = tmp_path / "order"
        requests = []
        for word, size in [
            ("huge", 9000),
            ("large", 8000),
            ("s1", 100),
            ("s2", 101),
            ("s3", 102),
            ("s4", 103),
        ]:
            requests.append(asyncio.create_task(ask(pool, ("note", str(order), word), size=size)))
            await asyncio.sleep(0)
        (tmp_path / "go").touch()
        await asyncio.gather(busy, *requests)
        assert order.read_text().split() == ["s1", "huge", "s2", "s3", "large", "s4"]


async def test_a_cancelled_caller_leaves_the_worker_in_service(tmp_path):
    async with a_pool() as pool:
        pid = await ask(pool, "pid")
        leaving = asyncio.create_task(ask(pool, ("wait for", str(tmp_path / "go"))))
        await until(lambda: not pool._idle)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        (tmp_path / "go").touch()
        assert await ask(pool, "pid") == pid


async def test_a_cancelled_caller_does_not_leave_a_hanging_worker_behind(tmp_path):
    async with a_pool() as pool:
        leaving = asyncio.create_task(ask(pool, ("hang", str(tmp_path / "began")), limit=0.5))
        await until((tmp_path / "began").exists)
        leaving.cancel()
        assert await ask(pool, "who") == "first"
        assert pool.restarts == 1


async def test_a_caller_cancelled_while_waiting_leaves_nothing_in_the_queue(tmp_path):
    async with a_pool() as pool:
        busy = asyncio.create_task(ask(pool, ("wait for", str(tmp_path / "go"))))
        await until(lambda: not pool._idle)
        leaving = asyncio.create_task(ask(pool, ("note", str(tmp_path / "order"), "never")))
        await until(lambda: pool.waiting_bytes > 0)
        leaving.cancel()
        await asyncio.wait({leaving})
        assert pool.waiting_bytes == 0
        (tmp_path / "go").touch()
        await busy
        assert await ask(pool, "who") == "first"
        assert not (tmp_path / "order").exists()


async def test_replacing_lets_old_workers_finish_and_gives_new_requests_to_new_ones(tmp_path):
    async with a_pool() as pool:
        old_pid = await ask(pool, "pid")
        under_way = asyncio.create_task(ask(pool, ("wait for", str(tmp_path / "go"))))
        await until(lambda: not pool._idle)
        await pool.replace(partial(obeying, "second"))
        assert await ask(pool, "who") == "second"
        (tmp_path / "go").touch()
        assert await under_way == "first"
        await until(lambda: not alive(old_pid))
        assert (pool.ready, pool.restarts) == (1, 0)


async def test_a_replacement_that_cannot_load_keeps_the_old_workers():
    async with a_pool() as pool:
        with pytest.raises(InspectionError):
            await pool.replace(broken)
        assert await ask(pool, "who") == "first"
        os.kill(await ask(pool, "pid"), signal.SIGKILL)
        await until(lambda: pool.restarts == 1 and pool.ready == 1)
        assert await ask(pool, "who") == "first"


async def test_a_worker_lost_after_the_switch_comes_back_with_the_new_rules():
    async with a_pool(workers=2) as pool:
        await pool.replace(partial(obeying, "second"))
        for worker in list(pool._workers):
            os.kill(worker.pid, signal.SIGKILL)
        await until(lambda: pool.restarts == 2 and pool.ready == 2)
        assert [await ask(pool, "who") for _ in range(4)] == ["second"] * 4


async def test_an_old_worker_lost_during_the_switch_never_comes_back_with_old_rules():
    async with a_pool(workers=2) as pool:
        for worker in list(pool._workers):
            os.kill(worker.pid, signal.SIGKILL)
        await pool.replace(partial(obeying, "second"))
        await until(lambda: not pool._launching)
        assert pool.ready == 2
        await until(lambda: len(our_workers()) == 2)
        assert [await ask(pool, "who") for _ in range(4)] == ["second"] * 4


async def test_a_worker_is_renewed_after_its_number_of_requests_and_none_is_lost():
    async with a_pool(max_tasks=3) as pool:
        first = await ask(pool, "pid")
        pids = [await ask(pool, "pid") for _ in range(2)]
        assert pids == [first, first]
        await until(lambda: not pool._launching)
        assert await ask(pool, "pid") != first
        assert (pool.ready, pool.restarts) == (1, 0)


async def test_stopping_refuses_what_is_under_way_and_leaves_no_process(tmp_path):
    async with a_pool(workers=2) as pool:
        pids = [worker.pid for worker in pool._workers]
        under_way = [asyncio.create_task(refused(pool, ("hang", str(tmp_path / name)))) for name in "abc"]
        await until(lambda: (tmp_path / "a").exists() and (tmp_path / "b").exists())
        await pool.stop()
        assert await asyncio.gather(*under_way) == ["shutting-down"] * 3
        assert [pid for pid in pids if alive(pid)] == []
        assert await refused(pool, "who") == "shutting-down"


async def test_a_start_that_is_cancelled_leaves_no_process():
    pool = WorkerPool(slow, workers=2, max_waiting_bytes=1, memory_limit_bytes=GIB)
    start = asyncio.create_task(pool.start())
    await until(lambda: len(our_workers()) == 2)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert our_workers() == []


async def test_workers_leave_no_core_and_say_nothing(capfd):
    async with a_pool() as pool:
        assert (await ask(pool, "core limit"))[0] == 0
        assert await ask(pool, "dumpable") == 0
        assert await ask(pool, "chatter") == "said"
    assert capfd.readouterr() == ("", "")


async def test_workers_are_deaf_to_the_terminal_and_the_service_manager():
    async with a_pool() as pool:
        pid = await ask(pool, "pid")
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
        assert await ask(pool, "pid") == pid


PARENT = """
import asyncio
from gateway.workers import WorkerPool
from tests.runtime.handlers import obeying

async def main():
    pool = WorkerPool(obeying, workers=2, max_waiting_bytes=10**6, memory_limit_bytes=2**30)
    await pool.start()
    asyncio.create_task(pool.run(("hang", "/dev/null"), size_bytes=1, time_limit_s=600))
    print(*(worker.pid for worker in pool._workers), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_workers_die_with_a_killed_parent_busy_or_idle():
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert len(pids) == 2
    parent.kill()
    await parent.wait()
    await until(lambda: not any(alive(pid) for pid in pids))


def our_workers() -> list[int]:
    """Worker processes of this process that still live; other tests may have children of other kinds."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            works = b"gateway.worker" in (stat.parent / "cmdline").read_bytes()
            if int(fields[1]) == os.getpid() and fields[0] != "Z" and works:
                found.append(int(stat.parent.name))
    return found
