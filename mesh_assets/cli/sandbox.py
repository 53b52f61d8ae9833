"""`mesh-assets sandbox`: starts, stops and shows real servers on this machine."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mesh_assets.errors import MeshError

if TYPE_CHECKING:
    from mesh_assets.sandbox.progress import Progress, Sized
    from mesh_assets.sandbox.server import ServerStatus
    from mesh_assets.sandbox.servers import Sandbox


def _open(folder: Path | None) -> "Sandbox":
    try:
        from mesh_assets.sandbox.servers import Sandbox
    except ModuleNotFoundError as error:
        raise MeshError(
            f"the sandbox needs its extra packages ({error.name} is missing): pip install 'mesh-assets[sandbox]'"
        ) from error
    return Sandbox(folder)


class _TerminalProgress:
    """Lines, and a progress bar while files download."""

    def say(self, line: str) -> None:
        click.echo(line)

    @contextmanager
    def download(self, files: "Sequence[Sized]") -> "Iterator[Callable[[Sized], None]]":
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns) as bar:
            task = bar.add_task(
                f"downloading {len(files)} files, once", total=sum(f.size_bytes for f in files)
            )
            yield lambda file: bar.advance(task, file.size_bytes)
        click.echo(f"all {len(files)} files have the expected SHA-256")


def _progress() -> "Progress":
    from mesh_assets.sandbox.progress import Lines

    return _TerminalProgress() if sys.stdout.isatty() else Lines(click.echo)


_folder = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the sandbox lives (default: MESH_SANDBOX or .sandbox).",
)
_servers = click.argument("servers", nargs=-1, metavar="[SERVER]...")


@click.group()
def sandbox() -> None:
    """Servers on this machine for trying and testing: Kafka, Kafka Connect, a schema registry, and stand-ins
    for the clouds.

    SERVER is broker, registry, connect, cloud-broker (Kafka of the second cluster, data-mesh-cluster, which
    requires API keys), cloud (a stand-in for Confluent Cloud's interfaces to it) or feed (the process that
    writes and consumes records). Without SERVER, all of these. Two more start only by name, and start empty:
    aws (a stand-in for SNS, SQS, S3 and more) and lambda (a stand-in for Lambda's Kafka mappings, in front of
    aws).
    """


@sandbox.command()
@_servers
@_folder
@click.option(
    "--broker-port", type=click.IntRange(1, 65535), help="Kafka's port (default: a free one, kept)."
)
@click.option("--connect-port", type=click.IntRange(1, 65535), help="Kafka Connect's port.")
@click.option("--registry-port", type=click.IntRange(1, 65535), help="The schema registry's port.")
@click.option(
    "--cloud-broker-port", type=click.IntRange(1, 65535), help="The port of data-mesh-cluster's Kafka."
)
@click.option(
    "--cloud-port", type=click.IntRange(1, 65535), help="The port of the stand-in for Confluent Cloud."
)
@click.option("--aws-port", type=click.IntRange(1, 65535), help="The port of the stand-in for AWS.")
def start(
    servers: tuple[str, ...],
    folder: Path | None,
    broker_port: int | None,
    connect_port: int | None,
    registry_port: int | None,
    cloud_broker_port: int | None,
    cloud_port: int | None,
    aws_port: int | None,
) -> None:
    """Start servers and what they need, and return when they answer. Running servers are left alone."""
    given = {
        "broker": broker_port,
        "connect": connect_port,
        "registry": registry_port,
        "cloud-broker": cloud_broker_port,
        "cloud": cloud_port,
        "aws": aws_port,
    }
    box = _open(folder)
    endpoints = box.start(
        servers, ports={name: port for name, port in given.items() if port}, progress=_progress()
    )
    click.echo(f"\nThe sandbox is up. Its estate file: {_short(endpoints.estate_file)}")
    here = "" if folder is None else f" --folder {shlex.quote(str(folder))}"
    click.echo(f"  look:  mesh-assets sandbox status{here}")
    click.echo(f"  stop:  mesh-assets sandbox stop{here}")


@sandbox.command()
@_servers
@_folder
def stop(servers: tuple[str, ...], folder: Path | None) -> None:
    """Stop servers that `start` started. Their data is kept."""
    stopped = _open(folder).stop(servers, progress=_progress())
    click.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@sandbox.command()
@_servers
@_folder
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(servers: tuple[str, ...], folder: Path | None, *, as_json: bool) -> None:
    """Show the state of the servers. Exit code 0 only when all of them run and answer."""
    statuses = _open(folder).status(servers)
    if as_json:
        click.echo(json.dumps([_plain(s) for s in statuses], indent=2))
    else:
        _print_table(statuses)
    if any(s.state != "running" for s in statuses):
        sys.exit(1)


def _plain(status: "ServerStatus") -> dict[str, Any]:
    return {
        **asdict(status),
        "since": status.since.isoformat() if status.since else None,
        "log": str(status.log),
    }


def _print_table(statuses: "Sequence[ServerStatus]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("server", "state", "endpoint", "pid", "since", "memory", "log", box=None, pad_edge=False)
    for s in statuses:
        table.add_row(
            s.name,
            s.state,
            s.endpoint or "",
            str(s.pid or ""),
            s.since.astimezone().strftime("%Y-%m-%d %H:%M:%S") if s.since else "",
            f"{s.memory_bytes / 2**20:.0f} MiB" if s.memory_bytes else "",
            _short(s.log),
        )
    # Wide enough not to wrap: lines get grepped and copied.
    Console(width=300).print(table)
    for s in statuses:
        if s.said is not None:
            click.echo(f"{s.name} does not answer: {s.said}; read {_short(s.log)}")
        elif s.state == "died":
            click.echo(
                f"{s.name} exited by itself; read {_short(s.log)}, restart it with: mesh-assets sandbox start {s.name}"
            )


def _short(path: Path) -> str:
    """Relative to the current folder, if inside it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
