"""The report: one self-contained HTML page about the mesh, made from what the store holds (docs/report.md).

content.py reads the store; rows.py says which fields go into the page, and the files next to it fill them
(inventory_rows.py: topics, connectors, schemas, groups). The tables and their columns are in `static/lists.js`, the pages
of single things in `static/thing.js`.
"""

from mesh_assets.report.content import DAYS, Report, read_report
from mesh_assets.report.page import keep_report, render_report

__all__ = ["DAYS", "Report", "keep_report", "read_report", "render_report"]
