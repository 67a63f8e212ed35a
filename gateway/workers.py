"""Worker processes for inspection: loaded before they are needed, killed when they hang, replaced when they die.

Rules kept here and nowhere else:
 * The time limit covers waiting and working; a worker that runs over it is killed with what it started, never waited
   for.
 * Small requests overtake large ones, but every third turn goes to the one that has waited longest.
 * What waits is bounded in bytes; beyond that a request is refused at once.

A request crosses to the worker as one pickle over a socket pair, and so does the answer; `worker` is the other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import os
import pickle
import signal
import socket
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.errors import InspectionError
from gateway.processes import LENGTH, MAX_ANSWER_BYTES, answer_from, command
from gateway.worker import Factory, Failure

START_TIME_LIMIT_S = 120.0
FAIR_TURN = 3
"""Every so many turns the oldest request goes first, whatever its size."""
RETRY_S = 1.0
"""Pause before another try to replace a worker, when memory or process numbers are short."""


class WorkerPool:
    """A fixed number of workers behind one queue. Use from one event loop only."""

    def __init__(
        self,
        factory: Factory,
        *,
        workers: int,
        max_waiting_bytes: int,
        memory_limit_bytes: int,
        max_tasks: int | None = None,
    ) -> None:
        """`factory` is pickled and called once in each worker; after `max_tasks` answers a worker is renewed."""
        self._factory = factory
        self.wanted = workers
        self.max_waiting_bytes = max_waiting_bytes
        self.memory_limit_bytes = memory_limit_bytes
        self._max_tasks = max_tasks
        self._queue = _Queue()
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._launching: set[asyncio.Task[None]] = set()
        self._generation = 0
        """Counts successful replacements, so that a worker of older rules is never engaged after them."""
        self._replacing = asyncio.Lock()
        self._stopping = False
        self.restarts = 0
        """Workers lost and replaced since the start."""

    @property
    def ready(self) -> int:
        """Workers that are loaded, alive and take requests."""
        return sum(not worker.retired for worker in self._workers)

    @property
    def pids(self) -> Sequence[int]:
        """The processes that are there now."""
        return [worker.pid for worker in tuple(self._workers)]

    @property
    def waiting(self) -> int:
        """Requests that wait for a worker."""
        return len(self._queue)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the requests that wait for a worker."""
        return self._queue.bytes

    async def start(self) -> None:
        """Start all workers and wait until each has loaded. Raises InspectionError with the reason if one cannot."""
        for worker in await self._complement(self._factory):
            self._engage(worker)

    async def run(self, request: object, *, size_bytes: int, time_limit_s: float) -> object:
        """Let a worker handle `request`; its answer. When the caller is cancelled, the worker finishes for nobody.

        Raises:
            InspectionError: with reason overloaded, time-limit, worker-lost, out-of-memory, inspection-error,
                shutting-down, or the reason of an InspectionError or SpliceError in the handler.
        """
        if self._stopping:
            raise _shutting_down()
        loop = asyncio.get_running_loop()
        payload = pickle.dumps(request, protocol=5)
        job = _Job(payload, max(size_bytes, len(payload)), loop.create_future())
        if not self._idle and self._queue.bytes + job.size_bytes > self.max_waiting_bytes:
            raise InspectionError(
                "overloaded", f"{self._queue.bytes} bytes are waiting for inspection already"
            )
        timer = loop.call_later(time_limit_s, self._expire, job, time_limit_s)
        # The timer outlives a cancelled caller: a worker that hangs is killed even when nobody waits for it.
        job.answer.add_done_callback(
            lambda answer: None if answer.cancelled() and job.worker else timer.cancel()
        )
        self._queue.put(job)
        self._dispatch()
        try:
            return await job.answer
        finally:
            self._queue.discard(job)

    async def replace(self, factory: Factory) -> None:
        """Switch to workers built by `factory`: new ones load first, then take over; old ones finish what they do.

        Raises:
            InspectionError: the new workers do not load; the old ones stay.
        """
        async with self._replacing:
            fresh = await self._complement(factory)
            self._factory = factory
            self._generation += 1
            for worker in tuple(self._workers):
                self._retire(worker)
            for worker in fresh:
                self._engage(worker)

    async def stop(self) -> None:
        """Refuse what waits and what is under way, end every worker, leave no process behind. Safe to call twice."""
        self._stopping = True
        for job in self._queue.drain():
            job.fail(_shutting_down())
        for worker in tuple(self._workers):
            if worker.job is not None:
                worker.job.fail(_shutting_down())
            self._retire(worker)
            worker.kill()
        for task in self._launching:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._launching, return_exceptions=True)

    async def _complement(self, factory: Factory) -> list[_Worker]:
        """As many loaded workers as are wanted, or none and the reason."""
        launches = [asyncio.create_task(self._launch(factory)) for _ in range(self.wanted)]
        try:
            await asyncio.gather(*launches)
            if self._stopping:
                raise _shutting_down()
        except BaseException:
            for launch in launches:
                launch.cancel()
            for outcome in await asyncio.gather(*launches, return_exceptions=True):
                if isinstance(outcome, _Worker):
                    await outcome.end()
            raise
        return [launch.result() for launch in launches]

    async def _launch(self, factory: Factory) -> _Worker:
        return await _Worker.launch(factory, self.memory_limit_bytes)

    def _engage(self, worker: _Worker) -> None:
        self._workers.add(worker)
        self._spawn(self._attend(worker), self._tasks)
        self._free(worker)

    def _free(self, worker: _Worker) -> None:
        self._idle.append(worker)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._idle and self._queue.bytes:
            self._idle.pop().give(self._queue.take())

    def _retire(self, worker: _Worker) -> None:
        """Give it no more requests; it ends after the present one."""
        worker.retired = True
        if worker in self._idle:
            self._idle.remove(worker)
            worker.kill()

    def _expire(self, job: _Job, time_limit_s: float) -> None:
        job.fail(InspectionError("time-limit", f"not finished within {time_limit_s:g} s"))
        self._queue.discard(job)
        if job.worker is not None and job.worker.job is job:
            job.worker.kill()

    async def _attend(self, worker: _Worker) -> None:
        """Take a worker's answers until it ends, of age or of illness; then see to its replacement."""
        try:
            while True:
                answer = await worker.receive()
                job, worker.job = worker.job, None
                if job is not None:
                    job.settle(answer)
                if worker.retired or _out_of_memory(answer):
                    break
                worker.answered += 1
                if self._max_tasks is not None and worker.answered == self._max_tasks:
                    self._spawn(self._renew(worker, self._generation), self._launching)
                self._free(worker)
        except (asyncio.IncompleteReadError, ConnectionError, pickle.UnpicklingError):
            pass  # The process is gone, or says what no worker says.
        finally:
            self._workers.discard(worker)
            if worker in self._idle:
                self._idle.remove(worker)
            if worker.job is not None:
                worker.job.fail(
                    InspectionError("worker-lost", "the inspection process ended before it answered")
                )
            if not worker.retired and not self._stopping:
                self.restarts += 1
                self._spawn(self._restore(self._generation), self._launching)
            await worker.end()

    async def _restore(self, generation: int) -> None:
        """Replace a lost worker, unless newer workers take over meanwhile."""
        while generation == self._generation:
            try:
                worker = await self._launch(self._factory)
            except InspectionError:
                await asyncio.sleep(RETRY_S)  # `ready` shows the gap meanwhile.
                continue
            await self._admit(worker, generation == self._generation)
            return

    async def _renew(self, old: _Worker, generation: int) -> None:
        """Relieve a worker that has served its number of requests; it works on until the new one has loaded."""
        try:
            worker = await self._launch(self._factory)
        except InspectionError:
            old.answered = 0
            return
        due = generation == self._generation and old in self._workers
        if due:
            self._retire(old)
        await self._admit(worker, due)

    async def _admit(self, worker: _Worker, wanted: bool) -> None:
        if wanted and not self._stopping:
            self._engage(worker)
        else:
            await worker.end()

    def _spawn(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)


