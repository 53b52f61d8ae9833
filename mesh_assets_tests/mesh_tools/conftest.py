from mesh_assets_tests.mcp_server.served import make_served, served  # noqa: F401 - fixtures
