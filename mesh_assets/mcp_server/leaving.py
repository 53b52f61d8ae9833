"""The one place where text leaves the server: results, errors, progress and questions to the person.

Names, docs, configs, traces and messages are written by anyone who may write to Kafka, Connect or the
registry, and an agent reads them alongside its instructions. They leave as values of structured fields,
readable and limited in length.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import ValidationError

from mesh_assets.answering.answers import in_thread
from mesh_assets.inventory.wording import bytes_text, readable
from mesh_assets.masking.text import mask_text
from mesh_assets.masking.unexpected import masked, unexpected

logger = logging.getLogger(__name__)

_MOST_CHARACTERS = 2_000
_MOST_OF_NAMES = 600
# What is meant to be long: a page of a schema, and requests to and answers from AWS, where a part would mean
# something else.
_LONG = {
    "definition": 10_000,
    "next_cursor": 5_000,
    **dict.fromkeys(("calls", "statement", "configuration"), 25_000),
}
# No list of rows comes near it (pages.py); an answer beyond it is full of texts of the greatest length
# allowed.
_ANSWER_CHARACTERS = 150_000
_MOST_IN_LARGE_ANSWERS = 200
_LARGEST_ANSWER = 500_000


class Leaving:
    """The server's middleware: every answer passes through here. `estate_problem`: a sentence while the
    estate file is broken; it then goes with every answer of a tool or resource, since these use the last good
    estate."""

    def __init__(self, estate_problem: Callable[[], str | None] = lambda: None) -> None:
        self._estate_problem = estate_problem

    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        try:
            result = await call_next(ctx)
        except MCPError as error:
            raise MCPError(error.code, _refusal(error.message), _clean(error.data)) from masked(error)
        except ValidationError:
            raise  # the SDK quotes no values
        except ValueError as error:  # the SDK's sign that a prompt cannot be made
            raise MCPError(INVALID_PARAMS, _refusal(str(error))) from masked(error)
        except Exception as error:
            failure = unexpected(error)
            logger.error("%s failed", ctx.method, exc_info=failure)
            raise MCPError(
                INTERNAL_ERROR, f"{_refusal(str(failure))}; the server's log has the traceback"
            ) from None
        if not isinstance(result, dict):
            return result
        match ctx.method:
            case "tools/call":
                return _with_note(_tool_result(result), await self._problem())
            case "resources/read" if "contents" in result:
                problem = await self._problem()
                return {**result, "contents": [_content(one, problem) for one in result["contents"]]}
            case "prompts/get" | "completion/complete":
                return _clean(result, most=_LONG["definition"])
            case _:
                return result

    async def _problem(self) -> str | None:
        problem = await in_thread(self._estate_problem)
        return None if problem is None else _refusal(problem)


def said(text: str, *, most: int = _MOST_CHARACTERS) -> str:
    """`text` as it may leave: readable, and, where it is cut, with its whole length."""
    clean = readable(text)
    return clean if len(clean) <= most else f"{clean[:most]}… (cut: {len(clean):,} characters in all)"


def _refusal(text: str) -> str:
    """For an error, which may quote its input. Answers are masked where they are made, part by part."""
    return said(mask_text(text))


def answered(value: Any) -> Any:
    """An answer's structured value as it may leave. Raises MCPError if it is too large even after cutting."""
    clean = _clean(value)
    if len(msgspec.json.encode(clean)) <= _ANSWER_CHARACTERS:
        return clean
    clean = _clean(value, most=_MOST_IN_LARGE_ANSWERS)
    size = len(msgspec.json.encode(clean))
    if size > _LARGEST_ANSWER:
        raise MCPError(
            INTERNAL_ERROR,
            f"the answer has {bytes_text(size)}, but at most {bytes_text(_LARGEST_ANSWER)} may leave: ask for less, by pattern, limit or "
            "a name",
        )
    return clean


def _tool_result(result: dict[str, Any]) -> dict[str, Any]:
    if "inputRequests" in result:  # its texts belong to the question, which is shown in full or not at all
        return result
    structured = result.get("structuredContent")
    if structured is None:
        content = [_clean(one) for one in result.get("content", ())]
        if result.get("isError"):
            content = [{**one, "text": mask_text(one["text"])} if "text" in one else one for one in content]
        return {**result, "content": content}
    try:
        structured = answered(structured)
    except MCPError as error:  # a tool's message goes to the agent
        refusal = {key: one for key, one in result.items() if key != "structuredContent"}
        return {**refusal, "isError": True, "content": [{"type": "text", "text": error.message}]}
    text = {"type": "text", "text": msgspec.json.encode(structured).decode()}
    return {**result, "structuredContent": structured, "content": [text]}


def _with_note(result: dict[str, Any], problem: str | None) -> dict[str, Any]:
    """The structured answer keeps to its schema."""
    if problem is None or "content" not in result:
        return result
    return {**result, "content": [*result["content"], {"type": "text", "text": f"Note: {problem}"}]}


def _content(content: dict[str, Any], problem: str | None) -> dict[str, Any]:
    """A resource's content, which is the JSON of an answer."""
    value = answered(msgspec.json.decode(content["text"]))
    if problem is not None:
        value = {"estate_problem": problem, **value}
    return {**content, "text": msgspec.json.format(msgspec.json.encode(value), indent=2).decode()}


def _clean(value: Any, *, most: int = _MOST_CHARACTERS) -> Any:
    if isinstance(value, str):
        return said(value, most=most)
    if isinstance(value, list | tuple):
        return [_clean(one, most=most) for one in value]
    if not isinstance(value, dict):
        return value
    clean: dict[str, Any] = {}
    for key, one in value.items():
        name = said(str(key), most=_MOST_OF_NAMES)
        while name in clean:  # two names that differ only in invisible characters are still two
            name += "*"
        clean[name] = _clean(one, most=max(most, _LONG.get(name, 0)))
    return clean
