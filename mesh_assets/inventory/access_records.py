"""The contents of the section `access`: who may do what (ACLs), how much (quotas), and who can log in by SCRAM.

A part that could not be read is None, with the reason in `unknown` under the part's name; an empty one was read.
"""

from typing import Literal

from msgspec import field

from mesh_assets.inventory.records import Record


class Acl(Record, frozen=True, kw_only=True):
    """One binding, in Kafka's words and lower case. `resource_type`: topic, group, cluster, transactional_id,
    delegation_token or user; `permission`: allow or deny; `pattern`: literal or prefixed; `unknown (9)`, here and for
    operations, is a word of later versions. The literal name `*` means all of a type, the principal `User:*`
    everybody, the host `*` every host. `operation` `all` includes every other."""

    principal: str
    permission: str
    operation: str
    resource_type: str
    resource: str
    pattern: str
    host: str


class ClientQuota(Record, frozen=True, kw_only=True):
    """`entity`: kind (user, client-id, ip) → name; None: the default of the kind. `limits`: Kafka's key
    (`producer_byte_rate` in bytes/s, `request_percentage` in percent of a thread, …) → value; an infinite one, which never
    throttles, is the largest number there is."""

    entity: dict[str, str | None]
    limits: dict[str, float]


class ScramCredential(Record, frozen=True, kw_only=True):
    """`iterations`: how often the password is hashed. No salt or keys: Kafka never reveals them."""

    mechanism: str
    iterations: int


class ScramUser(Record, frozen=True, kw_only=True):
    name: str
    credentials: tuple[ScramCredential, ...]


AccessPart = Literal["acls", "quotas", "scram_users"]


class Access(Record, frozen=True, kw_only=True):
    """`unknown`: part → why it could not be read."""

    acls: tuple[Acl, ...] | None = None
    quotas: tuple[ClientQuota, ...] | None = None
    scram_users: tuple[ScramUser, ...] | None = None
    unknown: dict[str, str] = field(default_factory=dict)
