"""What is known about a cluster: records, sections, the document, changes and triggers, and the pure rules that link, name
and word them. Imports nothing of the project except `errors` and `patterns`."""
