"""Contents of test messages by the schemas of a registry."""

import json
from typing import Any

from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.proof.content import Content, content_for
from mesh_assets_tests.esm.fake_aws import FakeAws, refusal

ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "price", "type": "Money"},
        {"name": "again", "type": ["null", "Money"]},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "DONE"]}},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
        {"name": "placed", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "key", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "more", "type": {"type": "map", "values": "long"}},
        {"name": "count", "type": "int", "default": 7},
        {"name": "before", "type": ["null", "Order"], "default": None},
        {"name": "gift", "type": "boolean"},
        {"name": "weight", "type": ["double", "null"]},
        {"name": "nothing", "type": "null"},
    ],
}


def contents(registry: Any, glue: dict[str, Any] | None = None, **config: Any) -> Content:
    aws = FakeAws()

    def schema_version(SchemaId: dict[str, str], SchemaVersionNumber: dict[str, bool]) -> dict[str, Any]:  # noqa: N803
        assert SchemaVersionNumber == {"LatestVersion": True}
        if glue is None or SchemaId != {"RegistryName": "main", "SchemaName": "orders"}:
            raise refusal("EntityNotFoundException", "Schema is not found.")
        return {"SchemaVersionId": GLUE_VERSION, "VersionNumber": 4, "Status": "AVAILABLE", **glue}

    aws.answers["glue.get_schema_version"] = schema_version
    aws.answers["secretsmanager.get_secret_value"] = lambda SecretId: {  # noqa: N803, ARG005 - AWS' name
        "SecretString": json.dumps({"username": "u"})
    }
    given = {
        "SchemaRegistryURI": registry.url,
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
        **config,
    }
    uuid = aws.add_mapping(AmazonManagedKafkaEventSourceConfig={"SchemaRegistryConfig": given})
    return content_for(aws.account(), get_mapping(aws.account(), uuid), 256)


GLUE_VERSION = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"
