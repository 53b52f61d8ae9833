"""What can be derived from the documents without asking any system again: fields of schemas, search.

Pure functions. Imports `inventory` and nothing else of the project.
"""
