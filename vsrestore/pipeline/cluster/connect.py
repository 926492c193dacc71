"""The way to a Dask scheduler."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import PipelineError
from .wish import Cluster

if TYPE_CHECKING:
    from distributed import Client

SECONDS = 30  # in which a scheduler must answer
LOCAL_SECONDS = 300  # of many workers on a busy machine
HERE = "127.0.0.1"
# Nothing is served: not the state of the workers, and no dashboard.
SETTINGS: dict[str, list[str]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


@contextmanager
def connected(wish: Cluster) -> Iterator[Client]:
    """Give a connection to a scheduler; the workers of ``local:N`` are threads of this process, and end with it.

    Dask runs whatever reaches a scheduler's port, also what another user of the machine sends. So there is none:
    these workers are reached inside the process alone.

    Raises:
        PipelineError: no scheduler answers.
        ModuleNotFoundError: Dask is not installed.

    """
    import dask.config
    from distributed import Client

    for name in logging.root.manager.loggerDict:  # what they have to say is told in our words
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    settings = {**SETTINGS, "distributed.comm.timeouts.connect": f"{SECONDS}s"}
    with dask.config.set(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions, which are compared
        if wish.local:
            with _workers_here(wish.local) as client:
                yield client
            return
        try:
            client = Client(wish.address, timeout=SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise PipelineError(
                f"--cluster {wish.address}: no scheduler answers there ({error or type(error).__name__}); "
                "start one with: dask scheduler"
            ) from None
        try:
            yield client
        finally:
            client.close(timeout=SECONDS)


@contextmanager
def _workers_here(count: int) -> Iterator[Client]:
    """Give the connection to so many workers in this process, which share its cores."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=False,
        memory_limit=0,
        dashboard_address=f"{HERE}:0",
        worker_dashboard_address=f"{HERE}:0",
        silence_logs=logging.CRITICAL,
    )
    with cluster, Client(cluster, timeout=LOCAL_SECONDS, set_as_default=False) as client, _cores_shared(count):
        yield client


@contextmanager
def _cores_shared(count: int) -> Iterator[None]:
    """Let the networks of each of so many programs have their share of the cores, unless the user has said how many."""
    if "OMP_NUM_THREADS" in os.environ:
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(max((os.cpu_count() or 1) // count, 1))
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]
