"""Many requests at once, through a bounded pool and within a deadline."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar, cast

from mesh_assets.errors import UnreachableError

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_flight(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    within_seconds: float,
    what: str,
) -> list[Result]:
    """The results of `function` for all items, in their order, with at most `workers` calls at the same time.

    Raises the first failure and drops the calls that have not started: half a result is worth nothing. Raises
    UnreachableError when `what` takes longer than `within_seconds`; calls under way then end by their own
    deadlines.
    """
    work = list(items)
    if not work:
        return []
    failed = threading.Event()

    def run(item: Item) -> Result | None:
        if failed.is_set():
            return None
        try:
            return function(item)
        except BaseException:
            failed.set()
            raise

    pool = ThreadPoolExecutor(max_workers=min(workers, len(work)), thread_name_prefix="mesh-http")
    try:
        futures = [pool.submit(run, item) for item in work]
        done, pending = wait(futures, timeout=within_seconds, return_when=FIRST_EXCEPTION)
        for future in futures:
            if future in done and (error := future.exception()) is not None:
                raise error
        if pending:
            raise UnreachableError(
                f"{what} took longer than {within_seconds:g} s ({len(done)} of {len(work)} read)"
            )
        return [cast(Result, future.result()) for future in futures]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
