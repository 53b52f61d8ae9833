"""Documents decode to what was encoded, whatever is shared or left out on the way."""

import msgspec
import pytest
from hypothesis import given
from msgspec.structs import replace

from mesh_assets.errors import DamagedError
from mesh_assets.inventory.document import Document, decode_document, decode_outline, encode_document
from mesh_assets_tests.arbitrary_documents import documents, property_of_documents
from mesh_assets_tests.documents import a_document, a_topic


@property_of_documents
@given(documents())
def test_a_document_decodes_as_it_was_encoded(document: Document) -> None:
    data = encode_document(document)

    assert decode_document(data, source="test") == document == msgspec.json.decode(data, type=Document)
    assert decode_outline(data, source="test") == replace(document, topics=(), consumer_groups=())


def test_topics_with_equal_configs_share_them() -> None:
    document = a_document(
        topics=tuple(
            a_topic(name, config={"retention.ms": days}) for name, days in zip("abc", "121", strict=True)
        )
    )

    first, second, third = decode_document(encode_document(document), source="test").topics

    assert first.config is third.config
    assert second.config == {"retention.ms": "2"}


@pytest.mark.parametrize(
    "config", [b'{"retention.ms":1}', b'["retention.ms"]', b'{"retention.ms":"\xff"}', b'{"retention.ms":']
)
def test_an_invalid_config_makes_a_damaged_document(config: bytes) -> None:
    data = encode_document(a_document(topics=(a_topic("orders", config={"retention.ms": "1"}),)))
    damaged = data.replace(b'{"retention.ms":"1"}', config)
    assert damaged != data

    with pytest.raises(DamagedError, match="somewhere is not a discovery document of this version"):
        decode_document(damaged, source="somewhere")


def test_a_damaged_config_is_reported_with_its_topic() -> None:
    data = encode_document(a_document(topics=(a_topic("orders", config={"retention.ms": "1"}),)))

    with pytest.raises(DamagedError, match=r"`int`.*, in the config of topic orders"):
        decode_document(data.replace(b'"retention.ms":"1"', b'"retention.ms":1'), source="somewhere")
