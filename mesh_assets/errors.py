"""The errors a caller can decide on. Their message is the sentence the user reads."""


class MeshError(Exception):
    """Something the user can understand and act on: what is wrong, where, what was expected, what to do."""


class EstateError(MeshError):
    """The estate file or what it refers to (a secret, a certificate) is wrong; nothing was contacted."""


class ConfigurationError(MeshError):
    """What `configure` was given is not usable, or what it would write is there already; nothing was written."""


class PlatformError(MeshError):
    """An outside system could not be read. Never the same as an empty answer."""


class UnreachableError(PlatformError):
    """No answer: name resolution, connection or time ran out. Trying later can help."""


class RefusedError(PlatformError):
    """The system answered and refused: a wrong credential, a missing right. Trying later does not help."""


class UnexpectedAnswerError(PlatformError):
    """The system answered something that its protocol does not allow, or a page is missing or too large."""


class StoreError(MeshError):
    """The store of inventories could not be read or written."""


class ConflictError(StoreError):
    """Another run holds the cluster, or wrote first."""


class PublishError(MeshError):
    """An event could not be published; nothing moved, and the next run repeats it."""


class SandboxError(MeshError):
    """A server of the sandbox could not be fetched, started or stopped."""
