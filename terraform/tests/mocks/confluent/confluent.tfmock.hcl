# What Confluent Cloud would answer, in its own shapes: the real provider refuses keys for other kinds and CRNs of other forms.

mock_data "confluent_organization" {
  defaults = {
    id            = "1111aaaa-11aa-11aa-11aa-111111aaaaaa"
    resource_name = "crn://confluent.cloud/organization=1111aaaa-11aa-11aa-11aa-111111aaaaaa"
  }
}

mock_data "confluent_environment" {
  defaults = {
    display_name  = "agentic-data-mesh"
    resource_name = "crn://confluent.cloud/organization=1111aaaa-11aa-11aa-11aa-111111aaaaaa/environment=env-7zpqx1"
  }
}

mock_data "confluent_kafka_cluster" {
  defaults = {
    display_name       = "data-mesh-cluster"
    api_version        = "cmk/v2"
    kind               = "Cluster"
    bootstrap_endpoint = "SASL_SSL://pkc-00000.eu-central-1.aws.confluent.cloud:9092"
    rest_endpoint      = "https://pkc-00000.eu-central-1.aws.confluent.cloud:443"
    rbac_crn           = "crn://confluent.cloud/organization=1111aaaa-11aa-11aa-11aa-111111aaaaaa/environment=env-7zpqx1/cloud-cluster=lkc-nd1ng3"
  }
}

mock_data "confluent_schema_registry_cluster" {
  defaults = {
    api_version   = "srcm/v3"
    kind          = "Cluster"
    resource_name = "crn://confluent.cloud/organization=1111aaaa-11aa-11aa-11aa-111111aaaaaa/environment=env-7zpqx1/schema-registry=lsrc-8wrx70"
    rest_endpoint = "https://psrc-00000.eu-central-1.aws.confluent.cloud"
  }
}

mock_resource "confluent_service_account" {
  defaults = {
    id          = "sa-abc123"
    api_version = "iam/v2"
    kind        = "ServiceAccount"
  }
}

mock_resource "confluent_api_key" {
  defaults = {
    id     = "KEYKEYKEYKEY"
    secret = "not-a-secret-but-made-up-for-the-tests"
  }
}
