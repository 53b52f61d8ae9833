"""Brokers' answers at the start of a connection, in every version, as kafka-python's classes."""

import warnings

from mesh_assets.platforms.kafka.wire.greetings import BROKERS, VERSIONS, authenticate

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of how it reads its own files, with Python 3.11
    from kafka.protocol.metadata import ApiVersionsResponse, MetadataResponse
    from kafka.protocol.sasl import SaslAuthenticateResponse

_Api = ApiVersionsResponse.ApiVersion
_Node = MetadataResponse.MetadataResponseBroker
VERSIONS_GIVEN = ApiVersionsResponse(
    error_code=0,
    api_keys=[_Api(api_key=3, min_version=0, max_version=13), _Api(api_key=69, min_version=0, max_version=1)],
    throttle_time_ms=7,
)
BROKERS_GIVEN = MetadataResponse(
    throttle_time_ms=7,
    brokers=[
        _Node(node_id=2, host="two.shop", port=9093, rack=None),
        _Node(node_id=1, host="one.shop", port=9092, rack="a"),
    ],
    cluster_id="cluster",
    controller_id=2,
    topics=[],
)
ALL_BROKERS = [(BROKERS, version, BROKERS_GIVEN) for version in range(BROKERS.oldest, BROKERS.newest + 1)]
ALL_VERSIONS = [
    (VERSIONS, version, VERSIONS_GIVEN) for version in range(VERSIONS.oldest, VERSIONS.newest + 1)
]
ALL_LOGINS = [
    (
        authenticate(b"words"),
        version,
        SaslAuthenticateResponse(
            error_code=58, error_message="no", auth_bytes=b"their words", session_lifetime_ms=60_000
        ),
    )
    for version in range(3)
]
