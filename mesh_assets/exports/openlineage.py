"""The mesh as static events of OpenLineage 2-0-2: a DatasetEvent for each topic and external dataset, a JobEvent for each
connector, application, statement, mirror topic and function (https://openlineage.io/docs/spec/object-model).

The events claim no run. Names follow OpenLineage's `spec/Naming.md`: a topic is in `kafka://host:port`, an external dataset
where lineage places it. A job is in the namespace of its cluster, as `connector/<Connect>/<name>`, `application/<group>`,
`statement/<name>`, or `mirror/<topic>` for what a cluster link does; functions are in `awslambda`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

import msgspec

from mesh_assets.analysis.graph import Edge, Flow, LineageGraph, Node
from mesh_assets.analysis.schema_fields import schema_fields
from mesh_assets.answering.mesh import Mesh
from mesh_assets.exports.catalog import TopicFacts, bootstrap_servers, namespace_of, topic_facts
from mesh_assets.inventory.records import Connector, Schema
from mesh_assets.inventory.wording import counted, listed
from mesh_assets.relationships.records import Domains

PRODUCER = f"urn:mesh-assets:{version('mesh-assets')}"
_LAMBDA = "awslambda"
_TABLES = frozenset(
    [
        "postgres",
        "mysql",
        "mssql",
        "oracle",
        "db2",
        "redshift",
        "clickhouse",
        "snowflake",
        "bigquery",
        "trino",
        "hive",
        "iceberg",
    ]
)
_FILES = frozenset(["s3", "gs", "abfss", "wasbs", "hdfs", "file", "dbfs"])


_SPECIFICATION = "https://openlineage.io/spec"
_FACETS = {
    "ColumnLineageDatasetFacet": "1-2-0",
    "DatasetTypeDatasetFacet": "1-0-1",
    "DocumentationDatasetFacet": "1-1-0",
    "DocumentationJobFacet": "1-1-0",
    "JobTypeJobFacet": "2-0-4",
    "OwnershipDatasetFacet": "1-0-1",
    "SchemaDatasetFacet": "1-2-0",
    "TagsDatasetFacet": "1-0-0",
}
"""The versions of the facets written, each in a file of its name, except that of `LineageJobFacet`."""
_Object = dict[str, Any]


def openlineage_events(mesh: Mesh, domains: Mapping[str, Domains]) -> Iterator[bytes]:
    """The JSON of each event: datasets first, each once, then jobs. Their time is the document's.

    Written without the classes of OpenLineage's client, which check every address and time: that would take two thirds of the
    time. The tests pass every event to these classes.
    """
    encode = msgspec.json.Encoder().encode
    yield from map(encode, _Events(mesh).events(domains))


def _event(kind: str, at: str) -> _Object:
    return {
        "eventTime": at,
        "producer": PRODUCER,
        "schemaURL": f"{_SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/{kind}",
    }


def _facet(kind: str, **content: Any) -> _Object:
    return _facet_at(f"{_FACETS[kind]}/{kind}", kind, content)


def _facet_at(file: str, kind: str, content: _Object) -> _Object:
    address = f"{_SPECIFICATION}/facets/{file}.json#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": address, **content}


def _place(dataset: tuple[str, str]) -> _Object:
    return {"namespace": dataset[0], "name": dataset[1]}


class _Events:
    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._graph: LineageGraph = mesh.graph
        self._namespaces = {
            name: namespace_of(name, bootstrap_servers(servers, mesh.documents.get(name)))
            for name, servers in mesh.addresses.items()
        }
        self._times = {name: _time(one.discovery_timestamp) for name, one in mesh.documents.items()}
        self._latest = max(self._times.values())
        self._into: defaultdict[Node, list[Edge]] = defaultdict(list)
        self._out_of: defaultdict[Node, list[Edge]] = defaultdict(list)
        for edge in self._graph.edges:
            # What a system keeps for itself is not an input of another; a right is not a flow.
            if edge.purpose in ("data", "dead_letter") and edge.known != "permitted":
                self._into[edge.target].append(edge)
                self._out_of[edge.source].append(edge)
        self._flows: defaultdict[Node, defaultdict[Node, list[Flow]]] = defaultdict(lambda: defaultdict(list))
        for flow in self._graph.flows:
            self._flows[flow.through][flow.target].append(flow)
        self._notes: defaultdict[Node, list[str]] = defaultdict(list)
        for note in self._graph.notes:
            self._notes[note.node].append(note.text)

    def events(self, domains: Mapping[str, Domains]) -> Iterator[_Object]:
        yield from self._topics(domains)
        for node in self._graph.nodes:
            if node.kind == "dataset":
                yield self._dataset_event(node, self._latest, _dataset_facets(node))
        connectors = {
            (name, one.connect, one.name): one
            for name, document in self._mesh.documents.items()
            for one in document.connectors
        }
        for node in self._graph.nodes:
            at = self._times.get(node.cluster or "", self._latest if node.kind == "function" else None)
            if at is not None and node.kind in ("connector", "application", "statement", "function"):
                connector = connectors.get((node.cluster or "", node.namespace or "", node.name))
                yield self._job_event(node, at, connector if node.kind == "connector" else None)
        yield from self._mirrors()

    def _mirrors(self) -> Iterator[_Object]:
        """A cluster link is not a node: each of its mirror topics has a job, which OpenLineage needs between two datasets."""
        for edge in self._graph.edges:
            at = self._times.get(edge.target.cluster or "")
            is_mirror = edge.target.kind == "topic" and edge.source.kind in ("topic", "dataset")
            if at is None or not is_mirror or edge.purpose != "data":
                continue
            target = self._dataset(edge.target)
            about = {
                "jobType": _job_type("CLUSTER_LINK", "MIRROR_TOPIC"),
                "documentation": _facet("DocumentationJobFacet", description=f"Known by {edge.by}."),
            }
            yield {
                **_event("JobEvent", at),
                "job": {"namespace": target[0], "name": f"mirror/{target[1]}", "facets": about},
                "inputs": [_place(self._dataset(edge.source))],
                "outputs": [_place(target)],
            }

    def _topics(self, domains: Mapping[str, Domains]) -> Iterator[_Object]:
        for name, document in self._mesh.documents.items():
            for facts in topic_facts(document, domains[name]):
                node = Node(kind="topic", cluster=name, name=facts.topic.name)
                yield self._dataset_event(node, self._times[name], _topic_facets(facts))

    def _dataset_event(self, node: Node, at: str, about: dict[str, Any]) -> _Object:
        return {**_event("DatasetEvent", at), "dataset": {**_place(self._dataset(node)), "facets": about}}

    def _dataset(self, node: Node) -> tuple[str, str]:
        if node.kind == "topic" and node.cluster is not None:
            return self._namespaces.get(node.cluster) or namespace_of(node.cluster, ()), node.name
        return node.namespace or "", node.name

    def _job_event(self, node: Node, at: str, connector: Connector | None) -> _Object:
        entered, left = self._into[node], self._out_of[node]
        if node.kind == "function":  # through its mappings, which are not jobs
            entered = [edge for mapping in entered for edge in self._into[mapping.source]]
        inputs = [edge for edge in entered if edge.source.kind in ("topic", "dataset")]
        outputs = [edge for edge in left if edge.target.kind in ("topic", "dataset")]
        return {
            **_event("JobEvent", at),
            "job": {
                "namespace": self._namespaces.get(node.cluster or "", _LAMBDA),
                "name": _job_name(node),
                "facets": self._job_facets(node, connector, outputs),
            },
            "inputs": [_place(self._dataset(one)) for one in dict.fromkeys(edge.source for edge in inputs)],
            "outputs": [self._output(node, edge) for edge in outputs],
        }

    def _job_facets(self, node: Node, connector: Connector | None, outputs: list[Edge]) -> dict[str, _Object]:
        integration, kind = {
            "connector": ("KAFKA_CONNECT", "CONNECTOR" if connector is None else connector.type.upper()),
            "application": ("KAFKA", "CONSUMER_GROUP"),
            "statement": ("FLINK", "STATEMENT"),
            "function": ("AWS_LAMBDA", "FUNCTION"),
        }[node.kind]
        found: dict[str, _Object] = {"jobType": _job_type(integration, kind)}
        words = (
            []
            if connector is None
            else [f"{connector.type} on {connector.connect}: {connector.connector_class}"]
        )
        words += (
            [f"Inputs or outputs may be missing: {'; '.join(self._notes[node])}"]
            if node in self._notes
            else []
        )
        if words:
            found["documentation"] = _facet("DocumentationJobFacet", description="\n".join(words))
        if node in self._flows:
            found["lineage"] = self._lineage(node, outputs)
        return found

    def _lineage(self, node: Node, outputs: list[Edge]) -> _Object:
        """Which input becomes which output, where the job keeps them apart."""
        entries = [
            {
                **_place(self._dataset(target)),
                "type": "DATASET",
                "inputs": [{**_place(self._dataset(one.source)), "type": "DATASET"} for one in sources],
            }
            for target in dict.fromkeys(edge.target for edge in outputs)
            if (sources := self._flows[node].get(target))
        ]
        return _facet_at("1-0-0/LineageFacet", "LineageJobFacet", {"entries": entries})

    def _output(self, node: Node, edge: Edge) -> _Object:
        """With the input columns that become its columns, as far as known."""
        fields: defaultdict[str, list[_Object]] = defaultdict(list)
        for flow in self._flows[node].get(edge.target, ()) if node in self._flows else ():
            source = _place(self._dataset(flow.source))
            for pair in flow.columns or ():
                fields[pair.target].append({**source, "field": pair.source})
        target = _place(self._dataset(edge.target))
        if not fields:
            return target
        lineage = {name: {"inputFields": found} for name, found in fields.items()}
        return {**target, "facets": {"columnLineage": _facet("ColumnLineageDatasetFacet", fields=lineage)}}


def _job_type(integration: str, kind: str) -> _Object:
    return _facet("JobTypeJobFacet", processingType="STREAMING", integration=integration, jobType=kind)


def _time(moment: datetime) -> str:
    return moment.isoformat()


def _job_name(node: Node) -> str:
    if node.kind == "function":
        return node.name
    within = f"{node.namespace}/" if node.kind == "connector" and node.namespace else ""
    return f"{node.kind}/{within}{node.name}"


def _topic_facets(facts: TopicFacts) -> dict[str, _Object]:
    found = {"datasetType": _facet("DatasetTypeDatasetFacet", datasetType="TOPIC")}
    words = [facts.description] if facts.description else []
    if facts.values:
        fields, note = _schema_facet(facts.values)
        if fields is not None:
            found["schema"] = fields
        words += [note] if note else []
    if words:
        found["documentation"] = _facet("DocumentationDatasetFacet", description="\n\n".join(words))
    if facts.owner:
        found["ownership"] = _facet("OwnershipDatasetFacet", owners=[{"name": facts.owner, "type": "OWNER"}])
    tags: list[_Object] = []
    if facts.domain is not None:
        tags.append({"key": "domain", "value": facts.domain, "source": "MESH_ASSETS"})
    for schema in facts.values:
        for path, names in ({} if schema.contract is None else schema.contract.tags).items():
            tags += [
                {"key": name, "value": "true", "source": "SCHEMA_REGISTRY", "field": path} for name in names
            ]
    if tags:
        found["tags"] = _facet("TagsDatasetFacet", tags=tags)
    return found


def _schema_facet(schemas: tuple[Schema, ...]) -> tuple[_Object | None, str | None]:
    """The fields of the first readable schema, by path, and what they leave out."""
    for schema in schemas:
        read = schema_fields(schema.schema_type, schema.definition)
        if read is None:
            continue
        fields = [
            {"name": one.path, "type": one.type}
            if one.doc is None
            else {"name": one.path, "type": one.type, "description": one.doc}
            for one in read.fields
        ]
        notes = [read.note] if read.note else []
        if len(schemas) > 1:
            notes.append(f"those of {schema.subject}, one of {counted(len(schemas), 'subject')}")
        words = f"Fields: {'; '.join(notes)}." if notes else None
        return _facet("SchemaDatasetFacet", fields=fields), words
    return None, f"The schema cannot be read: {listed([schema.subject for schema in schemas])}."


def _dataset_facets(node: Node) -> dict[str, Any]:
    """What kind of dataset it is, if its name says so."""
    scheme = (node.namespace or "").partition("://")[0].casefold()
    whole = node.name == "/" or (scheme in _TABLES and "." not in node.name)
    kind = (
        "TOPIC"
        if scheme == "kafka"
        else "FILE"
        if scheme in _FILES
        else "TABLE"
        if scheme in _TABLES
        else None
    )
    if kind is None or (whole and kind == "TABLE"):
        return {}
    return {"datasetType": _facet("DatasetTypeDatasetFacet", datasetType=kind)}
