"""Secret references: resolved as late as possible, by whoever makes a client, and never shown."""

import os
import re
from collections.abc import Mapping

from mesh_assets.errors import EstateError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LATER = ("ssm:", "secretsmanager:", "vault:")


def resolve(text: str, *, environment: Mapping[str, str] | None = None) -> str:
    """`text` with every `${NAME}` replaced by that environment variable's value.

    Raises EstateError naming the variable that is not set, never a value.
    """
    if text.startswith(_LATER):
        raise EstateError(f"{text}: references to {text.split(':')[0]} are not supported yet; name an environment variable as ${{NAME}}")
    variables = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in variables:
            raise EstateError(f"the estate refers to ${{{name}}}, but the environment variable {name} is not set; set it before running")
        return variables[name]

    return _VARIABLE.sub(value, text)
