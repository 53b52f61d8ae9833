"""What the clients of all HTTP services share: opening and closing, address, identity, and a request
count."""

from typing import Self
from urllib.parse import urlsplit

from mesh_assets.platforms.http.service import HttpService


class ServiceClient:
    """A client that speaks its protocol over one `_service`. Safe to use from many threads; a context
    manager."""

    def __init__(self, service: HttpService) -> None:
        self._service = service

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._service.close()

    @property
    def url(self) -> str:
        """The service's address, fit to be shown."""
        return self._service.url

    @property
    def address(self) -> str:
        """Host, port and path: where the service is, regardless of scheme and user."""
        return address_of(self.url)

    @property
    def identity(self) -> str:
        """Who asks, fit to be shown."""
        return self._service.identity

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self._service.requests

    @property
    def stand_in(self) -> str | None:
        """What the service says it stands in for; None when it is the real one."""
        return self._service.stand_in

    @property
    def rights_advice(self) -> str:
        """What to do when the credential lacks a right, as a clause."""
        return self._service.rights_advice


def address_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
