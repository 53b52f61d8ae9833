"""Clients of ministack, by account: there as here, an access key of twelve digits is an account of its own."""

import re
import threading
from typing import Any

from mesh_assets.sandbox.state import AWS_ACCOUNT, AWS_REGION

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/")


class Accounts:
    """Makes each client once, since that takes a tenth of a second."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, account: str, service: str) -> Any:
        import boto3  # heavy, and needed only by requests that go to ministack
        from botocore.config import Config

        with self._lock:
            if (account, service) not in self._clients:
                self._clients[account, service] = boto3.session.Session().client(
                    service,
                    endpoint_url=self._url,
                    region_name=AWS_REGION,
                    aws_access_key_id=account,
                    aws_secret_access_key="sandbox",
                    config=Config(connect_timeout=5, read_timeout=120, retries={"total_max_attempts": 1}),
                )
            return self._clients[account, service]


def signed_by(authorization: str) -> tuple[str, str]:
    """The account and the service that a request was signed for; no service if it was not signed."""
    found = _CREDENTIAL.search(authorization)
    if found is None:
        return AWS_ACCOUNT, ""
    key, _, service = found.groups()
    return key if re.fullmatch(r"\d{12}", key) else AWS_ACCOUNT, service
