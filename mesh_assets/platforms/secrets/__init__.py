"""The secrets that the estate names, read from the environment, AWS and Vault when a client is created.

Public: `resolve` (one text), `shown` (its form for messages, never a value), `read_ahead` (a whole part of
the estate at once), `forget_secrets`.
"""

from mesh_assets.platforms.secrets.resolving import forget_secrets, read_ahead, resolve, shown

__all__ = ["forget_secrets", "read_ahead", "resolve", "shown"]
