"""Data contracts, which Confluent's registry stores with schemas: who owns them, what is tagged, which rules apply.

A file below `records.py`, whose schemas hold them.
"""

from typing import Literal

from msgspec import Struct

RulePhase = Literal["migration", "domain", "encoding"]


class SchemaRule(Struct, frozen=True, kw_only=True, gc=False):
    """A rule of a data contract. `kind`: CONDITION or TRANSFORM. `mode`: when it runs (WRITE, READ, …). `type`:
    what runs it (CEL, ENCRYPT, …). `params`: a sensitive value is masked."""

    phase: RulePhase
    name: str
    kind: str | None = None
    mode: str | None = None
    type: str | None = None
    tags: tuple[str, ...] = ()
    params: dict[str, str | None] = {}
    expr: str | None = None
    on_success: str | None = None
    on_failure: str | None = None
    doc: str | None = None
    disabled: bool = False


class DataContract(Struct, frozen=True, kw_only=True, gc=False):
    """What Confluent's registry stores with a schema. `properties`: those named in `sensitive` are masked. `tags`: by the
    path that they tag (`**.ssn`), besides those in the schema's own text. `rules`: in the order in which they run.
    """

    properties: dict[str, str] = {}
    sensitive: tuple[str, ...] = ()
    tags: dict[str, tuple[str, ...]] = {}
    rules: tuple[SchemaRule, ...] = ()

    @property
    def owner(self) -> str | None:
        """Who owns the subject, by the property of that name; None: it does not say."""
        owners = (value for key, value in self.properties.items() if key.casefold() == "owner")
        return next(owners, None) or None
