"""Telling people of severe changes: optional, after publishing, and never in its way."""

from mesh_assets.snapshot.notifications.notify import notify

__all__ = ["notify"]
