"""The sandbox's credentials, made once and readable by the user alone: API keys, and certificates with a user for `warehouse`."""

import secrets
import string
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.folder import Folder, write_atomically
from mesh_assets.sandbox.kafka_admin import Login
from mesh_assets.sandbox.state import LOOPBACK

if TYPE_CHECKING:
    # loads a cryptography library, needed only to make the certificates
    import trustme

# The API keys for the stand-in for Confluent Cloud are kept in `.env` beside the estate file and nowhere
# else. Each opens what its namesake opens on Confluent Cloud. The variables have names that nobody would set
# for their own cluster, since a variable that is already set overrides the file's.

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

    `unprivileged_…`: valid keys whose owner has no role. `operator_kafka`: the cluster's administrator, used by the
    sandbox itself.
    """

    cloud: Key
    kafka: Key
    schema_registry: Key
    unprivileged_cloud: Key
    unprivileged_kafka: Key
    unprivileged_schema_registry: Key
    operator_kafka: Key


def variable_names(key: str) -> tuple[str, str]:
    """The two variables in `.env` that hold the key in this field of `Keys`: its id and its secret."""
    return f"SANDBOX_{key.upper()}_API_KEY", f"SANDBOX_{key.upper()}_API_SECRET"


def sandbox_keys(folder: Folder) -> Keys:
    """The sandbox's keys. Makes the missing ones and writes them down, readable by the user alone."""
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
    """The administrator's login at the broker of `data-mesh-cluster`."""
    key = sandbox_keys(folder).operator_kafka
    return Login(key.id, key.secret)


def _random(length: int, characters: str) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))


# The warehouse broker's secured listeners admit a client certificate, or a user with a password. Both
# certificates come from the sandbox's own authority, which no machine trusts: clients must be configured with
# it.

USERNAME = "warehouse-app"

# Written last: if it exists, all of them do.
_LAST = "password"


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseAccess:
    """What a client needs. `username` and `password` are good for PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.

    `authority`, `certificate`, `key`: PEM files. `broker`: the broker's own key and chain in one PEM file, as
    Kafka reads it.
    """

    username: str
    password: str = field(repr=False)
    authority: Path
    certificate: Path
    key: Path
    broker: Path


def warehouse_access(folder: Folder) -> WarehouseAccess:
    """The sandbox's; made if there is none. Raises `SandboxError` when the extra packages are not installed."""
    home = folder.credentials
    if not (home / _LAST).exists():
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(home)
    return WarehouseAccess(
        username=USERNAME,
        password=(home / _LAST).read_text().strip(),
        authority=home / "authority.pem",
        certificate=home / "client.pem",
        key=home / "client-key.pem",
        broker=home / "broker.pem",
    )


def _make(home: Path) -> None:
    try:
        import trustme
    except ImportError as error:
        raise SandboxError(
            "the sandbox needs its extra packages: pip install 'mesh-assets[sandbox]'"
        ) from error
    authority = trustme.CA(organization_name="Mesh Assets sandbox", organization_unit_name="authority")
    broker = authority.issue_cert(
        LOOPBACK, "localhost", common_name="warehouse broker", organization_name="Mesh Assets sandbox"
    )
    client = authority.issue_cert(
        "client.sandbox.test", common_name=USERNAME, organization_name="Mesh Assets sandbox"
    )
    texts = {
        "authority.pem": authority.cert_pem.bytes().decode(),
        "client.pem": _chain(client),
        "client-key.pem": _key(client),
        "broker.pem": _key(broker) + _chain(broker),
        _LAST: secrets.token_urlsafe(24) + "\n",
    }
    for name, text in texts.items():
        write_atomically(home / name, text, mode=0o600)


def _chain(certificate: "trustme.LeafCert") -> str:
    return "".join(pem.bytes().decode() for pem in certificate.cert_chain_pems)


def _key(certificate: "trustme.LeafCert") -> str:
    """The private key as PKCS#8, the only form Kafka reads."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    key = load_pem_private_key(certificate.private_key_pem.bytes(), password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
