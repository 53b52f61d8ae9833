"""AWS through boto3: thin clients whose errors name the action and the resource. Credentials are boto3's own."""
