"""The mesh for other tools: OpenLineage events, AsyncAPI documents, CSV, Mermaid and GraphML. Each export is made from the
newest documents and the lineage over them (`answering.mesh`), and asks no system. Only `files` writes."""
