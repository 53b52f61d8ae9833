"""Independent pieces of work at the same time, with an end for the caller that no hanging piece can put off."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


def side_by_side(
    work: Sequence[Callable[[], Result]], *, workers: int, within_seconds: float
) -> list[Result | None]:
    """What each piece returned, in order; None for those that were not done in time. The first exception of
    one is raised.

    A ThreadPoolExecutor would not do: the interpreter waits for its threads before it exits, these it does
    not. Pieces have deadlines of their own as well, so what is left behind ends soon.
    """
    waiting: SimpleQueue[tuple[Future[Result], Callable[[], Result]]] = SimpleQueue()
    futures: list[Future[Result]] = []
    for piece in work:
        future: Future[Result] = Future()
        futures.append(future)
        waiting.put((future, piece))
    for number in range(min(workers, len(work))):
        threading.Thread(target=_run, args=(waiting,), name=f"mesh-check-{number}", daemon=True).start()
    wait(futures, timeout=within_seconds)
    for future in futures:
        future.cancel()  # what has not begun never will; what is done is not touched by it
    return [future.result() if future.done() and not future.cancelled() else None for future in futures]


def _run(waiting: "SimpleQueue[tuple[Future[Result], Callable[[], Result]]]") -> None:
    while True:
        try:
            future, piece = waiting.get_nowait()
        except Empty:
            return
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(piece())
        except BaseException as error:  # handed to whoever asks for the result, as executors do
            future.set_exception(error)
