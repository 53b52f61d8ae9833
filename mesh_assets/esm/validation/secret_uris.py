"""URIs that must name a secret, and never be one."""

from collections.abc import Iterator

from mesh_assets.esm.arns import arn_in
from mesh_assets.esm.findings import Finding, fault


def secret_findings(field: str, uri: str | None) -> Iterator[Finding]:
    """What is wrong with the URI of a secret. What is no ARN is not shown: it may be the password itself."""
    if not uri:
        yield fault(field, None, "is missing", "give the ARN of the secret in Secrets Manager")
        return
    arn = arn_in(uri)
    if arn is None:
        yield fault(
            field,
            None,
            "is no ARN (not shown: it could be the secret itself)",
            "give the ARN of the secret in Secrets Manager",
        )
    elif arn.service != "secretsmanager" or not arn.resource.startswith("secret:"):
        yield fault(
            field,
            uri,
            f"is an ARN of {arn.service}, not of a secret",
            "give the ARN of the secret in Secrets Manager",
        )
