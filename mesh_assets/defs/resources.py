"""What the assets need from outside: the estate, the store, AWS accounts, and the way sections pass from step to step.

Dagster's UI shows each value, or the environment variable it comes from.
"""

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import dagster as dg
from pydantic import Field

from mesh_assets.answering.documents_once import DocumentsOnce
from mesh_assets.errors import MeshError
from mesh_assets.esm.aws_account import AwsAccount, account_settings
from mesh_assets.esm.service import MappingService
from mesh_assets.estate.file import DEFAULT_ESTATE
from mesh_assets.estate.model import AwsAccountSettings, Estate
from mesh_assets.fleet.in_force import estate_in_force
from mesh_assets.inventory.sections import SECTION_NAMES, Section, SectionName
from mesh_assets.runs.failures import masking_failures
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import DEFAULT_STORE, open_store


class EstateResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The estate in force, looked up again for each run and each tick of a sensor.

    Clusters, credentials and patterns may have changed since the definitions loaded.
    """

    path: str = Field(default=DEFAULT_ESTATE, description="The estate file.")

    @cached_property
    def _estate(self) -> Estate:
        return estate_in_force(Path(self.path)).now().estate

    def estate(self) -> Estate:
        """While the file is broken, the last good version. Raises EstateError when there is none."""
        return self._estate


class StoreResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where documents, tables and the inbox are kept."""

    location: str = Field(
        default=DEFAULT_STORE,
        description="A folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix.",
    )

    @cached_property
    def _store(self) -> InventoryStore:
        return InventoryStore(open_store(self.location))

    def store(self) -> InventoryStore:
        """Raises StoreError when the location is neither a folder nor a bucket."""
        return self._store

    @cached_property
    def _documents_once(self) -> DocumentsOnce:
        return DocumentsOnce(self._store.objects)

    def documents_once(self) -> DocumentsOnce:
        """The store for parts of a run that read the same documents: they are decoded once and kept while it runs.
        Raises StoreError like `store`."""
        return self._documents_once


class EventSourceMappings(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Event source mappings in the accounts and regions that the estate and the environment name. Tests replace it with fakes."""

    def service(self, region: str | None) -> MappingService:
        """The service of a region, its credentials checked.

        Raises EstateError without a region, RefusedError without working credentials, before anything else
        happens.
        """
        estate = estate_in_force().now().estate
        account = self.account(account_settings(estate, region=region))
        _ = account.identity
        return MappingService(account, estate)

    def account(self, settings: AwsAccountSettings) -> AwsAccount:
        """One account of the estate. Contacts nothing."""
        return AwsAccount(settings)


class SectionIOManager(dg.IOManager):
    """Hands sections from step to step, by run: within the process if both steps run in it, else through the store. They are
    not a second source of truth: publishing drops them."""

    def __init__(self, store: InventoryStore) -> None:
        self._store = store

    @masking_failures
    def handle_output(self, context: dg.OutputContext, obj: Section) -> None:
        self._store.hand_over(context.run_id, context.partition_key, obj)

    @masking_failures
    def load_input(self, context: dg.InputContext) -> Section | None:
        """The section that this run collected, or the failed run that it resumes; None when not selected."""
        upstream = context.upstream_output
        if upstream is None:
            return None
        return self._store.get_section(
            upstream.run_id, context.partition_key, _section_name(context.asset_key)
        )


class ReportIOManager(dg.IOManager):
    """Keeps nothing: `execute_in_process` hands the report to its caller, and metadata shows it to everyone.

    Not `mem_io_manager`, which Dagster refuses where each step has its own process.
    """

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """The document holds what the report says."""

    def load_input(self, context: dg.InputContext) -> object:  # noqa: ARG002 - Dagster names it
        """Raises MeshError."""
        raise MeshError("no step can load the report of a discovery; read the document in the store instead")


@dg.io_manager(description="Hands the report to the caller of an in-process run; keeps nothing.")
def report_io_manager() -> ReportIOManager:
    return ReportIOManager()


@dg.io_manager(  # type: ignore[arg-type]  # Dagster takes generators, as for every resource, and does not declare it
    required_resource_keys={"store"},
    description="Hands sections from step to step; keeps those that were not published in the store.",
)
@masking_failures
def section_io_manager(context: dg.InitResourceContext) -> Iterator[SectionIOManager]:
    store: InventoryStore = context.resources.store.store()
    yield SectionIOManager(store)
    # The process has finished its steps. A later one, or a run that resumes this one after a failure, continues from here.
    store.put_sections()


def estate_resource() -> EstateResource:
    return EstateResource(path=_named_by("MESH_ESTATE", DEFAULT_ESTATE))


def store_resource() -> StoreResource:
    return StoreResource(location=_named_by("MESH_STORE", DEFAULT_STORE))


@dg.definitions
def resources() -> dg.Definitions:
    return dg.Definitions(
        resources={
            "estate": estate_resource(),
            "store": store_resource(),
            "sections": section_io_manager,
            "reports": report_io_manager,
        }
    )


def _named_by(variable: str, default: str) -> str:
    # Dagster fails a run whose EnvVar is not set, so the default cannot be one.
    return dg.EnvVar(variable) if os.environ.get(variable) else default


def _section_name(key: dg.AssetKey) -> SectionName:
    return next(name for name in SECTION_NAMES if name == key.path[-1])
