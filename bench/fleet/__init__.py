"""Hundreds of clusters under Dagster's daemon: `python -m bench.fleet`."""
