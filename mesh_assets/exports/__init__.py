"""The mesh for other tools: OpenLineage events, AsyncAPI documents, CSV, Mermaid and GraphML. Each export is made of the
newest documents and the lineage over them (`answering.mesh`), and asks no system. Nothing here writes but `files`."""
