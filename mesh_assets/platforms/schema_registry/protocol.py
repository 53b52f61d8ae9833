"""The registry's errors, read the same way whoever wrote the registry."""

from mesh_assets.platforms.http import Answer

# Subject, version or schema not found (40401 to 40403), no level or mode of its own (40408, 40409).
_ABSENT = frozenset({404, 40401, 40402, 40403, 40408, 40409})
_NOT_OFFERED = frozenset({403, 404, 405, 406, 501})  # as statuses: 40301 is a 403


def is_absent(answer: Answer) -> bool:
    """Whether what was asked for does not exist: no failure. The body's code decides before the status."""
    return not answer.ok and answer.error_code in _ABSENT


def is_not_offered(answer: Answer) -> bool:
    """Whether the registry does not know the path, or does not grant it, so that another way may still work."""
    code = answer.error_code
    return not answer.ok and (code // 100 if code >= 10_000 else code) in _NOT_OFFERED
