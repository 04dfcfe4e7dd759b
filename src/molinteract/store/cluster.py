"""Tasks on a Ray cluster: the same task code, a bounded number in flight, work of dead nodes done again.

Every node needs this package and sees sources and store under the same paths (a shared file system).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from molinteract.core.errors import MolinteractError, StoreError
from molinteract.core.optional import require
from molinteract.store.attempts import Attempt
from molinteract.store.shards import ShardTask, make_shard

TASKS_PER_CORE = 2
"""In flight for each core of the cluster: one at work, one ready."""


def run_on_ray(tasks: Iterable[ShardTask], address: str) -> Iterator[ShardTask]:
    """Make the shards of some tasks on a cluster; yield each task when it is done, in any order.

    Parameters
    ----------
    tasks : iterable of ShardTask
    address : str
        Of the cluster (``auto``, ``host:port``), or ``local`` for one on this machine.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    StoreError
        If the cluster cannot be reached, a shard cannot be written, or processes die without having begun.
    """
    ray = require("ray", extra="cluster", purpose="building on a cluster")
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, address)
    # a death is ours to judge (``store.attempts``), so Ray shall not retry by itself
    remote = ray.remote(max_retries=0, num_cpus=1)(_run)
    waiting = iter(tasks)
    flying: dict[Any, Attempt] = {}
    try:
        while True:
            room = TASKS_PER_CORE * max(1, int(ray.cluster_resources().get("CPU", 1)))
            while len(flying) < room and (task := next(waiting, None)) is not None:
                attempt = Attempt(replace(task, isolated=True))
                flying[remote.remote(attempt.task)] = attempt
            if not flying:
                return
            for done in ray.wait(list(flying), num_returns=1)[0]:
                attempt = flying.pop(done)
                try:
                    error = ray.get(done)
                except ray.exceptions.RayError as death:
                    following = attempt.after_death(type(death).__name__)
                    flying[remote.remote(following.task)] = following
                    continue
                if error is not None:
                    raise error
                yield attempt.task
    finally:
        for reference in flying:
            ray.cancel(reference, force=True)
        if ours:
            ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    try:
        ray.init(address=None if address == "local" else address, log_to_driver=False, include_dashboard=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise StoreError(
            f"no Ray cluster answers: {error}",
            entry=address,
            remedy="start one with ray start --head, or check the address",
        ) from error


def _run(task: ShardTask) -> MolinteractError | None:
    try:
        make_shard(task)
    except MolinteractError as error:
        return error
    return None
