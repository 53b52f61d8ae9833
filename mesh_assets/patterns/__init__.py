"""Regular expressions that others write, matched as Java does and in a time that no pattern can stretch. Imports nothing of
the project except `importing`."""
