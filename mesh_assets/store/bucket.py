"""An S3 bucket as an object store: conditional writes do here what locks and links do in a folder."""

from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.store.objects import StoredObject, checked_key, is_key

_MISSING = frozenset({"NoSuchKey", "404"})
_CONFLICT = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


class BucketStore:
    """Objects below `prefix` in `bucket`. The version is the ETag. boto3 finds credentials and region."""

    shared = True

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    @classmethod
    def at(cls, url: str) -> "BucketStore":
        """The store at `s3://bucket/prefix`. Nothing is requested from the bucket yet. Raises StoreError if
        the address has no bucket or no client can be made."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not bucket:
            raise StoreError(f"MESH_STORE is {url!r}; expected s3://bucket/prefix")
        config = Config(
            connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4}
        )
        try:
            client = new_session().create_client("s3", config=config)
        except BotoCoreError as error:
            raise StoreError(f"no S3 client for {url}: {error}") from error
        return cls(client, bucket, prefix)

    def get(self, key: str) -> tuple[bytes, str] | None:
        try:
            answer = self._client.get_object(**self._at(key))
            return answer["Body"].read(), answer["ETag"]
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise self._failure(key, "read", error) from error
        except BotoCoreError as error:
            raise self._failure(key, "read", error) from error

    def put(self, key: str, data: bytes) -> str:
        return self._put(key, data, {})

    def put_new(self, key: str, data: bytes) -> str:
        return self._put(key, data, {"IfNoneMatch": "*"})

    def put_if(self, key: str, data: bytes, version: str) -> str:
        return self._put(key, data, {"IfMatch": version})

    def delete(self, key: str) -> None:
        self._call(key, "removed", self._client.delete_object, {})

    def delete_if(self, key: str, version: str) -> None:
        try:
            self._call(key, "removed", self._client.delete_object, {"IfMatch": version})
        except ClientError as error:
            raise ConflictError(f"{self.uri(key)} has been written by another or is gone") from error

    def list(self, prefix: str) -> "list[StoredObject]":
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            found = [
                StoredObject(key=key, bytes=entry["Size"], modified_at=entry["LastModified"])
                for page in pages
                for entry in page.get("Contents", ())
                if is_key(key := entry["Key"].removeprefix(self._prefix))
            ]
        except (ClientError, BotoCoreError) as error:
            raise self._failure(prefix, "listed", error) from error
        return sorted(found, key=lambda entry: entry.key)

    def uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{checked_key(key)}"

    def location(self, key: str) -> str:
        return self.uri(key)

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + checked_key(key)}

    def _put(self, key: str, data: bytes, condition: dict[str, str]) -> str:
        try:
            answer = self._call(key, "written", self._client.put_object, {"Body": data, **condition})
        except ClientError as error:
            # botocore repeats a write whose answer was lost, which then conflicts with itself.
            if error.response.get("ResponseMetadata", {}).get("RetryAttempts"):
                standing = self.get(key)
                if standing is not None and standing[0] == data:
                    return standing[1]
            raise ConflictError(f"{self.uri(key)} exists already or has been written by another") from error
        return str(answer["ETag"])

    def _call(self, key: str, done: str, call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """Raises ClientError if a condition does not hold, StoreError for every other failure."""
        try:
            return call(**self._at(key), **arguments)
        except ClientError as error:
            # S3 answers 404 to a condition on an object that is gone.
            if arguments.keys() & {"IfMatch", "IfNoneMatch"} and _code(error) in _CONFLICT | _MISSING:
                raise
            raise self._failure(key, done, error) from error
        except BotoCoreError as error:
            raise self._failure(key, done, error) from error

    def _failure(self, key: str, done: str, error: ClientError | BotoCoreError) -> StoreError:
        return StoreError(f"s3://{self._bucket}/{self._prefix}{key} could not be {done}: {error}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
