"""Variables put into the text of a `.env`: other lines stay as they are."""

import io
import re
from collections.abc import Mapping

from dotenv import dotenv_values

from mesh_assets.configuration.entries import is_secret
from mesh_assets.errors import ConfigurationError

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@+=,-]*")
_HEADER = "# Keys of the estate beside this file. Readable by you alone; never commit it.\n"
HIDDEN = "(hidden)"


def merged_env(text: str | None, variables: Mapping[str, str], *, source: str, force: bool = False) -> str:
    """The `.env` `text` (None: there is none) with these variables.

    Raises ConfigurationError when one stands there with another value, unless `force`.
    """
    standing = dotenv_values(stream=io.StringIO(text or ""), interpolate=False)
    other = [name for name, value in variables.items() if name in standing and standing[name] != value]
    if other and not force:
        raise ConfigurationError(
            f"{source} has {other[0]} with another value; --force replaces it, --env-suffix NAME keeps this cluster's variables apart"
        )
    kept = [
        line
        for line in (text or _HEADER).splitlines()
        if (found := _LINE.match(line)) is None or found[1] not in variables
    ]
    merged = "".join(
        f"{line}\n" for line in [*kept, *(f"{name}={_quoted(value)}" for name, value in variables.items())]
    )
    # A reader replaces ${…} even in quotes.
    read = dotenv_values(stream=io.StringIO(merged))
    changed = [name for name, value in variables.items() if read[name] != value]
    if changed:
        raise ConfigurationError(
            f"the value of {changed[0]} cannot be kept in a .env: it holds ${{…}} or a line's end"
        )
    return merged


def shown_env(variables: Mapping[str, str]) -> str:
    """The lines without what is secret in them."""
    return "".join(f"{name}={HIDDEN if is_secret(name) else value}\n" for name, value in variables.items())


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
