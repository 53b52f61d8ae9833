"""Real servers on this machine and the estate they hold.

`mesh_assets.sandbox.servers.Sandbox` starts and stops them and reports how they are;
`mesh_assets.sandbox.estate.EXPECTED` says what a discovery must find. Only `cli` and the tests import this package,
and it imports nothing from the project but `errors`, so that it cannot share a mistake with the clients it
serves.
"""
