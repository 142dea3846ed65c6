"""Work on a Ray cluster (Moritz et al., OSDI 2018; the extra ``tegnas[ray]``)."""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from tegnas.errors import InputError
from tegnas.search.executors.base import MAX_ATTEMPTS, DiedAgainError
from tegnas.search.executors.worker import Work

_CONNECT_SECONDS = 5.0


class RayPool:
    """Items as Ray tasks of one CPU each; Ray runs the item of a dead worker elsewhere.

    Args:
        work: called in a worker with the task and an item; the nodes need the module it is in.
        task: what all items have in common.
        workers: tasks under way at a time.
        address: of a running cluster (``HOST:PORT``, ``ray://HOST:PORT`` or ``auto``); without it
            a cluster is started on this machine and ended by ``close``.

    Raises:
        InputError: Ray isn't installed, or no cluster answers at the address.
    """

    def __init__(self, work: Work, task: bytes, workers: int, address: str | None = None) -> None:
        # Where no cluster answers, Ray would write a warning per second.
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")
        try:
            import ray
        except ImportError:
            raise InputError(
                "the Ray executor needs Ray; install it with pip install 'tegnas[ray]'"
            ) from None
        self._ray = ray
        self._workers = workers
        self._own_cluster = not ray.is_initialized()
        if self._own_cluster:
            _connect(ray, workers, address)
        self._task = ray.put(task)
        self._work = ray.remote(num_cpus=1, max_retries=MAX_ATTEMPTS - 1)(work)

    def run(self, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The index of an item and its answer, as they come back.

        Raises ``DiedAgainError`` for an item that took down one worker after the other.
        """
        queue = deque(range(len(items)))
        running: dict[object, int] = {}
        while queue or running:
            while queue and len(running) < self._workers:
                index = queue.popleft()
                running[self._work.remote(self._task, items[index])] = index
            done, _ = self._ray.wait(list(running), num_returns=1)
            index = running.pop(done[0])
            try:
                answer = self._ray.get(done[0])
            except self._ray.exceptions.RayTaskError as error:
                raise error.as_instanceof_cause() from None
            except self._ray.exceptions.RayError:
                raise DiedAgainError(index) from None
            yield index, answer

    def close(self) -> None:
        """Leave the cluster, and end it if it was started here."""
        if self._own_cluster:
            self._ray.shutdown()


def _connect(ray: Any, workers: int, address: str | None) -> None:
    options = {"include_dashboard": False, "logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        ray.init(address="local", num_cpus=workers, **options)
        return
    _check_reachable(address)
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"no Ray cluster can be used at {address} ({error}); start one with ray start --head, "
            "or leave --address out"
        ) from None


def _check_reachable(address: str) -> None:
    """Ray itself would wait for minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise InputError(f"a Ray address is HOST:PORT, ray://HOST:PORT or auto, got {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise InputError(
            f"no Ray cluster answers at {address} ({error}); start one with ray start --head, or "
            "leave --address out"
        ) from None
