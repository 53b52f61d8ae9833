"""What `configure` will write, from each of its sources: files, what is new in them, and notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mesh_assets.configuration.entries import (
    Entry,
    entry_from_control_plane,
    entry_from_terraform,
    in_parameters,
    in_variables,
    referred_variables,
    triggers_from_terraform,
    variable_suffix,
    variables_from_terraform,
)
from mesh_assets.configuration.files import (
    McpClient,
    PlannedFile,
    entry_json,
    ignored_by_git,
    ignoring,
    mcp_entry,
    mcp_file,
    merged_mcp,
    planned,
    present_text,
)
from mesh_assets.configuration.terraform_outputs import TerraformOutputs
from mesh_assets.configuration.texts import entry_text, merged_env, merged_estate, shown_env
from mesh_assets.errors import ConfigurationError
from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.found import cluster_name
from mesh_assets.inventory.wording import plural
from mesh_assets.platforms.confluent_cloud.control_plane import (
    CloudEnvironment,
    KafkaCluster,
    SchemaRegistryCluster,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`clusters`: the names of those to write. `notes`: sentences for the user."""

    clusters: tuple[str, ...]
    files: tuple[PlannedFile, ...]
    notes: tuple[str, ...] = ()


class ControlPlane(Protocol):
    """The part of ControlPlaneClient that is used here."""

    @property
    def url(self) -> str: ...

    @property
    def stand_in(self) -> str | None: ...

    def environments(self) -> tuple[CloudEnvironment, ...]: ...

    def kafka_clusters(self, environment_id: str) -> tuple[KafkaCluster, ...]: ...

    def schema_registries(self, environment_id: str) -> tuple[SchemaRegistryCluster, ...]: ...


def plan_from_terraform(
    outputs: TerraformOutputs,
    *,
    estate: Path,
    environment: Mapping[str, str],
    name: str | None = None,
    in_aws: bool = False,
    env_suffix: str = "",
    force: bool = False,
) -> Plan:
    """The estate's entry, with the keys in `.env` beside it, or in SSM (`in_aws`), where Terraform put them.

    `environment`: the variables that are set, which win over a `.env`.
    Raises ConfigurationError when an existing entry differs and not `force`, or a file cannot be read.
    """
    called = cluster_name(name or outputs.kafka_cluster_name, outputs.kafka_cluster_id)
    suffix = variable_suffix(env_suffix)
    if in_aws:
        if outputs.parameter_path is None:
            raise ConfigurationError(
                "the outputs do not say where the keys are in SSM (parameter_path); leave out --aws, or apply terraform/ again"
            )
        keys = in_parameters(outputs.parameter_path)
    else:
        keys = in_variables(suffix=suffix)
    entry = entry_from_terraform(outputs, keys)
    triggers = triggers_from_terraform(outputs) if in_aws else None
    files = [_estate_file(estate, {called: entry}, triggers=triggers, force=force)]
    notes = []
    if not in_aws:
        variables = variables_from_terraform(outputs, suffix=suffix)
        files = [*_env_files(estate, variables, force=force), *files]
        winning = [
            variable for variable, value in variables.items() if environment.get(variable, value) != value
        ]
        if winning:
            notes.append(
                f"{', '.join(winning)} {plural(len(winning), 'is', 'are')} set to something else here (for Terraform?), which wins "
                f"over .env: unset {' '.join(winning)}"
            )
        if outputs.trigger_queue_url is not None:
            notes.append(
                "Terraform created a trigger queue and keeps the keys in SSM; with AWS credentials at hand, --aws uses both"
            )
    elif outputs.store is not None:
        notes.append(f"the store that Terraform created: export MESH_STORE={outputs.store}")
    return Plan(clusters=(called,), files=tuple(files), notes=tuple(notes))