@dataclass(slots=True, eq=False)
class _Job:
    payload: bytes
    size_bytes: int
    answer: asyncio.Future[object]
    worker: _Worker | None = None

    def settle(self, answer: object) -> None:
        if isinstance(answer, Failure):
            self.fail(InspectionError(answer.reason, answer.where))
        elif not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: InspectionError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class _Queue:
    """Smallest first, with a fair turn for the oldest now and then. Bounded by its user, in bytes."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[int, _Job] = OrderedDict()
        self._by_size: list[tuple[int, int]] = []
        """Size and arrival; may still name jobs that are no longer here."""
        self._arrivals: dict[_Job, int] = {}
        self._count = itertools.count()
        self._turns = itertools.count(1)
        self.bytes = 0
        """Sum of the sizes; greater than zero while anything waits, since no job is empty."""

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: _Job) -> None:
        arrival = next(self._count)
        self._jobs[arrival] = job
        self._arrivals[job] = arrival
        heapq.heappush(self._by_size, (job.size_bytes, arrival))
        self.bytes += job.size_bytes

    def discard(self, job: _Job) -> None:
        arrival = self._arrivals.pop(job, None)
        if arrival is not None:
            del self._jobs[arrival]
            self.bytes -= job.size_bytes

    def take(self) -> _Job:
        """The next job to work on. There must be one."""
        if next(self._turns) % FAIR_TURN == 0:
            job = next(iter(self._jobs.values()))
        else:
            while self._by_size[0][1] not in self._jobs:
                heapq.heappop(self._by_size)
            job = self._jobs[self._by_size[0][1]]
        self.discard(job)
        return job

    def drain(self) -> list[_Job]:
        jobs = list(self._jobs.values())
        for job in jobs:
            self.discard(job)
        return jobs


class _Worker:
    """One process and the stream to it, seen from the parent."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.job: _Job | None = None
        self.answered = 0
        self.retired = False
        self._process = process
        self._reader = reader
        self._writer = writer

    @property
    def pid(self) -> int:
        return self._process.pid

    @classmethod
    async def launch(cls, factory: Factory, memory_limit_bytes: int) -> _Worker:
        """Start a process and wait until its handler is built. Raises InspectionError."""
        ours, theirs = socket.socketpair()
        with theirs:
            # Connected first: from the start of the process on, every step must be able to end it.
            reader, writer = await asyncio.open_connection(sock=ours)
            numbers = (theirs.fileno(), os.getpid(), memory_limit_bytes)
            try:
                process = await asyncio.create_subprocess_exec(
                    *command("gateway.worker", "work", *numbers),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    # What libraries complain about may quote what they read.
                    stderr=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    process_group=0,
                )
            except BaseException as error:
                writer.close()
                if isinstance(error, OSError):
                    what = f"an inspection process cannot be started: {error.strerror}"
                    raise InspectionError("worker-lost", what) from error
                raise
        worker = cls(process, reader, writer)
        try:
            async with asyncio.timeout(START_TIME_LIMIT_S):
                worker._write(pickle.dumps(factory, protocol=5))
                answer = await worker.receive()
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, pickle.UnpicklingError):
            await worker.end()
            raise InspectionError(
                "worker-lost", "an inspection process ended or hung while it was loading"
            ) from None
        except BaseException:
            await worker.end()
            raise
        if isinstance(answer, Failure):
            await worker.end()
            raise InspectionError(answer.reason, f"an inspection process cannot load: {answer.where}")
        return worker

    def give(self, job: _Job) -> None:
        self.job = job
        job.worker = self
        self._write(job.payload)
        job.payload = b""

    async def receive(self) -> object:
        """The next answer. Raises IncompleteReadError, ConnectionError or UnpicklingError when it is lost."""
        (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        if length > MAX_ANSWER_BYTES:
            raise pickle.UnpicklingError("a worker's answer is too long")
        return answer_from(await self._reader.readexactly(length))

    def kill(self) -> None:
        """End the process and the programs it runs now, whatever they do; `receive` then fails."""
        # Once it is reaped, its number may be that of somebody else's group.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill and reap the process, even when cancelled: after the kill that takes no time to speak of."""
        self.kill()
        self._writer.close()
        reaped = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.shield(reaped)
        except asyncio.CancelledError:
            await reaped
            raise

    def _write(self, payload: bytes) -> None:
        # Not awaited: one job a worker is all that can lie in the buffer. In one go, so that the worker wakes once.
        self._writer.writelines((LENGTH.pack(len(payload)), payload))


def _out_of_memory(answer: object) -> bool:
    return isinstance(answer, Failure) and answer.reason == "out-of-memory"


def _shutting_down() -> InspectionError:
    return InspectionError("shutting-down", "the workers are being stopped")
