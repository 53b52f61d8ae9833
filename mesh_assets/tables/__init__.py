"""Parquet tables of the newest document, below `tables/` in the store.

May import `errors`, `inventory`, `diff` and `store`."""
