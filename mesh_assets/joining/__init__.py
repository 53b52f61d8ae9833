"""Joins what a run has read with what was known before: the newest good reading of each section, what is held
back, and what a reading covered. Pure. May import `errors`, `inventory`."""
