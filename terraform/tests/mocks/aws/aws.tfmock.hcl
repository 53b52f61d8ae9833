# What AWS would answer, as far as others look at it: ARNs and policies must look like ARNs and policies.

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
    arn        = "arn:aws:iam::123456789012:user/engineer"
  }
}

mock_data "aws_region" {
  defaults = {
    region = "eu-central-1"
  }
}

mock_data "aws_iam_policy_document" {
  defaults = {
    json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:eu-central-1:123456789012:discovery-agent-triggers"
  }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    id  = "https://sqs.eu-central-1.amazonaws.com/123456789012/discovery-agent-triggers"
    arn = "arn:aws:sqs:eu-central-1:123456789012:discovery-agent-triggers"
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/discovery-agent-triggers"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    id  = "discovery-agent-123456789012-eu-central-1"
    arn = "arn:aws:s3:::discovery-agent-123456789012-eu-central-1"
  }
}

mock_resource "aws_ssm_parameter" {
  defaults = {
    arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/discovery-agent/a-key"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    id  = "discovery-agent-runner"
    arn = "arn:aws:iam::123456789012:role/discovery-agent-runner"
  }
}
