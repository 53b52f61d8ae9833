"""HTTP services, read with retries, deadlines, size limits and clear errors; no platform's own protocol."""

from mesh_assets.platforms.http.answers import ANY_CREDENTIAL, Answer, Credential
from mesh_assets.platforms.http.client import ServiceClient, address_of
from mesh_assets.platforms.http.retries import SYSTEM_CLOCK, Clock, RateLimiter, RetryPolicy
from mesh_assets.platforms.http.service import HttpService, Transport
from mesh_assets.platforms.http.transport import path_segment

__all__ = [
    "ANY_CREDENTIAL",
    "SYSTEM_CLOCK",
    "Answer",
    "Clock",
    "Credential",
    "HttpService",
    "RateLimiter",
    "RetryPolicy",
    "ServiceClient",
    "Transport",
    "address_of",
    "path_segment",
]
