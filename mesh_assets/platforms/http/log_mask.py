"""Keeps secret addresses out of the logs of httpx and httpcore."""

import logging
from collections.abc import Iterable

# httpx logs the address of every request; httpcore logs response headers, which may repeat it. A filter only
# sees the records of its own logger, not those of the loggers below, so each of them gets it.
_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)
_MASK = "***"


class LogMask(logging.Filter):
    """Replaces secret texts in every record of httpx and httpcore, from `attach` until `detach`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"LogMask({len(self._secrets)} secrets)"

    def attach(self) -> None:
        """Masks what is logged from now on."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def detach(self) -> None:
        """Ends the masking; harmless when it has ended already."""
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass, masked."""
        message = record.getMessage()
        masked = self.mask(message)
        if masked != message:
            record.msg, record.args = masked, ()
        return True

    def mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text
