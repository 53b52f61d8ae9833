"""The API keys of the stand-in for Confluent Cloud: made once for a sandbox, kept in `.env` beside the estate
file and nowhere else.

Each opens what its namesake opens on Confluent Cloud. The names of the variables are not those a user would
set for a cluster of their own, since a variable that is already set is not replaced by the file's.
"""

import secrets
import string
from dataclasses import dataclass, field, fields

from dotenv import dotenv_values

from mesh_assets.sandbox.folder import Folder, write_atomically
from mesh_assets.sandbox.kafka_admin import Login

_ID_CHARACTERS = string.ascii_uppercase + string.digits
_SECRET_CHARACTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: its id and its secret."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """`cloud`, `kafka`, `schema_registry`: the discovery's own, with just the rights it needs.

    `unprivileged_…`: valid keys whose owner was given no role. `operator_kafka`: the cluster's administrator,
    for the sandbox itself.
    """

    cloud: Key
    kafka: Key
    schema_registry: Key
    unprivileged_cloud: Key
    unprivileged_kafka: Key
    unprivileged_schema_registry: Key
    operator_kafka: Key


def variable_names(key: str) -> tuple[str, str]:
    """The variables of `.env` that hold a key of `Keys`, by its field's name: its id and its secret."""
    return f"SANDBOX_{key.upper()}_API_KEY", f"SANDBOX_{key.upper()}_API_SECRET"


def sandbox_keys(folder: Folder) -> Keys:
    """The sandbox's keys; those that are missing are made and written down, readable by the user alone."""
    known = dotenv_values(folder.env_file, interpolate=False) if folder.env_file.exists() else {}
    keys = {}
    for name in (f.name for f in fields(Keys)):
        id_variable, secret_variable = variable_names(name)
        keys[name] = Key(
            known.get(id_variable) or _random(16, _ID_CHARACTERS),
            known.get(secret_variable) or _random(64, _SECRET_CHARACTERS),
        )
    text = "# Keys of the sandbox's stand-in for Confluent Cloud; good for nothing else.\n" + "".join(
        f"{id_variable}={key.id}\n{secret_variable}={key.secret}\n"
        for name, key in keys.items()
        for id_variable, secret_variable in [variable_names(name)]
    )
    if not folder.env_file.exists() or folder.env_file.read_text() != text:
        write_atomically(folder.env_file, text, mode=0o600)
    return Keys(**keys)


def cloud_login(folder: Folder) -> Login:
    """At the broker of `data-mesh-cluster`, as its administrator."""
    key = sandbox_keys(folder).operator_kafka
    return Login(key.id, key.secret)


def _random(length: int, characters: str) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))
