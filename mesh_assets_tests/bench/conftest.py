from mesh_assets_tests.dagster_instances import _one_instance, instance  # noqa: F401 - fixtures
