"""Whether a thing exists that was asked for by its name."""

from typing import Literal, TypeAlias

Presence: TypeAlias = Literal["here", "gone", "refused"]
"""`gone`: the platform says that there is none of that name. `refused`: it does not tell us."""
