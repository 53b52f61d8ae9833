"""Rules about brokers and the directories that hold their logs."""

from collections.abc import Iterator

from mesh_assets.findings.case import Case
from mesh_assets.findings.finding import Found
from mesh_assets.inventory.wording import counted


def judge_brokers(case: Case) -> Iterator[Found]:
    """Brokers that are registered but serve nothing; not those for which that is unknown."""
    brokers = case.document.brokers
    for broker in () if brokers is None else brokers.brokers:
        if not broker.fenced:
            continue
        replicas = sum(
            broker.id in partition.replicas
            for topic in case.document.topics
            for partition in topic.partitions
        )
        where = f"{broker.host}:{broker.port}" + (f", rack {broker.rack}" if broker.rack else "")
        has = f"has {counted(replicas, 'replica')}" if replicas else "has no known replicas"
        sentence = f"broker {broker.id} ({where}) is fenced: it serves nothing, and {has}"
        yield Found("fenced_broker", "warning", str(broker.id), sentence, {"replicas": replicas})


def judge_log_directories(case: Case) -> Iterator[Found]:
    """Directories that their broker cannot use, one finding each."""
    for directory in case.document.log_directories or ():
        if directory.error is None:
            continue
        sentence = f"broker {directory.broker}: {directory.path} is offline: {directory.error}"
        yield Found(
            "offline_log_directory",
            "critical",
            str(directory.broker),
            sentence,
            {"path": directory.path},
            place=directory.path,
        )
