"""The errors that a caller can act on. The message is the sentence that the user reads."""


class MeshError(Exception):
    """Tells the user what is wrong, where, what was expected, and what to do."""


class EstateError(MeshError):
    """The estate file or what it refers to (a secret, a certificate) is wrong; nothing was contacted."""


class ConfigurationError(MeshError):
    """The input of `configure` is not usable, or its output exists already; nothing was written."""


class PlatformError(MeshError):
    """An outside system could not be read, which is never the same as an empty answer."""


class UnreachableError(PlatformError):
    """No answer: name resolution or connection failed, or time ran out. Trying later can help."""


class RefusedError(PlatformError):
    """The system answered and refused: a wrong credential, a missing right. Trying later does not help."""


class UnexpectedAnswerError(PlatformError):
    """The answer breaks the system's protocol, is too large, or lacks a page."""


class UnsupportedError(UnexpectedAnswerError):
    """The system has no such answer: its version or its platform lacks the question. Trying later does not help."""


class StoreError(MeshError):
    """The store of inventories could not be read or written."""


class DamagedError(StoreError):
    """Something in the store is missing or cannot be read: trying again does not help, but
    `mesh-assets snapshot repair` can."""


class NewerFormatError(StoreError):
    """A later version wrote it: it is not damaged, and only that version, or a later one, can read it."""


class ConflictError(StoreError):
    """Another run holds the cluster's lock, or wrote first."""


class PublishError(MeshError):
    """An event could not be published; the latest document stays as it was, and the next run publishes again."""


class ContractError(MeshError):
    """A data contract, or the folder of them, cannot be read or made."""


class ExportError(MeshError):
    """An export cannot be made as it was asked for, or not be written; what was there before is unchanged."""


class SandboxError(MeshError):
    """A server of the sandbox could not be fetched, started or stopped."""
