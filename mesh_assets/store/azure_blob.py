"""A container of Azure Blob Storage, through Microsoft's library (the extra `azure`).

The variables of the `az` command say which account to use, and as whom: AZURE_STORAGE_CONNECTION_STRING, or
AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN; with neither, azure-identity finds
who this is (workload identity on AKS, a managed identity, AZURE_CLIENT_ID and so on, `az login`).
AZURE_STORAGE_SERVICE_ENDPOINT is for other clouds.
"""

import os
from typing import Any

from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import ContainerClient, ExponentialRetry

from mesh_assets.errors import StoreError
from mesh_assets.masking.configs import mask_text
from mesh_assets.store.bucket import CONNECT_SECONDS, NEW, READ_SECONDS, WRITE, Listed, Refusal

_CREDENTIALS = (
    "set AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, run `az login`, "
    "or give the machine an identity"
)
_ONE_PIECE = 256 * 1024 * 1024
"""Objects up to this size are read and written in one request; the largest documents have tens of MB."""


class AzureContainer:
    """The version is the ETag."""

    errors: tuple[type[Exception], ...] = (AzureError,)

    def __init__(self, client: Any, container: str) -> None:
        self.client = client
        self.address = f"az://{container}"

    @classmethod
    def named(cls, container: str) -> "AzureContainer":
        """Requests nothing yet. Raises StoreError if no account is named, or not in a readable form."""
        how: dict[str, Any] = {
            "container_name": container,
            "connection_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "retry_policy": ExponentialRetry(
                initial_backoff=1, increment_base=2, retry_total=3, random_jitter_range=1
            ),
            "max_single_get_size": _ONE_PIECE,
            "max_single_put_size": _ONE_PIECE,
        }
        connection = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
        account = os.environ.get("AZURE_STORAGE_ACCOUNT")
        endpoint = os.environ.get("AZURE_STORAGE_SERVICE_ENDPOINT")
        try:
            if connection:
                return cls(ContainerClient.from_connection_string(connection, **how), container)
            if not account:
                raise StoreError(
                    f"az://{container}: no storage account is named; set AZURE_STORAGE_ACCOUNT or "
                    "AZURE_STORAGE_CONNECTION_STRING"
                )
            where = endpoint or f"https://{account}.blob.core.windows.net"
            return cls(ContainerClient(where, credential=_credential(account), **how), container)
        except (AzureError, ValueError) as error:  # its text may hold the connection string
            named = "AZURE_STORAGE_CONNECTION_STRING" if connection else "AZURE_STORAGE_ACCOUNT"
            raise StoreError(
                f"az://{container}: {named} cannot be used ({type(error).__name__}); expected the value that the Azure portal shows"
            ) from None

    def get(self, name: str) -> tuple[bytes, str]:
        found = self.client.download_blob(name)
        data: bytes = found.readall()
        return data, str(found.properties.etag)

    def write_of(self, name: str) -> tuple[str | None, str]:
        found = self.client.get_blob_client(name).get_blob_properties()
        return (found.metadata or {}).get(WRITE), str(found.etag)

    def put(self, name: str, data: bytes, *, write: str, condition: str | None) -> str:
        answer = self.client.get_blob_client(name).upload_blob(
            data, overwrite=condition != NEW, metadata={WRITE: write}, **_only(condition)
        )
        return str(answer["etag"])

    def delete(self, name: str, *, condition: str | None) -> None:
        self.client.delete_blob(name, **_only(condition))

    def list(self, prefix: str) -> list[Listed]:
        return [
            Listed(blob.name, blob.size, blob.last_modified)
            for blob in self.client.list_blobs(name_starts_with=prefix)
        ]

    def refusal(self, error: Exception) -> Refusal:
        code = _code(error)
        if code in ("ConditionNotMet", "BlobAlreadyExists"):
            return "conflict"
        return "missing" if code == "BlobNotFound" else "other"

    def sentence(self, error: Exception) -> str:
        code = _code(error)
        match error:
            case HttpResponseError() if code == "ContainerNotFound":
                return "the container does not exist; check the name in MESH_STORE and the storage account"
            case HttpResponseError() if error.status_code == 403:
                return (
                    f"access denied ({code}); grant the role Storage Blob Data Contributor on the container to the identity that "
                    "this runs as, or check key and signature"
                )
            case ClientAuthenticationError():
                return f"no working Azure credentials were found; {_CREDENTIALS}"
            case HttpResponseError():
                return f"{error.status_code} {code} {_line(error)}"
            case _:
                return f"no answer from Azure Blob Storage ({type(error).__name__}); check the network and the account's name"


def _credential(account: str) -> Any:
    key, signature = os.environ.get("AZURE_STORAGE_KEY"), os.environ.get("AZURE_STORAGE_SAS_TOKEN")
    if key:
        return AzureNamedKeyCredential(account, key)
    return AzureSasCredential(signature) if signature else DefaultAzureCredential()


def _only(condition: str | None) -> dict[str, Any]:
    if condition is None or condition == NEW:  # the library turns `overwrite=False` into If-None-Match
        return {}
    return {"etag": condition, "match_condition": MatchConditions.IfNotModified}


def _code(error: Exception) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return mask_text(lines[0][:2_000])[:300] if lines else type(error).__name__
