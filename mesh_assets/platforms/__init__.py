"""How to talk to each outside system: protocol, limits, errors. Plain Python; knows settings and
transports."""

from typing import Literal, TypeAlias

Presence: TypeAlias = Literal["here", "gone", "refused", "unaskable"]
"""What a platform says about one thing by name. `gone`: it does not exist. `refused`: we may not know.
`unaskable`: it accepts no question with that name, though it may hold a thing of that name."""
