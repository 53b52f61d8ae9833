"""The report: one self-contained HTML page about the mesh, made of what the store holds (docs/report.md)."""

from mesh_assets.report.content import DAYS, Report, read_report
from mesh_assets.report.page import keep_report, render_report

__all__ = ["DAYS", "Report", "keep_report", "read_report", "render_report"]
