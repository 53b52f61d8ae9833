"""How to tell that something is on Confluent Cloud: by its address, where nothing else says so."""

from urllib.parse import urlsplit

_DOMAIN = ".confluent.cloud"


def is_confluent_host(address: str) -> bool:
    """Whether the host of `address` (a URL, or `host:port`) is one of Confluent Cloud's."""
    try:
        host = urlsplit(f"//{address.rpartition('://')[2]}").hostname or ""
    except ValueError:
        return False
    return host.endswith(_DOMAIN)
