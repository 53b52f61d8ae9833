"""What AWS raises about a secret, as the sentence that names the reference and the right."""

from collections.abc import Sequence

from mesh_assets.errors import EstateError
from mesh_assets.platforms.aws.failures import aws_failure, refused_key
from mesh_assets.platforms.secrets.reference import SecretName


def could_not_be_read(reference: SecretName, action: str, error: Exception) -> EstateError:
    """`action` as IAM calls it. A key that may not be used is another right than the secret."""
    if refused_key(error):
        return EstateError(
            str(aws_failure(error, action="kms:Decrypt", resource=f"the key that encrypts {reference.shown}"))
        )
    return EstateError(str(aws_failure(error, action=action, resource=reference.shown)))


def named(references: Sequence[SecretName]) -> str:
    """The first one, and how many more."""
    first = references[0].shown
    return first if len(references) == 1 else f"{first} and {len(references) - 1} more"