def plan_from_environment(
    control_plane: ControlPlane, environment_id: str, *, estate: Path, force: bool = False
) -> Plan:
    """The entries of all clusters of an environment that the Cloud key can see. Clusters already in the
    estate stay as they are, unless `force`.

    Raises PlatformError when Confluent Cloud does not answer, ConfigurationError when there is nothing to
    write.
    """
    environment = _environment(control_plane.environments(), environment_id)
    clusters = control_plane.kafka_clusters(environment_id)
    if not clusters:
        raise ConfigurationError(
            f"the Cloud key sees no Kafka cluster in {environment_id}; its owner needs the role Operator on the environment"
        )
    registry = next(iter(control_plane.schema_registries(environment_id)), None)
    notes: list[str] = []
    if control_plane.stand_in is not None:
        notes.append(f"{control_plane.url} is a stand-in: {control_plane.stand_in}")
    if registry is None or (registry.url or registry.private_url) is None:
        notes.append(
            f"the Cloud key sees no Schema Registry in {environment_id} (Stream Governance is off, or its owner has no role on it); "
            "without one, discovery reads no schemas and publishes no events"
        )
    known = _known_ids(estate)
    entries: dict[str, Entry] = {}
    for cluster, name in zip(clusters, _names(clusters), strict=True):
        name = known.get(cluster.id, name)
        if cluster.id in known and not force:
            notes.append(
                f"{name} ({cluster.id}) is already in {estate} and stays as it is; --force replaces it"
            )
        elif cluster.bootstrap_servers is None:
            notes.append(
                f"{name} ({cluster.id}) has no bootstrap servers yet ({cluster.phase or 'phase unknown'}) and is left out"
            )
        else:
            suffix = variable_suffix(name) if len(clusters) > 1 else ""
            keys = in_variables(kafka_suffix=suffix)
            entries[name] = entry_from_control_plane(
                cluster, environment, registry, keys, url=control_plane.url
            )
            if cluster.takes_granular_roles is False:
                notes.append(
                    f"{name} is a Basic cluster, where rights on topics and groups are ACLs (docs/terraform.md)"
                )
    if not entries:
        raise ConfigurationError(f"there is nothing to write for {environment_id}: {'; '.join(notes)}")
    notes.append(
        "Confluent Cloud does not hand out Kafka and Schema Registry keys: create them (terraform/ does), and set these variables or "
        f"write them to {estate.parent / '.env'}: {', '.join(referred_variables(list(entries.values())))}"
    )
    return Plan(
        clusters=tuple(entries), files=(_estate_file(estate, entries, force=force),), notes=tuple(notes)
    )


def plan_mcp_client(
    client: McpClient, *, estate: Path, project: Path, store: str, force: bool = False
) -> PlannedFile:
    entry = mcp_entry(client, estate=estate, store=store)
    path = mcp_file(client, project)
    before = present_text(path)
    return planned(
        path,
        before=before,
        after=merged_mcp(before, entry, source=str(path), force=force),
        shown=entry_json(entry),
    )


def _estate_file(
    path: Path,
    entries: Mapping[str, Mapping[str, Any]],
    *,
    triggers: Mapping[str, Any] | None = None,
    force: bool,
) -> PlannedFile:
    before = present_text(path)
    after = merged_estate(before, entries, source=str(path), triggers=triggers, force=force)
    return planned(path, before=before, after=after, shown=entry_text(entries, triggers))


def _env_files(estate: Path, variables: Mapping[str, str], *, force: bool) -> list[PlannedFile]:
    """`.env`, preceded by `.gitignore` where git would otherwise pick it up."""
    path = estate.with_name(".env")
    before = present_text(path)
    env = planned(
        path,
        before=before,
        after=merged_env(before, variables, source=str(path), force=force),
        shown=shown_env(variables),
        private=True,
    )
    return [ignoring(path), env] if ignored_by_git(path) is False else [env]


def _environment(seen: Sequence[CloudEnvironment], environment_id: str) -> CloudEnvironment:
    found = next((environment for environment in seen if environment.id == environment_id), None)
    if found is None:
        others = ", ".join(f"{environment.id} ({environment.name})" for environment in seen) or "none"
        raise ConfigurationError(
            f"the Cloud key sees no environment {environment_id}; it sees: {others}. Check the id, and the roles of the key's owner"
        )
    return found


def _names(clusters: Sequence[KafkaCluster]) -> list[str]:
    """Their names where they are unique, otherwise their ids."""
    wanted = [cluster_name(cluster.name, cluster.id) for cluster in clusters]
    return [
        name if wanted.count(name) == 1 else cluster.id
        for name, cluster in zip(wanted, clusters, strict=True)
    ]


def _known_ids(estate: Path) -> dict[str, str]:
    """The names of the estate file's clusters by id, for those that state their id."""
    text = present_text(estate)
    if text is None or not text.strip():
        return {}
    parsed = parse_estate(text, source=str(estate))
    return {
        cluster.cluster_id: name
        for name, cluster in parsed.clusters.items()
        if cluster.cluster_id is not None
    }
