"""What librdkafka's properties say about connecting: how the peer is trusted, and as whom we log in."""

import socket
import ssl
from collections.abc import Mapping
from typing import Any

from mesh_assets.errors import EstateError
from mesh_assets.platforms.kafka.errors import Redactor

_FAMILIES = {"any": socket.AF_UNSPEC, "v4": socket.AF_INET, "v6": socket.AF_INET6}


class Login:
    """Raises EstateError for what cannot be understood. Prints without secrets."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self.redact = Redactor(properties)
        self.client_id = str(properties.get("client.id", "mesh-assets"))
        self.family = _FAMILIES[str(properties.get("broker.address.family", "any"))]
        protocol = str(properties.get("security.protocol", "PLAINTEXT")).upper()
        if protocol != "PLAINTEXT":
            raise EstateError("not yet")
        self.tls: ssl.SSLContext | None = None
        self.mechanism: str | None = None

    def conversation(self, host: str) -> Any:
        raise NotImplementedError
