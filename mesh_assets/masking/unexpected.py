"""What is said about exceptions: masked, wherever it goes.

Other libraries' exceptions quote what they were given (a URL with its login, a line of a config), and a traceback prints
them with all their causes. So whatever a process logs, prints or passes on about one goes through here first.
"""

import logging
import sys
import threading
import traceback
from types import SimpleNamespace, TracebackType
from typing import Any, TextIO

from mesh_assets.errors import MeshError
from mesh_assets.inventory.wording import one_line, readable
from mesh_assets.masking.text import mask_text

_DEEPEST = 20
_SHOWN_CHARACTERS = 300


class UnexpectedError(MeshError):
    """A fault of this program: an unforeseen exception. Its cause is that exception, masked."""


def masked(error: BaseException) -> BaseException:
    """`error` as it may be shown, with its causes. A MeshError stays the same object, since its class means
    something to callers; any other is replaced by one that prints alike."""
    return _masked(error, ())


def _masked(error: BaseException, around: tuple[int, ...]) -> BaseException:
    if id(error) in around or len(around) > _DEEPEST:
        return _Masked("… (the rest of its causes is left out)")
    around = (*around, id(error))
    suppressed, cause, context = error.__suppress_context__, error.__cause__, error.__context__
    shown = _shown(error, around)
    shown.__cause__ = None if cause is None else _masked(cause, around)
    shown.__context__ = None if suppressed or context is None else _masked(context, around)
    shown.__suppress_context__ = suppressed
    notes = getattr(error, "__notes__", ())
    if notes:
        shown.__notes__ = [mask_text(str(note)) for note in notes]
    return shown.with_traceback(error.__traceback__)


class _Masked(Exception):  # noqa: N818 - never seen under this name
    pass


def _shown(error: BaseException, around: tuple[int, ...]) -> BaseException:
    if isinstance(error, MeshError):
        error.args = tuple(mask_text(one) if isinstance(one, str) else one for one in error.args)
        return error
    if isinstance(error, BaseExceptionGroup):
        return BaseExceptionGroup(
            mask_text(error.message), [_masked(one, around) for one in error.exceptions]
        )
    of = type(error)
    named = type(of.__name__, (_Masked,), {"__module__": of.__module__, "__qualname__": of.__qualname__})
    stand_in: BaseException = named(mask_text(_text(error)))
    return stand_in


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # a foreign class may do anything
        return f"(its text is not available: {type(failure).__name__})"


def unexpected(error: Exception) -> UnexpectedError:
    """The sentence shown in place of an unforeseen exception."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/mesh_assets/" in frame.filename]
    place = ""
    if found := ours or frames:
        place = f" at {found[-1].filename.rpartition('/mesh_assets/')[2].rpartition('/site-packages/')[2]}:{found[-1].lineno}"
    shown = masked(error)
    text = one_line(str(shown), most=_SHOWN_CHARACTERS)
    failure = UnexpectedError(
        f"unexpected {type(error).__name__}{place}{f': {text}' if text else ''}; this is a fault of mesh-assets, please report it"
    )
    failure.__cause__ = shown
    return failure


def sentence(error: MeshError) -> str:
    """What a person reads about it: it may quote a name that anyone chose."""
    return readable(mask_text(str(error)))


def mask_what_this_process_says() -> None:
    """Applies from here on to every logger's records, no matter whose, and to exceptions that nothing
    catches, also in threads and while objects are destroyed."""
    if getattr(logging.getLogRecordFactory(), "masks", False):
        return
    make = logging.getLogRecordFactory()

    def masked_record(*arguments: Any, **keywords: Any) -> logging.LogRecord:
        return _masked_record(make(*arguments, **keywords))

    masked_record.masks = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(masked_record)
    _mask_hooks()


def _masked_record(record: logging.LogRecord) -> logging.LogRecord:
    try:
        message = record.getMessage()
    except (
        Exception
    ) as failure:  # logging would report it with all arguments; the code that logs must not fail
        message, record.msg = _as_given(record, failure), ""
    clean = mask_text(message)
    if clean != message or not record.msg:
        record.msg, record.args = clean, ()
    if record.exc_info and record.exc_info[1] is not None:
        error = masked(record.exc_info[1])
        record.exc_info = (type(error), error, record.exc_info[2])
    return record


def _as_given(record: logging.LogRecord, failure: Exception) -> str:
    try:
        return f"{record.msg} {record.args}"
    except Exception:  # raised by an argument's class
        return f"(a message of {record.name} that is not available: {type(failure).__name__})"


def _mask_hooks() -> None:
    of_process, of_thread, of_destroyed = sys.excepthook, threading.excepthook, sys.unraisablehook

    def in_process(_: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        shown = masked(error)
        of_process(type(shown), shown, trace)

    def in_thread(failed: Any) -> None:
        shown = failed.exc_value and masked(failed.exc_value)
        kind = failed.exc_type if shown is None else type(shown)
        of_thread(threading.ExceptHookArgs((kind, shown, failed.exc_traceback, failed.thread)))

    def while_destroyed(failed: Any) -> None:
        shown = failed.exc_value and masked(failed.exc_value)
        if of_destroyed is not sys.__unraisablehook__:
            of_destroyed(
                SimpleNamespace(
                    **{name: getattr(failed, name) for name in _OF_UNRAISABLE} | {"exc_value": shown}
                )
            )
        elif shown is not None and sys.stderr is not None:
            _print_ignored(shown, sys.stderr)

    sys.excepthook, threading.excepthook, sys.unraisablehook = in_process, in_thread, while_destroyed


_OF_UNRAISABLE = ("exc_type", "exc_value", "exc_traceback", "err_msg", "object")


def _print_ignored(error: BaseException, stream: TextIO) -> None:
    """Python's own hook accepts only objects that it made itself, and prints the object being destroyed."""
    stream.write(f"Exception ignored:\n{''.join(traceback.format_exception(error))}")
