"""What Dagster's runs carry, how they are asked for, and what of their failures may be said. No definitions: those are
in `defs`, which this must not import."""
