"""The client of one registry."""

from collections.abc import Callable, Sequence
from typing import Any

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.platforms import Presence
from mesh_assets.platforms.http import (
    SYSTEM_CLOCK,
    Clock,
    RetryPolicy,
    ServiceClient,
    Transport,
    path_segment,
)
from mesh_assets.platforms.schema_registry.bulk import PAGE_SIZE
from mesh_assets.platforms.schema_registry.levels import COMPATIBILITY, KIND, MODE, LevelReader
from mesh_assets.platforms.schema_registry.records import (
    Level,
    RegisteredSchema,
    SchemaText,
    ShapeError,
    SubjectLevels,
    is_absent,
    open_registry,
    read_contexts,
    schema_text,
)
from mesh_assets.platforms.schema_registry.subjects import Unread, read_inventory, read_latest, read_version

UNNAMED = "schema_registry"


class SchemaRegistryClient(ServiceClient):
    """Reads one registry and registers schemas. Safe to use from many threads.

    Every method raises PlatformError unless it says otherwise; a subject, schema or level that does not exist
    is not an error.
    """

    def __init__(
        self,
        connection: SchemaRegistryConnection,
        *,
        workers: int = 32,
        page_size: int = PAGE_SIZE,
        read_seconds: float = 300.0,
        policy: RetryPolicy | None = None,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`workers`: requests in flight when subjects are read one by one (32 were fastest against Apicurio).

        `read_seconds`: how long such a reading may take. Raises EstateError when a reference in `connection`
        cannot be resolved.
        """
        super().__init__(open_registry(connection, policy=policy, transport=transport, clock=clock))
        self._name = connection.name or connection.id or UNNAMED
        self._workers = workers
        self._page_size = page_size
        self._read_seconds = read_seconds
        self._levels = LevelReader(self._service, clock)
        self._has_bulk_list: bool | None = None

    @property
    def name(self) -> str:
        """The registry's name or id in the estate; a cluster has one, so it need not have either."""
        return self._name

    @property
    def level_requests(self) -> int:
        """How many of the requests were for levels and modes, including global ones."""
        return self._service.requests_of(KIND)

    @property
    def has_bulk_list(self) -> bool | None:
        """Whether the last reading of all subjects came from the bulk list; None before the first."""
        return self._has_bulk_list

    def read_latest_schemas(
        self, selects: Callable[[str], bool] | None = None, *, unread: Unread | None = None
    ) -> tuple[RegisteredSchema, ...]:
        """The latest version of every subject of all contexts, by subject; with `selects`, of those it
        selects.

        All of them or an error, because a missing page must not look like deletions; with `unread`, all
        except those reported to it, as long as the registry returns others. Confluent's bulk list takes one
        request for each page of 1,000 (999 after the first, as pages overlap), other registries one request
        for each subject.
        """
        schemas, self._has_bulk_list = read_inventory(
            self._service,
            selects=selects if selects is not None else lambda _: True,
            page_size=self._page_size,
            workers=self._workers,
            within_seconds=self._read_seconds,
            unread=unread,
        )
        return tuple(schemas)

    def latest(self, subject: str) -> RegisteredSchema | None:
        """The latest version of `subject`, None when there is no such subject."""
        return read_latest(self._service, subject)

    def version(self, subject: str, version: int) -> RegisteredSchema | None:
        """That version of `subject`, None when there is no such version or subject."""
        return read_version(self._service, subject, version)

    def presence(self, subject: str) -> Presence:
        """Whether `subject` exists, whatever the lists say."""
        answer = self._service.ask("GET", f"/subjects/{path_segment(subject)}/versions/latest")
        if answer.status == 404 and not is_absent(answer):
            raise answer.error()
        return "gone" if is_absent(answer) else answer.presence()

    def schema_by_id(self, schema_id: int) -> SchemaText | None:
        """The schema that records refer to by `schema_id`, None when there is none."""
        answer = self._service.ask("GET", f"/schemas/ids/{schema_id}")
        if is_absent(answer):
            return None
        try:
            return schema_text(answer.json(), schema_id=schema_id)
        except ShapeError as error:
            raise answer.unexpected(f"with {error}") from error

    def contexts(self) -> tuple[str, ...]:
        """The contexts, the default one (`.`) first; only that one where the registry has no contexts."""
        return read_contexts(self._service)

    def global_compatibility(self) -> str | None:
        """The compatibility level of subjects without their own, None when the registry has none."""
        return self._levels.global_level(COMPATIBILITY)

    def global_mode(self) -> str | None:
        """The mode of subjects without their own (READWRITE, READONLY, IMPORT, …), None when the registry has
        none."""
        return self._levels.global_level(MODE)

    def subject_compatibility(self, subject: str) -> Level:
        """The compatibility level in force for `subject`, and whether it is its own: two or, rarely, three
        requests."""
        return self._levels.level(subject, COMPATIBILITY, inherited=self.global_compatibility())

    def subject_mode(self, subject: str) -> Level:
        """The mode in force for `subject`, and whether it is its own: two or, rarely, three requests."""
        return self._levels.level(subject, MODE, inherited=self.global_mode())

    def subject_levels(self, subjects: Sequence[str], *, within_seconds: float = 60.0) -> list[SubjectLevels]:
        """Compatibility and mode of each of `subjects`, in their order; two requests per subject, many in
        flight.

        Raises nothing: anything that could not be read within `within_seconds`, or at all, says why in its
        `error`.
        """
        return self._levels.levels(subjects, workers=self._workers, within_seconds=within_seconds)

    def register(self, subject: str, schema: str, schema_type: str = "AVRO") -> int:
        """The id of `schema` under `subject`; the same id when it is registered already, so repeating is
        harmless.

        Raises RefusedError when the registry does not accept it: incompatible, invalid, read-only, no right.
        """
        content: dict[str, Any] = {"schema": schema}
        if schema_type != "AVRO":
            content["schemaType"] = schema_type
        answer = self._service.ask(
            "POST", f"/subjects/{path_segment(subject)}/versions", content=content, idempotent=True
        )
        if answer.status in (409, 422):
            reason = answer.message or "it does not say why"
            raise RefusedError(
                f"{self._service} does not accept the {schema_type} schema for {subject!r} ({answer.error_code}): {reason}"
            )
        value = answer.json()
        schema_id = value.get("id") if isinstance(value, dict) else None
        if not isinstance(schema_id, int):
            raise UnexpectedAnswerError(
                f"{self._service} registered the schema for {subject!r} without returning its id"
            )
        return schema_id
