"""What Dagster learns about a failure: it keeps an exception's text with all its causes, and shows them in
the UI."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import dagster as dg

from mesh_assets.errors import MeshError
from mesh_assets.masking.text import mask_text
from mesh_assets.masking.unexpected import masked, unexpected

_F = TypeVar("_F", bound=Callable[..., Any])
# They steer the run: Dagster looks for these very exceptions.
_OF_DAGSTER = (dg.Failure, dg.RetryRequested)


def masking_failures(body: _F) -> _F:
    """Decorates the body of an asset, op, sensor or IO manager, so that only masked MeshErrors leave it. Goes
    below Dagster's decorator."""

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
        raise failure  # outside the handler, or the original exception would be its context

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
    """Its text and its cause, which is usually a MeshError with causes of its own."""
    if isinstance(error, dg.Failure) and error.description is not None:
        error.description = mask_text(error.description)
        error.args = (error.description,)
    suppressed, cause, context = error.__suppress_context__, error.__cause__, error.__context__
    error.__cause__ = None if cause is None else masked(cause)
    error.__context__ = None if context is None else masked(context)
    error.__suppress_context__ = suppressed


def _told(error: Exception) -> BaseException:
    return masked(error) if isinstance(error, MeshError) else unexpected(error)
