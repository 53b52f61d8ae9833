"""Assembles the server: its toolsets, what their functions are given, resources, prompts, and who may talk to
it."""

import functools

from mesh_assets.agent_tools.tool import AgentTool
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.mapping_tools.mappings import OpenService, open_mapping_service
from mesh_assets.mcp_server.bearer import JwtVerifier, auth_settings
from mesh_assets.mcp_server.offers import offer_completion, offer_prompts, offer_resources
from mesh_assets.mcp_server.server import MeshServer
from mesh_assets.mcp_server.settings import ServerSettings, Toolset
from mesh_assets.mcp_server.toolsets import DISCOVERY, ESM

_TABLES: dict[Toolset, tuple[AgentTool, ...]] = {"discovery": DISCOVERY, "esm": ESM}


def build_server(
    settings: ServerSettings | None = None,
    *,
    known: KnownEstate | None = None,
    open_service: OpenService | None = None,
) -> MeshServer:
    """The server. This reads and contacts nothing: a tool looks for the estate, the store and credentials
    when it needs them.

    Raises ConfigurationError when the audit log cannot be written.
    """
    settings = settings or ServerSettings()
    known = known or KnownEstate(estate=settings.estate, store=settings.store)
    server = MeshServer(
        settings,
        [row for toolset, rows in _TABLES.items() if toolset in settings.toolsets for row in rows],
        {
            "known": known,
            "may_write": settings.allow_writes,
            "open_service": open_service or functools.partial(open_mapping_service, known),
        },
        estate_problem=lambda: known.estate_problem,
        auth=None if settings.oauth is None else auth_settings(settings.oauth),
        token_verifier=None if settings.oauth is None else JwtVerifier(settings.oauth),
    )
    if "discovery" in settings.toolsets:  # they return its tools' answers
        offer_resources(server, known)
    offer_prompts(server)
    offer_completion(server, known)
    return server
