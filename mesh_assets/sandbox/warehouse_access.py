"""Who may come in at the warehouse broker's secured listeners: certificates and a user, made once for a
sandbox.

They lie in the folder `credentials`, readable by the user alone, and are good for nothing else. Both come
from one authority of the sandbox's own, which no machine trusts: a client has to be told of it.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.folder import Folder, write_atomically
from mesh_assets.sandbox.ports import LOOPBACK

if TYPE_CHECKING:  # loads a cryptography library, which only the making needs
    import trustme

USERNAME = "warehouse-app"

# Written last: where it exists, all exist.
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
    """The sandbox's; made when there is none."""
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
