"""Tasks on local processes: each process has one task at a time, and its death costs nothing else."""

import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from typing import cast

from molinteract.core.errors import MolinteractError
from molinteract.core.processes import begin_worker
from molinteract.store.attempts import Attempt
from molinteract.store.shards import ShardTask, make_shard


def run_local(tasks: Iterable[ShardTask], workers: int) -> Iterator[ShardTask]:
    """Make the shards of some tasks in processes; yield each task when it is done, in any order.

    Tasks are taken as processes become free, so that any number of them needs no memory.

    Raises
    ------
    StoreError
        If a shard cannot be written, or processes die without having begun.
    """
    # spawn: the parent may hold threads (numba, PyTorch), which a fork would freeze
    context = multiprocessing.get_context("spawn")
    waiting = iter(tasks)
    busy: dict[Connection, _Worker] = {}
    idle: list[_Worker] = []
    try:
        while True:
            while len(busy) < workers and (task := next(waiting, None)) is not None:
                worker = idle.pop() if idle else _Worker(context)
                worker.begin(Attempt(replace(task, isolated=True)))
                busy[worker.connection] = worker
            if not busy:
                return
            for ready in wait(list(busy)):
                worker = busy.pop(cast("Connection", ready))
                attempt, outcome = worker.attempt, worker.outcome()
                if isinstance(outcome, MolinteractError):
                    worker.stop()
                    raise outcome
                if outcome is None:
                    idle.append(worker)
                    yield attempt.task
                else:
                    successor = _Worker(context)
                    successor.begin(attempt.after_death(outcome))
                    busy[successor.connection] = successor
    finally:
        for worker in [*busy.values(), *idle]:
            worker.stop()


class _Worker:
    """One process, as its parent sees it."""

    attempt: Attempt

    def __init__(self, context: SpawnContext) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def begin(self, attempt: Attempt) -> None:
        self.attempt = attempt
        with suppress(BrokenPipeError):  # dead already: outcome() will say how
            self.connection.send(attempt.task)

    def outcome(self) -> MolinteractError | str | None:
        """Return None if the task is done, the error that ended it, or how the process died."""
        try:
            answer: MolinteractError | None = self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            return _death(self.process.exitcode or 0)
        return answer

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _death(exit_code: int) -> str:
    if exit_code == -signal.SIGVTALRM:
        return "no answer long after the time limit"
    if exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"


def _serve(connection: Connection) -> None:
    begin_worker()
    while True:
        try:
            task: ShardTask = connection.recv()
        except EOFError:
            return
        try:
            make_shard(task)
        except MolinteractError as error:
            connection.send(error)
        else:
            connection.send(None)
