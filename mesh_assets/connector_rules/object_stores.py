"""Buckets and file systems: S3, Google Cloud Storage, Azure Blob, HDFS, plain files.

Confluent's sinks write below `topics.dir`, in one folder per topic. Sources:
https://docs.confluent.io/kafka-connectors/s3-sink/current/configuration_options.html, the pages of the other stores
beside it, and https://docs.confluent.io/cloud/current/connectors/cc-s3-sink/cc-s3-sink.html for the managed ones.
Aiven's sinks name files by a template: https://github.com/Aiven-Open/cloud-storage-connectors-for-apache-kafka.
"""

from collections.abc import Callable

from mesh_assets.analysis.graph import Node
from mesh_assets.connector_rules.datasets import WHOLE, dataset
from mesh_assets.connector_rules.facts import Facts, Rules, Sink, Source, unknown_sink

_AZURE = "blob.core.windows.net"
_ELSEWHERE = ("store.url", "aws.s3.endpoint", "s3.proxy.url")


def _bucket(scheme: str, *keys: str) -> Callable[[Facts], tuple[str, str] | None]:
    def namespace(facts: Facts) -> tuple[str, str] | None:
        key = next((key for key in keys if facts.value(key)), None)
        return None if key is None else (f"{scheme}://{facts.value(key)}", key)

    return namespace


def _azure_blob(facts: Facts) -> tuple[str, str] | None:
    key = "azblob.container.name"
    container, account = facts.value(key), facts.value("azblob.account.name")
    if container is None or account is None:
        return None
    return f"wasbs://{container}@{account}.{_AZURE}", key


def _data_lake(facts: Facts) -> Sink:
    """Azure Data Lake Gen2: the first part of `topics.dir` is the container."""
    account = facts.value("azure.datalake.gen2.account.name")
    if account is None:
        return unknown_sink("bucket")
    container, _, folder = (facts.value("topics.dir") or "topics").strip("/").partition("/")
    namespace = f"abfss://{container}@{account}.dfs.core.windows.net"
    return Sink(
        whole=dataset(namespace, folder or WHOLE),
        by="its config azure.datalake.gen2.account.name",
        table=lambda topic: dataset(namespace, f"{folder}/{topic}" if folder else topic),
    )


def _hdfs(facts: Facts) -> tuple[str, str] | None:
    key = next((key for key in ("hdfs.url", "store.url") if facts.value(key)), None)
    return None if key is None else ((facts.value(key) or "").rstrip("/"), key)


Namespace = Callable[[Facts], tuple[str, str] | None]


def _folders(namespace_of: Namespace) -> Callable[[Facts], Sink]:
    """A sink of Confluent's: one folder per topic, below `topics.dir`."""

    def rule(facts: Facts) -> Sink:
        found = namespace_of(facts)
        if found is None:
            return unknown_sink("bucket")
        namespace, key = found
        folder = (facts.value("topics.dir") or "topics").strip("/")

        def table(topic: str) -> Node:
            # A folder may be named after parts of the topic: only `${topic}` is used everywhere.
            path = folder.replace("${topic}", topic)
            return dataset(namespace, path if "${topic}" in folder else f"{path}/{topic}")

        notes = [
            f"its {other} says that the bucket is not in the cloud itself, which the dataset's name does not show"
            for other in _ELSEWHERE
            if facts.value(other) and namespace.startswith("s3://")
        ]
        return Sink(whole=dataset(namespace, WHOLE), by=f"its config {key}", table=table, notes=notes)

    return rule


def _prefixed(namespace_of: Namespace, *prefix_keys: str) -> Callable[[Facts], Sink]:
    """A sink of Aiven's: file names by a template, after a prefix that all topics share."""

    def rule(facts: Facts) -> Sink:
        found = namespace_of(facts)
        if found is None:
            return unknown_sink("bucket")
        namespace, key = found
        prefix = (facts.value(*prefix_keys) or "").strip("/")
        where = dataset(namespace, prefix if prefix and "{{" not in prefix else WHOLE)
        return Sink(whole=where, by=f"its config {key}", table=lambda _: where)

    return rule


