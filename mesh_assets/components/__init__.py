"""A component for any Dagster project: the things of a Kafka estate as external assets.

Imports lazily: each discovery reports through this package, and would otherwise wait for the code that builds assets.
"""

from typing import TYPE_CHECKING, Any

from mesh_assets.importing import importing

if TYPE_CHECKING:
    from mesh_assets.components.estate_component import KafkaEstateComponent

__all__ = ["KafkaEstateComponent"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with importing:
        from mesh_assets.components.estate_component import KafkaEstateComponent

    return KafkaEstateComponent


def __dir__() -> list[str]:
    """Lets `dg` find the component when it looks through installed packages."""
    return __all__
