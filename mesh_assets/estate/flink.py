"""How Confluent Cloud's Flink is reached: the statements API of one region, for one compute pool."""

from pydantic import Field

from mesh_assets.estate.fields import SecretReference
from mesh_assets.estate.http import HttpConnection


class FlinkConnection(HttpConnection):
    """`url`: of the region, `https://flink.eu-central-1.aws.confluent.cloud`. `username` and `password`: a
    Flink API key of that region and environment. `catalog` and `database`: what names in SQL are looked up
    in; the environment's and the cluster's names.
    """

    organization_id: str = Field(min_length=1)
    environment_id: str = Field(min_length=1)
    compute_pool_id: str = Field(min_length=1)
    username: str
    password: SecretReference
    catalog: str | None = None
    database: str | None = None
