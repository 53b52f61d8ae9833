"""Trust in HTTPS services."""

import ssl
from pathlib import Path

import httpx

from mesh_assets.errors import EstateError


def tls_failure(error: BaseException) -> str | None:
    """What is wrong when the TLS handshake failed, which a retry would not change; None for any other
    failure."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has no certificate this machine trusts ({cause}); set ca_location, or check the url"
        if isinstance(cause, ssl.SSLError):
            return f"does not speak TLS as expected ({cause}); is the url right, https and the port?"
        cause = cause.__cause__ or cause.__context__
    return None


def tls_context(ca_location: str | None, *, name: str) -> ssl.SSLContext:
    """Whom to trust: the usual authorities, or those in the file or folder `ca_location` of the service
    called `name`.

    Raises EstateError when `ca_location` holds no certificates.
    """
    if ca_location is None:
        return httpx.create_ssl_context()
    path = Path(ca_location).expanduser()
    try:
        return ssl.create_default_context(
            cafile=None if path.is_dir() else str(path), capath=str(path) if path.is_dir() else None
        )
    except (OSError, ssl.SSLError) as error:
        raise EstateError(
            f"ca_location of {name}: {ca_location} cannot be read as certificates in PEM form ({error})"
        ) from error
