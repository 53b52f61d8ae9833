"""Which rule reads the configs of which connector class."""

from mesh_assets.connector_rules.debezium import DEBEZIUM
from mesh_assets.connector_rules.documents import DOCUMENTS
from mesh_assets.connector_rules.facts import Rule, Rules
from mesh_assets.connector_rules.managed import MANAGED
from mesh_assets.connector_rules.mirrors import MIRRORS
from mesh_assets.connector_rules.object_stores import OBJECT_STORES
from mesh_assets.connector_rules.relational import RELATIONAL
from mesh_assets.connector_rules.snowflake import SNOWFLAKE
from mesh_assets.connector_rules.table_sources import TABLE_SOURCES
from mesh_assets.connector_rules.warehouses import WAREHOUSES
from mesh_assets.inventory.records import Connector

_FAMILIES: tuple[Rules, ...] = (
    RELATIONAL,
    DEBEZIUM,
    DOCUMENTS,
    OBJECT_STORES,
    SNOWFLAKE,
    WAREHOUSES,
    MIRRORS,
    TABLE_SOURCES,
    MANAGED,
)
_BY_CLASS: dict[str, Rule] = {name: rule for family in _FAMILIES for name, rule in family.items()}
KNOWN_CLASSES = frozenset(_BY_CLASS)
# Kafka's workers also accept a class by its simple name, with or without `Connector`.
_BY_SIMPLE_NAME: dict[str, set[Rule]] = {}
for _name, _rule in _BY_CLASS.items():
    _simple = _name.rpartition(".")[2]
    for _short in {_simple, _simple.removesuffix("Connector")}:
        _BY_SIMPLE_NAME.setdefault(_short, set()).add(_rule)


def rule_of(connector: Connector) -> Rule | None:
    """The rule for its class; None if the class is not known, or its simple name stands for classes of different rules."""
    name = (connector.config.get("connector.class") or connector.connector_class or "").strip()
    if name in _BY_CLASS:
        return _BY_CLASS[name]
    rules = _BY_SIMPLE_NAME.get(name, set())
    return next(iter(rules)) if len(rules) == 1 else None
