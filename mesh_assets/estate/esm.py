"""Where event source mappings are looked for: AWS accounts, by region."""

from pydantic import Field, model_validator

from mesh_assets.estate.fields import EstateModel


class AwsAccount(EstateModel):
    """One account in one region. Credentials are boto3's own: those of `profile`, or of the environment or
    the machine's role.

    `account_id` None: whichever the credentials belong to; given, another one is refused. `endpoint_url`: for
    a stand-in or a VPC endpoint; it then serves every AWS service.
    """

    region: str = Field(pattern=r"^[a-z]{2,4}(-[a-z]+)+-\d$")
    account_id: str | None = Field(default=None, pattern=r"^\d{12}$")
    profile: str | None = Field(default=None, min_length=1)
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


class EventSourceMappings(EstateModel):
    """The accounts whose mappings `esm/event_source_mappings` lists."""

    accounts: tuple[AwsAccount, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> "EventSourceMappings":
        seen = set()
        for account in self.accounts:
            key = (account.region, account.account_id, account.profile)
            if key in seen:
                raise ValueError(
                    f"accounts names region {account.region} twice for the same credentials; give each an account_id or profile"
                )
            seen.add(key)
        return self
