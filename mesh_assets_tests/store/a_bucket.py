# ruff: noqa: N803, ARG002 - the parameters are named as boto3 names them
"""A bucket in memory, as boto3's S3 client shows one: what Amazon documents of conditional reads, writes and
deletes."""

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

_MESSAGES = {"NoSuchKey": 404, "404": 404, "PreconditionFailed": 412, "AccessDenied": 403}


class ABucket:
    """`refuses`: answers everything with AccessDenied. `loses`: the answers of this many next writes are lost, and they fail
    like the client's retry. `meanwhile`: runs before the next write."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.refuses = False
        self.loses = 0
        self.meanwhile: Callable[[], object] | None = None

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self._reach("GetObject")
        if Key not in self.objects:
            raise _error("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": _etag(self.objects[Key])}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self._reach("HeadObject")
        if Key not in self.objects:
            raise _error("404", "HeadObject")
        return {"Metadata": self.metadata.get(Key, {}), "ETag": _etag(self.objects[Key])}

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        Metadata: dict[str, str],
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
    ) -> dict[str, Any]:
        self._reach("PutObject")
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        if IfNoneMatch == "*" and Key in self.objects:
            raise _error("PreconditionFailed", "PutObject")
        self._match(Key, IfMatch, "PutObject")
        self.objects[Key] = Body
        self.metadata[Key] = Metadata
        if self.loses:
            self.loses -= 1
            raise _error("PreconditionFailed", "PutObject")
        return {"ETag": _etag(Body)}

    def delete_object(self, *, Bucket: str, Key: str, IfMatch: str | None = None) -> dict[str, Any]:
        self._reach("DeleteObject")
        self._match(Key, IfMatch, "DeleteObject")
        self.objects.pop(Key, None)
        return {}

    def get_paginator(self, name: str) -> "ABucket":
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Any:
        self._reach("ListObjectsV2")
        yield {}
        for key, data in self.objects.items():
            if key.startswith(Prefix):
                yield {"Contents": [{"Key": key, "Size": len(data), "LastModified": datetime.now(UTC)}]}

    def _match(self, key: str, version: str | None, operation: str) -> None:
        if version is None:
            return
        if key not in self.objects:
            raise _error("NoSuchKey", operation)
        if _etag(self.objects[key]) != version:
            raise _error("PreconditionFailed", operation)

    def _reach(self, operation: str) -> None:
        if self.refuses:
            raise _error("AccessDenied", operation)


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def _error(code: str, operation: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": _MESSAGES[code]},
        },
        operation,
    )
