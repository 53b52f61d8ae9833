"""What a service's credential is called, and what to do when it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """kind: what the name that is shown stands for ("username", "Cloud key"). unknown: what to do when the
    service does not know it (401); lacking: when it knows it and refuses (403). Both end a sentence.
    """

    kind: str
    unknown: str
    lacking: str

    def remedy(self, status: int) -> str:
        return self.lacking if status == 403 else self.unknown


ANY_CREDENTIAL = Credential(
    kind="username",
    unknown="check the credential and its rights",
    lacking="check the credential and its rights",
)
