"""Servers that start instantly, in place of the sandbox's."""

import sys
from pathlib import Path

from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.local_http import http_answers
from mesh_assets.sandbox.server import Launch, Server, Setting

NO_JAVA = JavaRuntime(java=Path("java"), kafka_jars=(), plugin_jar=Path("plugin"), registry_home=Path("home"))


def a_server(
    name: str, *, needs: tuple[str, ...] = (), code: str | None = None, seconds: float = 20
) -> Server:
    """Serves its folder over HTTP, or runs `code` instead."""

    def launch(setting: Setting, java: JavaRuntime) -> Launch:  # noqa: ARG001
        port = str(setting.state.ports[name].number)
        return Launch(
            command=(
                sys.executable,
                *(("-c", code) if code else ("-m", "http.server", port, "--bind", "127.0.0.1")),
            )
        )

    return Server(
        name=name,
        title="a small server",
        ports=(name,),
        needs=needs,
        launch=launch,
        answers=lambda setting: http_answers(f"http://{setting.state.address(name)}/", seconds=1),
        endpoint=lambda state: state.address(name),
        start_seconds=seconds,
        stop_seconds=5,
    )


# The estate file names these three.
BROKER, REGISTRY, CONNECT = a_server("broker"), a_server("registry"), a_server("connect", needs=("broker",))
