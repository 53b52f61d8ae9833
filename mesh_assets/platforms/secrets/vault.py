"""`vault:path#field`: secrets of HashiCorp Vault's KV engine, version 1 or 2, by hvac (the extra `vault`).

Address, token and certificates come from the variables of Vault's own tools: VAULT_ADDR, VAULT_TOKEN or
~/.vault-token, VAULT_NAMESPACE, VAULT_CACERT, VAULT_CLIENT_CERT and VAULT_CLIENT_KEY. A Vault Agent that adds
the token needs only its address. The path is what `vault kv get` takes.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from mesh_assets.errors import EstateError
from mesh_assets.platforms.secrets.references import SecretName

_TIMEOUT_SECONDS = 10
_MOUNTS = "sys/internal/ui/mounts"


def read_vault(references: Sequence[SecretName]) -> Mapping[str, Mapping[str, object]]:
    """The secrets' fields by path, two requests each (the engine, the secret).

    Raises EstateError naming the reference and what to do.
    """
    try:
        import hvac  # an extra, because most estates have no Vault
    except ImportError as error:
        raise EstateError(
            f"{references[0].shown}: reading Vault needs the package hvac; install it with: pip install 'mesh-assets[vault]'"
        ) from error
    address = os.environ.get("VAULT_ADDR")
    if not address:
        raise EstateError(
            f"{references[0].shown}: the environment variable VAULT_ADDR is not set; set it to the address of your Vault"
        )
    client = hvac.Client(url=address, timeout=_TIMEOUT_SECONDS, namespace=os.environ.get("VAULT_NAMESPACE"))
    with closing(client.adapter):
        return {
            name: _fields(client, reference, address)
            for name, reference in {reference.name: reference for reference in references}.items()
        }


def _fields(client: Any, reference: SecretName, address: str) -> Mapping[str, object]:
    import hvac
    import requests

    try:
        mount, version = _engine(client, reference)
        path = reference.name.strip("/").removeprefix(mount).lstrip("/")
        if version == "2":
            answer = client.secrets.kv.v2.read_secret_version(
                path, mount_point=mount, raise_on_deleted_version=True
            )
            fields = answer["data"]["data"]
        else:
            fields = client.secrets.kv.v1.read_secret(path, mount_point=mount)["data"]
    except hvac.exceptions.InvalidPath as error:
        hint = (
            f"; leave data/ out of the path, as in `vault kv get {mount}/…`"
            if version == "2" and path.startswith("data/")
            else ""
        )
        raise EstateError(
            f"{reference.shown}: Vault at {address} has no such secret (or its last version is deleted){hint}"
        ) from error
    except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized) as error:
        who = (
            "the token" if client.token else "no token is set (VAULT_TOKEN or ~/.vault-token); without one it"
        )
        raise EstateError(
            f"{reference.shown}: Vault at {address} refused it: {who} may not read this path, or is no longer valid; "
            "its policy needs `read` on it"
        ) from error
    except hvac.exceptions.VaultError as error:
        raise EstateError(
            f"{reference.shown}: Vault at {address} failed ({type(error).__name__}); is it sealed or in trouble?"
        ) from error
    except requests.exceptions.SSLError as error:
        raise EstateError(
            f"{reference.shown}: the certificate of Vault at {address} could not be verified; set VAULT_CACERT"
        ) from error
    except requests.exceptions.RequestException as error:
        raise EstateError(
            f"{reference.shown}: Vault at {address} gave no answer ({type(error).__name__}); check VAULT_ADDR and the network"
        ) from error
    if not isinstance(fields, dict):
        raise EstateError(
            f"{reference.shown}: Vault at {address} answered without fields; is this a KV engine?"
        )
    return fields


def _engine(client: Any, reference: SecretName) -> tuple[str, str]:
    """The mount of the engine that holds the path, and its version, found as Vault's own command does."""
    answer = client.read(f"{_MOUNTS}/{reference.name.strip('/')}")
    found = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("path"), str):
        # Vault before 0.10 has neither this endpoint nor version 2.
        mount, _, _ = reference.name.strip("/").partition("/")
        return mount, "1"
    return found["path"].strip("/"), str((found.get("options") or {}).get("version", "1"))
