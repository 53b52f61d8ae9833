"""What Dagster is told of a failure: it keeps an exception's text with all its causes, and shows them in the UI."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import dagster as dg

from mesh_assets.errors import MeshError
from mesh_assets.masking.text import mask_text
from mesh_assets.masking.unexpected import masked, unexpected

_F = TypeVar("_F", bound=Callable[..., Any])
# They steer the run, and are themselves what Dagster looks for.
_OF_DAGSTER = (dg.Failure, dg.RetryRequested)


def masking_failures(body: _F) -> _F:
    """The body of an asset, op, sensor or IO manager, of which only masked MeshErrors come out. Below Dagster's
    decorator."""

    @functools.wraps(body)
    def call(*arguments: Any, **keywords: Any) -> Any:
        failure = None
        try:
            return body(*arguments, **keywords)
        except _OF_DAGSTER as error:
            _mask(error)
            raise
        except Exception as error:
            failure = _told(error)
        raise failure  # outside of the handler, or the exception itself would be its context

    @functools.wraps(body)
    def generate(*arguments: Any, **keywords: Any) -> Any:
        failure = None
        try:
            yield from body(*arguments, **keywords)
            return
        except _OF_DAGSTER as error:
            _mask(error)
            raise
        except Exception as error:
            failure = _told(error)
        raise failure

    return generate if inspect.isgeneratorfunction(body) else call  # type: ignore[return-value]


def _mask(error: dg.Failure | dg.RetryRequested) -> None:
    """What it says and what it was raised from, which is mostly a MeshError with causes of its own."""
    if isinstance(error, dg.Failure) and error.description is not None:
        error.description = mask_text(error.description)
        error.args = (error.description,)
    suppressed, cause, context = error.__suppress_context__, error.__cause__, error.__context__
    error.__cause__ = None if cause is None else masked(cause)
    error.__context__ = None if context is None else masked(context)
    error.__suppress_context__ = suppressed


def _told(error: Exception) -> BaseException:
    return masked(error) if isinstance(error, MeshError) else unexpected(error)
