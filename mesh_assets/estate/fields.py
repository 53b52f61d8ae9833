"""What the estate's models share: no unknown fields, nothing changes after reading, secrets by reference
only."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

SECRET_REFERENCE = re.compile(
    r"^(\$\{[A-Za-z_][A-Za-z0-9_]*\}|ssm:/\S+|secretsmanager:[^\s#]+(#\S+)?|vault:[^\s#]+#\S+)$"
)


def _must_be_reference(text: str) -> str:
    if not SECRET_REFERENCE.match(text):
        raise ValueError(
            "a secret must be named, not written here: expected ${ENV_NAME}, ssm:/path, secretsmanager:arn#field or vault:path#field"
        )
    return text


SecretReference = Annotated[str, AfterValidator(_must_be_reference)]
"""`${ENV}`, `ssm:/path`, `secretsmanager:arn#field` or `vault:path#field`: resolved when a client is made."""


class EstateModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
