"""A sandbox: starting, stopping and probing its servers, for the command line and the tests.

    box = Sandbox(tmp_path / "sandbox")
    box.start()                       # all, or box.start(["broker"]); returns when they answer
    box.endpoints().bootstrap_servers
    box.stop(["registry"])            # exactly the processes it started; data stays
    box.start(["registry"])

To test faults: `kill` (a crash), `pause`/`resume` (a server that hangs), `quiet` (nothing is appended or committed, the
consumers stay members).
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox import process
from mesh_assets.sandbox.credentials import sandbox_keys
from mesh_assets.sandbox.estate_file import write_estate_file
from mesh_assets.sandbox.folder import Folder, sandbox_folder, write_atomically
from mesh_assets.sandbox.java import LOG4J, JavaRuntime, java_runtime, make_missing_archives
from mesh_assets.sandbox.kafka_admin import wait_until_quiet
from mesh_assets.sandbox.kinds import SERVERS
from mesh_assets.sandbox.progress import Progress, silent
from mesh_assets.sandbox.server import Server, ServerStatus, Setting, read_status
from mesh_assets.sandbox.starting import end_outdated, start_servers, wait_until_settled
from mesh_assets.sandbox.state import State, known_state, load_state, new_state, plan_ports, save_state

# Another command may be in the middle of a first start, with its downloads.
_LOCK_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the sandbox's systems are, and the estate file that names them. None: never started in this folder."""

    bootstrap_servers: str
    cloud_bootstrap_servers: str | None
    cloud_url: str | None
    connect_url: str
    registry_url: str
    estate_file: Path
    aws_url: str | None
    lambda_url: str | None = None
    tls_bootstrap_servers: str | None = None
    mtls_bootstrap_servers: str | None = None
    sasl_bootstrap_servers: str | None = None


