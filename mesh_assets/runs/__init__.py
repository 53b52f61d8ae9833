"""What Dagster's runs carry, how they are requested, and what may be said about their failures. No
definitions: those are in `defs`, which this must not import."""
