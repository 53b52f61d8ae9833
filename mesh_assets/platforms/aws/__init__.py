"""AWS through boto3: thin clients that say what was asked of what when it fails. Credentials are boto3's own."""
