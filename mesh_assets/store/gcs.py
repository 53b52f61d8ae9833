"""A bucket of Google Cloud Storage, through Google's library (the extra `gcs`).

Credentials are Google's Application Default Credentials: GOOGLE_APPLICATION_CREDENTIALS, what `gcloud auth
application-default login` left, or the identity of the machine (workload identity on GKE). Conditions are on
generations; each write makes a new one: https://cloud.google.com/storage/docs/request-preconditions.
"""

import os
from typing import Any

import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY

from mesh_assets.errors import StoreError
from mesh_assets.masking.configs import mask_text
from mesh_assets.store.bucket import CONNECT_SECONDS, NEW, READ_SECONDS, WRITE, Listed, Refusal

_CREDENTIALS = (
    "set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials, run `gcloud auth application-default login`, "
    "or give the machine a service account"
)
# A write is repeated for at most this long, well below a lock's lease. Google takes about one write a second to one
# object, and answers 429 beyond that, which we also retry: https://cloud.google.com/storage/quotas#objects.
_REPEATED_SECONDS = 60.0


class GoogleBucket:
    """The version is the generation, in digits."""

    errors: tuple[type[Exception], ...] = (
        exceptions.GoogleAPICallError,
        exceptions.RetryError,
        GoogleAuthError,
        DataCorruption,
        InvalidResponse,
        requests.RequestException,
        ConnectionError,
    )

    def __init__(self, client: Any, bucket: str) -> None:
        self._bucket = client.bucket(bucket)
        self.address = f"gs://{bucket}"
        self._how: dict[str, Any] = {
            "timeout": (CONNECT_SECONDS, READ_SECONDS),
            "retry": DEFAULT_RETRY.with_timeout(_REPEATED_SECONDS),
        }

    @classmethod
    def named(cls, bucket: str) -> "GoogleBucket":
        """Requests nothing yet. Raises StoreError if no credentials are found."""
        # Objects need no project, but the library's constructor wants one; an emulator needs no credentials.
        emulated = AnonymousCredentials() if os.environ.get("STORAGE_EMULATOR_HOST") else None
        try:
            return cls(storage.Client(project=None, credentials=emulated), bucket)
        except (GoogleAuthError, ValueError, OSError) as error:
            raise StoreError(
                f"gs://{bucket}: no usable Google Cloud credentials were found ({_line(error)}); {_CREDENTIALS}"
            ) from error

    def get(self, name: str) -> tuple[bytes, str]:
        blob = self._bucket.blob(name)
        data: bytes = blob.download_as_bytes(**self._how)
        return data, str(blob.generation)

    def write_of(self, name: str) -> tuple[str | None, str]:
        blob = self._bucket.blob(name)
        blob.reload(**self._how)
        return (blob.metadata or {}).get(WRITE), str(blob.generation)

    def put(self, name: str, data: bytes, *, write: str, condition: str | None) -> str:
        blob = self._bucket.blob(name)
        blob.metadata = {WRITE: write}
        blob.upload_from_string(
            data,
            content_type="application/octet-stream",
            if_generation_match=_generation(condition),
            **self._how,
        )
        return str(blob.generation)

    def delete(self, name: str, *, condition: str | None) -> None:
        self._bucket.blob(name).delete(if_generation_match=_generation(condition), **self._how)

    def list(self, prefix: str) -> list[Listed]:
        found = self._bucket.list_blobs(
            prefix=prefix, fields="items(name,size,updated),nextPageToken", **self._how
        )
        # Google's own testbench leaves out the size of empty objects.
        return [Listed(blob.name, int(blob.size or 0), blob.updated) for blob in found]

    def refusal(self, error: Exception) -> Refusal:
        if isinstance(error, exceptions.PreconditionFailed):
            return "conflict"
        if not isinstance(error, exceptions.NotFound):
            return "other"
        # A missing object and a missing bucket are both 404, told apart by a text. If the text is a different
        # one, a listing shows whether the bucket exists.
        if "No such object" in str(error):
            return "missing"
        try:
            next(iter(self._bucket.list_blobs(max_results=1, **self._how)), None)
        except self.errors:
            return "other"
        return "missing"

    def sentence(self, error: Exception) -> str:
        match error:
            case exceptions.Unauthorized() | GoogleAuthError():
                return f"Google does not accept the credentials: it says {_line(error)}; {_CREDENTIALS}"
            case exceptions.Forbidden():
                return f"access denied; grant the role Storage Object User on the bucket to the identity that this runs as ({_line(error)})"
            case exceptions.NotFound():
                return f"the bucket does not exist; check the name in MESH_STORE ({_line(error)})"
            case exceptions.RetryError() | requests.RequestException() | ConnectionError():
                return f"no answer from Google Cloud Storage within {_REPEATED_SECONDS:.0f} s ({type(error).__name__}); check the network"
            case _:
                return _line(error)


def _generation(condition: str | None) -> int | None:
    """For `ifGenerationMatch`: 0 means no object."""
    return None if condition is None else 0 if condition == NEW else int(condition)


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return mask_text(lines[0][:2_000])[:300] if lines else type(error).__name__
