"""Valid JSON and text made odd in a few places or huge in one, for tests of readers of outside input."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

MEGABYTE = 1_000_000

_SAID = [
    *(
        "",
        " ",
        "\0",
        "\x1b[2J",
        "\ud800",
        "\u202e",
        "\ufeff",
        "ß" * 300,
        "💥",
        "a" * 5_000,
        "null",
        "-1",
        "1e999",
    ),
    *(
        "../..",
        "/",
        "%",
        "%2F",
        "\\",
        "{}",
        "[",
        "$",
        "${a",
        "${file:/x:y}",
        "*",
        "((a+)+)+",
        ".*",
        "(?<n>x)",
        "[a-",
    ),
    *(
        ":.x:",
        ":*:",
        "-value",
        "-key",
        "orders-value",
        "lcc-1",
        "topics.regex",
        "password",
        "MASK",
        "********",
    ),
    *("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-11-23T16:40:02.123+0000", "2026-13-01"),
    *(
        "#/",
        "#",
        "#/definitions/a~1b",
        "https://x.example/%zz",
        "urn:",
        "http://[",
        "u:p@h",
        "user/secret@db",
    ),
]
_NUMBERS = [
    0,
    -1,
    1.5,
    -0.0,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**63,
    2**64,
    10**30,
    1e308,
    float("nan"),
    float("inf"),
]
_TEXT = st.sampled_from(_SAID) | st.text(max_size=12)
_ODD: SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, False, [], {}, [[]], [None], {"": None}]),
    st.sampled_from(_NUMBERS),
    _TEXT,
    st.lists(_TEXT, max_size=3),
    st.dictionaries(_TEXT, st.none() | _TEXT, max_size=3),
)
_UNITS = st.sampled_from([text for text in _SAID if 0 < len(text) < 40]) | st.text(min_size=1, max_size=6)


@st.composite
def odd_json(draw: DrawFn, value: Any) -> bytes:
    """`value` as JSON after one to four changes, now and then damaged as text, too."""
    value = deepcopy(value)
    for _ in range(draw(st.integers(1, 4))):
        value = _changed(draw, value)
    return draw(damaged(json.dumps(value).encode(), seldom=True))


def _changed(draw: DrawFn, value: Any) -> Any:
    how = draw(st.sampled_from(("below", "below", "below", "drop", "name", "twice", "here")))
    if how != "here" and isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        match how:
            case "drop":
                return {name: inner for name, inner in value.items() if name != key}
            case "name":
                return {(draw(_TEXT) if name == key else name): inner for name, inner in value.items()}
            case "twice":
                return {**value, draw(_TEXT): value[key]}
        return {**value, key: _changed(draw, value[key])}
    if how != "here" and isinstance(value, list) and value:
        at = draw(st.integers(0, len(value) - 1))
        match how:
            case "drop":
                return value[:at] + value[at + 1 :]
            case "name" | "twice":
                return [*value, value[at]]
        return [*value[:at], _changed(draw, value[at]), *value[at + 1 :]]
    return draw(_ODD)


@st.composite
def damaged(draw: DrawFn, data: bytes, *, seldom: bool = False) -> bytes:
    """`data` with a few bytes replaced or left out, cut off, or repeated."""
    if seldom and draw(st.integers(0, 9)):
        return data
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        until = min(len(data), at + draw(st.integers(0, 6)))
        with_ = draw(st.binary(max_size=4) | _TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")))
        data = draw(
            st.sampled_from((data[:at] + with_ + data[until:], data[:at], data[:at] + data[at // 2 :]))
        )
    return data


@st.composite
def huge_json(draw: DrawFn, value: Any) -> bytes:
    """`value` as about a megabyte of JSON: one place is a long text, a long list, a large object, or deeply nested."""
    value = deepcopy(value)
    holder, key = draw(st.sampled_from(list(_places(value))))
    inner = holder[key]
    unit = draw(_UNITS)
    each = len(json.dumps(inner)) + 2
    match draw(st.sampled_from(("text", "text", "list", "object", "deep", "copies"))):
        case "text":
            tail = draw(st.sampled_from(["", "!", "\n", " ", "@"]))
            holder[key] = unit * (MEGABYTE // len(json.dumps(unit).encode())) + tail
        case "list":
            holder[key] = [inner] * (MEGABYTE // each)
        case "object":
            holder[key] = {f"{unit}{number}": inner for number in range(MEGABYTE // (each + len(unit) + 12))}
        case "deep":
            depth = draw(st.sampled_from([60, 390, 900, 100_000]))
            opening, closing = draw(st.sampled_from([("[", "]"), ('{"type":', "}"), ('{"items":', "}")]))
            holder[key] = "«deep»"
            nested = opening * depth + json.dumps(inner) + closing * depth
            return json.dumps(value).replace(json.dumps("«deep»"), nested).encode()
        case "copies":
            # Beside the others under other names: many connectors, many properties.
            if isinstance(holder, dict):
                holder.update({f"{key}{n}": inner for n in range(MEGABYTE // (each + len(str(key)) + 10))})
            else:
                holder.extend([inner] * (MEGABYTE // each))
    return json.dumps(value).encode()[: 2 * MEGABYTE]


def _places(value: Any) -> Any:
    """Every place in `value`: what holds it, and its key."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list) and value[key]:
            yield from _places(value[key])


@st.composite
def huge_text(draw: DrawFn, text: str) -> str:
    """`text` with something in its middle repeated up to a megabyte."""
    lines = text.splitlines(keepends=True)
    at = draw(st.integers(0, len(text)))
    unit = draw(_UNITS | st.sampled_from(lines) | st.just(text[at : at + 20] or "x"))
    return text[:at] + unit * (MEGABYTE // max(1, len(unit.encode("utf-8", "surrogatepass")))) + text[at:]


_TOKENS = [
    "NaN",
    "+Inf",
    "-Inf",
    "1e400",
    "-1",
    "0x1p3",
    "1_000",
    "٣",
    "1e18",
    "-62135596801",
    "",
    "gauge",
    "histogram",
    "{",
    "#",
]


@st.composite
def odd_lines(draw: DrawFn, text: str) -> str:
    """`text` with words of a few lines replaced, and lines left out, doubled or moved."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(("word", "word", "word", "drop", "twice", "move"))):
            case "word":
                words = lines[at].split(" ")
                words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(_TOKENS) | _TEXT)
                lines[at] = " ".join(words)
            case "drop":
                lines = [*lines[:at], *lines[at + 1 :]] or [""]
            case "twice":
                lines.append(lines[at])
            case "move":
                lines = [*lines[at:], *lines[:at]]
    return "\n".join([*lines, ""])
