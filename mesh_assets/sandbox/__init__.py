"""Real servers on this machine, and the estate they hold. `mesh_assets.sandbox.servers.Sandbox` starts, stops
and asks them; `mesh_assets.sandbox.estate.EXPECTED` says what a discovery must find. Nothing else of the
project imports it but `cli` and tests.
"""