class Sandbox:
    """The servers of one folder. It holds no connection: any number of these objects, in any process, are one sandbox."""

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        servers: Sequence[Server] = SERVERS,
        runtime: Callable[[Progress], JavaRuntime] = java_runtime,
    ) -> None:
        """`folder`: defaults to `MESH_SANDBOX`, then `.sandbox`. `servers`: each after those it needs."""
        self.folder = Folder(sandbox_folder(folder))
        self._runtime = runtime
        self._servers = {server.name: server for server in servers}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._servers)

    def start(
        self,
        names: Sequence[str] | None = None,
        *,
        ports: dict[str, int] | None = None,
        progress: Progress | None = None,
    ) -> Endpoints:
        """Start the named servers (by default all but the optional ones) and those they need, and fill them.

        Returns when all answer. Running servers are left alone, unless something they use has moved. `ports`: purpose →
        port, e.g. `broker`. Raises `SandboxError`, which names the server, the last thing it said and the log to read.
        """
        progress = progress or silent()
        wanted = self._with_needs([server for server in self._select(names) if names or not server.optional])
        self.folder.make()
        with self.folder.lock(timeout_seconds=_LOCK_SECONDS):
            # First, since the servers start at the same time and would each make the keys.
            sandbox_keys(self.folder)
            java = self._runtime(progress)
            setting = Setting(folder=self.folder, state=self._plan_state(wanted, ports or {}, progress))
            outdated = end_outdated(list(self._servers.values()), setting, java, progress)
            fresh = start_servers(
                [s for s in self._servers.values() if s in wanted or s.name in outdated],
                setting,
                java,
                progress,
            )
            wait_until_settled(self._left_running(fresh), setting, progress)
            make_missing_archives(java.archives, self.folder, progress)
        return self.endpoints()

    def stop(
        self, names: Sequence[str] | None = None, *, progress: Progress | None = None
    ) -> tuple[str, ...]:
        """Stop the named servers (by default all), each after those that need it; returns the names of those that ran.

        Raises `SandboxError` when one does not end.
        """
        progress = progress or silent()
        if not self.folder.run.is_dir():
            return ()
        left = list(reversed(self._select(names)))
        stopped: list[str] = []
        with self.folder.lock(timeout_seconds=_LOCK_SECONDS):
            while left:
                needed = {need for server in left for need in server.needs}
                together = [server for server in left if server.name not in needed]
                with ThreadPoolExecutor(len(together), thread_name_prefix="stop") as pool:
                    ran = pool.map(lambda server: self._stop(server, progress), together)
                    stopped += [
                        server.name for server, was_running in zip(together, ran, strict=True) if was_running
                    ]
                left = [server for server in left if server not in together]
        return tuple(stopped)

    def _stop(self, server: Server, progress: Progress) -> bool:
        """Whether it was running."""
        record = self._record(server.name)
        runs = record is not None and record.process() is not None
        if record is not None and runs:
            progress.say(f"stopping {server.name}")
            process.end(record, grace_seconds=server.stop_seconds)
        self.folder.record(server.name).unlink(missing_ok=True)
        state = load_state(self.folder)
        if record is not None and state is not None and server.tidy is not None:
            server.tidy(Setting(folder=self.folder, state=state))
        return runs

    def status(self, names: Sequence[str] | None = None) -> tuple[ServerStatus, ...]:
        """The status of the named servers, probed at the same time.

        By default all of them, with those of the optional ones that were started. Raises `SandboxError` for a name that
        no server has.
        """
        state = load_state(self.folder)
        selected = [
            s for s in self._select(names) if names or not s.optional or self._record(s.name) is not None
        ]

        def one(server: Server) -> ServerStatus:
            setting = (
                Setting(folder=self.folder, state=state) if state and self._has_ports(server, state) else None
            )
            return read_status(server, self._record(server.name), setting, log=self.folder.log(server.name))

        with ThreadPoolExecutor(len(selected), thread_name_prefix="status") as pool:
            return tuple(pool.map(one, selected))

    def endpoints(self) -> Endpoints:
        state = known_state(self.folder)
        return Endpoints(
            bootstrap_servers=state.bootstrap_servers,
            cloud_bootstrap_servers=state.cloud_bootstrap_servers,
            cloud_url=state.cloud_url,
            connect_url=state.connect_url,
            registry_url=state.registry_url,
            estate_file=self.folder.estate_file,
            aws_url=state.aws_url,
            lambda_url=state.lambda_url,
            tls_bootstrap_servers=state.known_address("broker-tls"),
            mtls_bootstrap_servers=state.known_address("broker-mtls"),
            sasl_bootstrap_servers=state.known_address("broker-sasl"),
        )

    def kill(self, name: str) -> None:
        """Crash a server and its children (SIGKILL). Raises `SandboxError` when it is not running."""
        process.kill(self._running(name))

    def pause(self, name: str) -> None:
        """Suspend a server (SIGSTOP): it keeps its port but does not answer. Raises `SandboxError` when it is not running."""
        process.pause(self._running(name))

    def resume(self, name: str) -> None:
        process.resume(self._running(name))

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        self.pause(name)
        try:
            yield
        finally:
            self.resume(name)

    @contextmanager
    def quiet(self, *, seconds: float = 90.0) -> Iterator[None]:
        """Inside, no record is appended and no offset committed; the live consumers stay members of their groups.

        Entered when the last record has arrived and the last commit is done. Raises `SandboxError` when that takes
        longer than `seconds`.
        """
        state = known_state(self.folder)
        record = self._record("feed")
        self.folder.quiet_marker.touch()
        try:
            feed_runs = record is not None and record.process() is not None
            wait_until_quiet(self.folder, state.bootstrap_servers, feed_runs=feed_runs, seconds=seconds)
            yield
        finally:
            self.folder.quiet_marker.unlink(missing_ok=True)

    def kafka_tool(self, main_class: str, *arguments: str) -> list[str]:
        """The command line of one of Kafka's own tools, e.g. `kafka.admin.ConfigCommand` or a class in
        `org.apache.kafka.tools`.

        Add `--bootstrap-server` yourself. Its log goes to stderr; stdout has the tool's output alone.
        """
        log4j = self.folder.config / "tools-log4j2.properties"
        java = self._runtime(silent())
        program, *rest = java.kafka_command(main_class, *arguments, log4j=log4j, heap_megabytes=256)
        archive = java.archive_of("broker")
        return [program, *(archive.use() if archive else ()), *rest]

    def _select(self, names: Sequence[str] | None) -> list[Server]:
        unknown = [n for n in names or () if n not in self._servers]
        if unknown:
            raise SandboxError(
                f"the sandbox has no server {', '.join(unknown)}; it has {', '.join(self._servers)}"
            )
        return [server for name, server in self._servers.items() if not names or name in names]

    def _with_needs(self, servers: list[Server]) -> list[Server]:
        needed = {s.name for s in servers}
        for server in reversed(list(self._servers.values())):
            if server.name in needed:
                needed.update(server.needs)
        return [s for s in self._servers.values() if s.name in needed]

    def _left_running(self, fresh: set[str]) -> list[Server]:
        """Servers that kept running while something they need was restarted."""
        return [
            server
            for name, server in self._servers.items()
            if name not in fresh
            and fresh & set(server.needs)
            and (record := self._record(name)) is not None
            and record.process() is not None
        ]

    def _record(self, name: str) -> process.ProcessRecord | None:
        return process.load_record(self.folder.record(name))

    def _running(self, name: str) -> process.ProcessRecord:
        (server,) = self._select([name])
        record = self._record(server.name)
        if record is None or record.process() is None:
            raise SandboxError(f"{name} is not running in {self.folder.root}")
        return record

    @staticmethod
    def _has_ports(server: Server, state: State) -> bool:
        return all(port in state.ports for port in server.ports)

    def _plan_state(self, wanted: Sequence[Server], given: dict[str, int], progress: Progress) -> State:
        """The state, saved before anything starts, with a usable port for every server that is wanted or not optional."""
        state = load_state(self.folder) or new_state()
        all_ports = [
            port
            for server in self._servers.values()
            if server in wanted or not server.optional
            for port in server.ports
        ]
        held = {
            port
            for server in self._servers.values()
            if (record := self._record(server.name)) is not None and record.process() is not None
            for port in server.ports
        }
        ports, notes = plan_ports(all_ports, kept=state.ports, given=given, running=held)
        for note in notes:
            progress.say(note)
        state = state.with_ports(ports)
        save_state(self.folder, state)
        there = held | {server.name for server in wanted}
        write_estate_file(self.folder, state, with_aws="aws" in there, with_mappings="lambda" in there)
        write_atomically(
            self.folder.config / "tools-log4j2.properties", LOG4J.format(target="SYSTEM_ERR", level="warn")
        )
        return state
