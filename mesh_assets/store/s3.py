"""A bucket of Amazon S3, or of anything that speaks its API. boto3 finds credentials, region and endpoint."""

from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import StoreError
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.store.bucket import CONNECT_SECONDS, NEW, READ_SECONDS, WRITE, Listed, Refusal

_MISSING = frozenset({"NoSuchKey", "404"})
_CONFLICT = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


class S3Bucket:
    """The version is the ETag."""

    errors: tuple[type[Exception], ...] = (ClientError, BotoCoreError)

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self.address = f"s3://{bucket}"

    @classmethod
    def named(cls, bucket: str) -> "S3Bucket":
        """Requests nothing yet. Raises StoreError if no client can be made."""
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 4},
        )
        try:
            return cls(new_session().create_client("s3", config=config), bucket)
        except BotoCoreError as error:
            raise StoreError(f"no S3 client for s3://{bucket}: {error}") from error

    def get(self, name: str) -> tuple[bytes, str]:
        answer = self._client.get_object(Bucket=self._bucket, Key=name)
        return answer["Body"].read(), answer["ETag"]

    def write_of(self, name: str) -> tuple[str | None, str]:
        answer = self._client.head_object(Bucket=self._bucket, Key=name)
        return answer.get("Metadata", {}).get(WRITE), answer["ETag"]

    def put(self, name: str, data: bytes, *, write: str, condition: str | None) -> str:
        only = (
            {} if condition is None else {"IfNoneMatch": "*"} if condition == NEW else {"IfMatch": condition}
        )
        answer = self._client.put_object(
            Bucket=self._bucket, Key=name, Body=data, Metadata={WRITE: write}, **only
        )
        return str(answer["ETag"])

    def delete(self, name: str, *, condition: str | None) -> None:
        only = {} if condition is None else {"IfMatch": condition}
        self._client.delete_object(Bucket=self._bucket, Key=name, **only)

    def list(self, prefix: str) -> list[Listed]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [
            Listed(entry["Key"], entry["Size"], entry["LastModified"])
            for page in pages
            for entry in page.get("Contents", ())
        ]

    def refusal(self, error: Exception) -> Refusal:
        """S3 answers 404 to a condition on an object that is gone, and NoSuchBucket if the bucket is."""
        code = str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
        return "missing" if code in _MISSING else "conflict" if code in _CONFLICT else "other"

    def sentence(self, error: Exception) -> str:
        return str(error)
