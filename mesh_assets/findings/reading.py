"""The case of a cluster from the store: its document, the two it is compared with, and its neighbours' topics and mirrors."""

from dataclasses import replace
from datetime import timedelta

from mesh_assets.contracts.reading import KnownContracts, known_contracts
from mesh_assets.errors import ContractError
from mesh_assets.estate.findings import FindingThresholds
from mesh_assets.estate.model import Estate
from mesh_assets.estate.policy import Policy
from mesh_assets.findings.case import Case
from mesh_assets.findings.neighbours import Neighbours, ReadDocument
from mesh_assets.findings.owned import ProductOwners, product_owners
from mesh_assets.findings.past import Past, past_of
from mesh_assets.findings.samples import Samples, still_expected
from mesh_assets.inventory.document import Document
from mesh_assets.store.inventories import InventoryStore


def read_case(
    document: Document,
    *,
    store: InventoryStore,
    estate: Estate | None,
    samples: Samples,
    read: ReadDocument | None = None,
    live: bool = False,
    neighbours: Neighbours | None = None,
) -> Case:
    """What the cluster of `document` is judged by. `estate` None: default settings apply, and it is unknown which clusters
    share its registry. `read`: reads a stored document, for callers that keep them. `live`: the document was never stored,
    so the latest stored one is the previous one. `samples`: of the whole estate. `neighbours`: for callers that judge
    several clusters. Raises StoreError."""
    read = read or store.document_at
    thresholds = estate.findings if estate else FindingThresholds()
    newest = document.sequence + (1 if live else 0)
    before = _newest_before(store, document, read, sequence=newest)
    earlier = _earlier(store, document, read, sequence=newest, idle=timedelta(days=thresholds.idle_days))
    if neighbours is None and estate is not None:
        neighbours = Neighbours(estate, store, read)
    return Case(
        document,
        before=before,
        earlier=earlier,
        thresholds=thresholds,
        **({} if estate is None else {"policy": estate.policy}),
        topics_elsewhere=None if neighbours is None else neighbours.topics_elsewhere(document.cluster.name),
        mirrored={} if neighbours is None else neighbours.copied(document),
        contracts=KnownContracts() if estate is None else _contracts(estate),
        product_owners=ProductOwners() if estate is None else _product_owners(estate, store, document),
        samples=_own(samples, document.cluster.id, None if estate is None else estate.policy),
    )


def _own(samples: Samples, cluster_id: str, policy: Policy | None) -> Samples:
    results = still_expected(samples.results.get(cluster_id, ()), policy)
    return replace(samples, results={cluster_id: results})


def _contracts(estate: Estate) -> KnownContracts:
    """Who owns what through decisions; not read unless a rule requires an owner, since reading takes time."""
    if not _asks_for_owners(estate):
        return KnownContracts()
    try:
        return known_contracts(estate)
    except ContractError as error:
        return KnownContracts(problems=(str(error),))


def _product_owners(estate: Estate, store: InventoryStore, document: Document) -> ProductOwners:
    if not _asks_for_owners(estate):
        return ProductOwners()
    topics = frozenset(topic.name for topic in document.topics)
    return product_owners(estate, store, document.cluster.name, topics)


def _asks_for_owners(estate: Estate) -> bool:
    return any(rule.owner_required for rule in estate.policy.rules)


def _newest_before(
    store: InventoryStore, document: Document, read: ReadDocument, *, sequence: int
) -> Past | None:
    """By sequence: names say when a document was made, by a clock that may have been set back."""
    cluster_id = document.cluster.id
    for entry in reversed(store.list_documents(cluster_id)):
        one = read(cluster_id, entry.key)
        if one.sequence < sequence:
            return past_of(one)
    return None


def _earlier(
    store: InventoryStore, document: Document, read: ReadDocument, *, sequence: int, idle: timedelta
) -> Past | None:
    cluster_id, latest = document.cluster.id, document.discovery_timestamp - idle
    for entry in reversed(store.list_documents(cluster_id)):
        if entry.moment <= latest:
            one = read(cluster_id, entry.key)
            if one.sequence < sequence and one.discovery_timestamp <= latest:
                return past_of(one)
    return None