def _read_back(namespace_of: Namespace) -> Callable[[Facts], Source]:
    """A source of Confluent's that reads what its sink wrote, or other files: their paths decide which files become which
    topic."""

    def rule(facts: Facts) -> Source:
        found = namespace_of(facts)
        if found is None:
            return Source(notes=["its config does not say which bucket it reads"])
        namespace, key = found
        named = facts.pairs("topic.regex.list")
        topics = list(named) or facts.names("topic")
        read = Source()
        whole = dataset(namespace, (facts.value("topics.dir") or WHOLE).strip("/") or WHOLE)
        if not topics:
            read.datasets.append((whole, f"its config {key}"))
            read.notes.append("the folders that it finds name its topics, so its config does not say them")
        folder = (facts.value("topics.dir") or "topics").strip("/")
        listed = f"its config {'topic.regex.list' if named else 'topic'}"
        for topic in topics:
            # The pattern chooses files by their paths. Only where it names its own sink's folder of the topic is it that folder.
            if f"{folder}/{topic}/" in named.get(topic, ""):
                read.pair(dataset(namespace, f"{folder}/{topic}"), topic, listed, known="inferred")
            else:
                read.pair(whole, topic, listed)
        return read

    return rule


def _file_source(facts: Facts) -> Source:
    """https://kafka.apache.org/documentation/#connect_running (FileStreamSource)"""
    file, topic = facts.value("file"), facts.value("topic")
    if file is None:
        topics = [] if topic is None else [(topic, "its config topic")]
        return Source(topics=topics, notes=["it reads the standard input of its worker"])
    node = dataset("file", file)
    if topic is None:
        return Source(datasets=[(node, "its config file")])
    found = Source()
    found.pair(node, topic, "its config file")
    return found


def _file_sink(facts: Facts) -> Sink:
    file = facts.value("file")
    if file is None:
        return Sink(whole=None, by="", table=lambda _: "it writes to the standard output of its worker")
    node = dataset("file", file)
    return Sink(whole=node, by="its config file", table=lambda _: node)


_S3 = _bucket("s3", "s3.bucket.name", "aws.s3.bucket.name", "aws_s3_bucket")
_GCS = _bucket("gs", "gcs.bucket.name", "gcs.bucket")

OBJECT_STORES: Rules = {
    "io.confluent.connect.s3.S3SinkConnector": _folders(_S3),
    "S3_SINK": _folders(_S3),
    "io.confluent.connect.gcs.GcsSinkConnector": _folders(_GCS),
    "GcsSink": _folders(_GCS),
    "io.confluent.connect.azure.blob.AzureBlobStorageSinkConnector": _folders(_azure_blob),
    "AzureBlobSink": _folders(_azure_blob),
    "AzureDataLakeGen2Sink": _data_lake,
    "io.confluent.connect.azure.datalake.gen2.AzureDataLakeGen2SinkConnector": _data_lake,
    "io.confluent.connect.hdfs.HdfsSinkConnector": _folders(_hdfs),
    "io.confluent.connect.hdfs3.Hdfs3SinkConnector": _folders(_hdfs),
    "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector": _prefixed(
        _S3, "aws.s3.prefix", "aws_s3_prefix"
    ),
    "io.aiven.kafka.connect.s3.S3SinkConnector": _prefixed(_S3, "aws.s3.prefix"),
    "io.aiven.kafka.connect.gcs.GcsSinkConnector": _prefixed(_GCS, "file.name.prefix"),
    "io.confluent.connect.s3.source.S3SourceConnector": _read_back(_S3),
    "S3Source": _read_back(_S3),
    "io.confluent.connect.gcs.GcsSourceConnector": _read_back(_GCS),
    "GcsSource": _read_back(_GCS),
    "io.confluent.connect.azure.blob.storage.AzureBlobStorageSourceConnector": _read_back(_azure_blob),
    "AzureBlobSource": _read_back(_azure_blob),
    "org.apache.kafka.connect.file.FileStreamSourceConnector": _file_source,
    "org.apache.kafka.connect.file.FileStreamSinkConnector": _file_sink,
}
