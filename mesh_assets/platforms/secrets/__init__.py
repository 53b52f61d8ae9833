"""The secrets that the estate names, read when a client is made: from the environment, AWS and Vault. No
value is ever shown.

Public: `resolve` (one text), `shown` (what stands for it in messages), `read_ahead` (all of a part of the
estate at once), `forget_secrets`.
"""

from mesh_assets.platforms.secrets.resolving import forget_secrets, read_ahead, resolve, shown

__all__ = ["forget_secrets", "read_ahead", "resolve", "shown"]
