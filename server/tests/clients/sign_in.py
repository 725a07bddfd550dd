"""Drives a server that wants signatures: the right one is let in, all others are refused with their exception."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def told(**keys):
    """What listing the tables answers with these keys."""
    client = boto3.client("dynamodb", config=Config(retries={"max_attempts": 1, "mode": "standard"}), **keys)
    try:
        return client.list_tables()["TableNames"]
    except ClientError as error:
        return error.response["Error"]["Code"]


assert told() == []
assert told(aws_session_token="session") == []
assert told(region_name="eu-central-1") == []
assert told(aws_access_key_id="right", aws_secret_access_key="wrong") == "InvalidSignatureException"
assert told(aws_access_key_id="wrong", aws_secret_access_key="secret") == "UnrecognizedClientException"
print("boto3, signing: all is well")
