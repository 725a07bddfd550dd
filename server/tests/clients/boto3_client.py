"""Drives a server with boto3: the resource and the client, as an application does."""

import decimal
import os
import pathlib
import re
import time
import urllib.error
import urllib.request

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(retries={"max_attempts": 1, "mode": "standard"}, read_timeout=20)
resource = boto3.resource("dynamodb", config=config)
client = boto3.client("dynamodb", config=config)
streams = boto3.client("dynamodbstreams", config=config)


def refused(code, call, **arguments):
    """The response of a call that must fail with this code."""
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        return error.response
    raise AssertionError(f"{arguments} was not refused with {code}")


def tables():
    """A table with a composite key and an index, made as the resource makes it, and waited for."""
    table = resource.create_table(
        TableName="UserMessages",
        KeySchema=[
            {"AttributeName": "user_id", "KeyType": "HASH"},
            {"AttributeName": "timestamp", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "user_id", "AttributeType": "S"},
            {"AttributeName": "timestamp", "AttributeType": "N"},
            {"AttributeName": "sender", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "SenderIndex",
                "KeySchema": [
                    {"AttributeName": "sender", "KeyType": "HASH"},
                    {"AttributeName": "timestamp", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    table.wait_until_exists()
    table.reload()
    assert table.table_status == "ACTIVE"
    assert table.creation_date_time.year >= 2024
    assert table.key_schema[0]["AttributeName"] == "user_id"
    assert table.global_secondary_indexes[0]["IndexStatus"] == "ACTIVE"
    refused("ResourceInUseException", client.create_table, TableName="UserMessages",
            KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
    return table


def items(table):
    """Values of every type there and back; conditions, updates and what they answer."""
    item = {
        "user_id": "ada", "timestamp": decimal.Decimal("1732500000.5"), "text": "héllo", "none": None, "yes": True,
        "bytes": b"\x00\xff", "list": [1, "a", {"b": [decimal.Decimal("0.1")]}], "map": {"a": {"b": 1}},
        "numbers": {1, 2}, "texts": {"a", "b"}, "binaries": {b"a"}, "empty": "", "digits": decimal.Decimal("1" * 38),
    }
    table.put_item(Item=item)
    got = table.get_item(Key={"user_id": "ada", "timestamp": item["timestamp"]}, ConsistentRead=True)["Item"]
    assert got == item, got
    key = {"user_id": "ada", "timestamp": item["timestamp"]}
    answer = table.update_item(
        Key=key,
        UpdateExpression="SET #t = :t, #m.a.b = #m.a.b + :one REMOVE yes ADD numbers :more",
        ConditionExpression="attribute_exists(user_id) AND begins_with(#t, :h)",
        ExpressionAttributeNames={"#t": "text", "#m": "map"},
        ExpressionAttributeValues={":t": "bye", ":one": 1, ":h": "h", ":more": {3}},
        ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {"text": "bye", "map": {"a": {"b": 2}}, "numbers": {1, 2, 3}}, answer
    response = refused(
        "ConditionalCheckFailedException", table.put_item, Item=key,
        ConditionExpression=Attr("user_id").not_exists(), ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    assert response["Error"]["Message"] == "The conditional request failed"
    assert response["Item"]["text"] == {"S": "bye"}
    assert table.delete_item(Key=key, ReturnValues="ALL_OLD")["Attributes"]["text"] == "bye"
    assert "Item" not in table.get_item(Key=key)
    error = refused("ValidationException", table.put_item, Item={"user_id": "ada"})["Error"]
    assert error["Message"] == "One or more parameter values were invalid: Missing the key timestamp in the item"
    error = refused("ValidationException", table.query, KeyConditionExpression="user_id = :u AND timestamp > :t",
                    ExpressionAttributeValues={":u": "ada", ":t": 1})["Error"]
    assert error["Message"] == (
        "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: timestamp"
    )


def pages(table):
    """A batch writer, queries of the table and of its index, paginators, a parallel scan."""
    with table.batch_writer() as batch:
        for number in range(300):
            batch.put_item(Item={"user_id": f"user{number % 3}", "timestamp": number, "sender": f"from{number % 2}", "n": number})
    answer = table.query(
        KeyConditionExpression=Key("user_id").eq("user0") & Key("timestamp").between(30, 60), ScanIndexForward=False
    )
    assert [int(item["timestamp"]) for item in answer["Items"]] == list(range(60, 29, -3))
    answer = table.query(
        IndexName="SenderIndex", KeyConditionExpression=Key("sender").eq("from1"), Limit=5,
        FilterExpression=Attr("n").gt(4),
    )
    assert (answer["Count"], answer["ScannedCount"]) == (3, 5), answer
    assert answer["LastEvaluatedKey"] == {"user_id": "user0", "timestamp": 9, "sender": "from1"}
    count = 0
    for page in client.get_paginator("query").paginate(
        TableName="UserMessages", IndexName="SenderIndex", KeyConditionExpression="sender = :s",
        ExpressionAttributeValues={":s": {"S": "from0"}}, PaginationConfig={"PageSize": 7},
    ):
        assert page["Count"] <= 7
        count += page["Count"]
    assert count == 150
    scan = client.get_paginator("scan")
    assert sum(page["Count"] for page in scan.paginate(TableName="UserMessages", Limit=50)) == 300
    assert sum(
        page["Count"] for segment in range(4)
        for page in scan.paginate(TableName="UserMessages", Segment=segment, TotalSegments=4)
    ) == 300
    keys = [{"user_id": f"user{number % 3}", "timestamp": number} for number in range(90, 110)]
    answer = resource.batch_get_item(RequestItems={"UserMessages": {"Keys": keys + [{"user_id": "x", "timestamp": 1}]}})
    assert len(answer["Responses"]["UserMessages"]) == 20 and answer["UnprocessedKeys"] == {}
    with table.batch_writer() as batch:
        for number in range(300):
            batch.delete_item(Key={"user_id": f"user{number % 3}", "timestamp": number})
    assert table.scan(Select="COUNT")["Count"] == 0


def transactions():
    """All or nothing, reasons of the cancelled, tokens."""
    def put(name, condition=None):
        put = {"TableName": "UserMessages", "Item": {"user_id": {"S": name}, "timestamp": {"N": "1"}}}
        return {"Put": put | ({"ConditionExpression": condition} if condition else {})}

    client.transact_write_items(TransactItems=[put("t1"), put("t2")], ClientRequestToken="token")
    client.transact_write_items(TransactItems=[put("t1"), put("t2")], ClientRequestToken="token")
    try:
        client.transact_write_items(TransactItems=[put("t3"), put("t2", "attribute_not_exists(user_id)")])
        raise AssertionError("it was not cancelled")
    except client.exceptions.TransactionCanceledException as error:
        codes = [reason["Code"] for reason in error.response["CancellationReasons"]]
        assert codes == ["None", "ConditionalCheckFailed"], codes
        assert error.response["Error"]["Message"].endswith("[None, ConditionalCheckFailed]")
    gets = [
        {"Get": {"TableName": "UserMessages", "Key": {"user_id": {"S": name}, "timestamp": {"N": "1"}}}}
        for name in ("t1", "t3")
    ]
    answer = client.transact_get_items(TransactItems=gets)["Responses"]
    assert answer[0]["Item"]["user_id"]["S"] == "t1" and "Item" not in answer[1]


def stream(table):
    """All records of the stream, page by page, from its beginning."""
    arn = table.latest_stream_arn
    assert streams.list_streams(TableName="UserMessages")["Streams"][0]["StreamArn"] == arn
    shards = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    names = []
    for shard in shards:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = streams.get_records(ShardIterator=iterator, Limit=100)
            names += [record["eventName"] for record in answer["Records"]]
            for record in answer["Records"]:
                assert abs(record["dynamodb"]["ApproximateCreationDateTime"].timestamp() - time.time()) < 600
            iterator = answer.get("NextShardIterator") if answer["Records"] else None
    assert names[:3] == ["INSERT", "MODIFY", "REMOVE"], names[:3]
    assert (names.count("INSERT"), names.count("REMOVE")) == (303, 301), len(names)


def settings(table):
    """Expiry, tags, an index that comes and goes, limits, protection."""
    specification = {"AttributeName": "expires", "Enabled": True}
    client.update_time_to_live(TableName="UserMessages", TimeToLiveSpecification=specification)
    for _ in range(200):
        described = client.describe_time_to_live(TableName="UserMessages")["TimeToLiveDescription"]
        if described["TimeToLiveStatus"] != "ENABLING":
            break
        time.sleep(0.05)
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    client.tag_resource(ResourceArn=table.table_arn, Tags=[{"Key": "team", "Value": "green"}])
    assert client.list_tags_of_resource(ResourceArn=table.table_arn)["Tags"] == [{"Key": "team", "Value": "green"}]
    client.untag_resource(ResourceArn=table.table_arn, TagKeys=["team"])
    client.update_table(
        TableName="UserMessages", AttributeDefinitions=[{"AttributeName": "text", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": {
            "IndexName": "ByText", "KeySchema": [{"AttributeName": "text", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }}],
    )
    for _ in range(200):
        indexes = client.describe_table(TableName="UserMessages")["Table"]["GlobalSecondaryIndexes"]
        if all(index["IndexStatus"] == "ACTIVE" for index in indexes):
            break
        time.sleep(0.05)
    assert [index["IndexName"] for index in indexes] == ["SenderIndex", "ByText"]
    assert client.describe_limits()["TableMaxReadCapacityUnits"] == 40000
    assert "UserMessages" in client.list_tables()["TableNames"]
    refused("ResourceNotFoundException", client.describe_table, TableName="Nothing")


def statements():
    """PartiQL through the client."""
    run = client.execute_statement
    run(Statement="INSERT INTO UserMessages VALUE {'user_id': 'q', 'timestamp': 1}")
    refused("DuplicateItemException", run, Statement="INSERT INTO UserMessages VALUE {'user_id': 'q', 'timestamp': 1}")
    answer = run(Statement="SELECT * FROM UserMessages WHERE user_id = ?", Parameters=[{"S": "q"}])
    assert answer["Items"] == [{"user_id": {"S": "q"}, "timestamp": {"N": "1"}}]


def backups(table):
    """A backup, its paginator, and tables that are restored of it and of a moment, waited for as the SDK does."""
    client.put_item(TableName="UserMessages", Item={"user_id": {"S": "kept"}, "timestamp": {"N": "1"}})
    table.reload()
    details = client.create_backup(TableName="UserMessages", BackupName="monday")["BackupDetails"]
    assert details["BackupStatus"] == "AVAILABLE" and details["BackupCreationDateTime"].year >= 2024, details
    listed = client.get_paginator("list_backups").paginate(PaginationConfig={"PageSize": 1})
    assert [backup["BackupArn"] for page in listed for backup in page["BackupSummaries"]] == [details["BackupArn"]]
    source = client.describe_backup(BackupArn=details["BackupArn"])["BackupDescription"]["SourceTableDetails"]
    assert source["TableName"] == "UserMessages" and source["KeySchema"] == table.key_schema, source
    restored = client.restore_table_from_backup(TargetTableName="Restored", BackupArn=details["BackupArn"])
    assert restored["TableDescription"]["RestoreSummary"]["SourceBackupArn"] == details["BackupArn"]

    recovery = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName="UserMessages", PointInTimeRecoverySpecification=recovery)
    described = client.describe_continuous_backups(TableName="UserMessages")["ContinuousBackupsDescription"]
    described = described["PointInTimeRecoveryDescription"]
    assert described["PointInTimeRecoveryStatus"] == "ENABLED" and described["RecoveryPeriodInDays"] == 35, described
    time.sleep(0.05)
    good = client.describe_continuous_backups(TableName="UserMessages")["ContinuousBackupsDescription"]
    good = good["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]
    time.sleep(0.05)
    client.delete_item(TableName="UserMessages", Key={"user_id": {"S": "kept"}, "timestamp": {"N": "1"}})
    client.restore_table_to_point_in_time(
        SourceTableName="UserMessages", TargetTableName="Then", RestoreDateTime=good
    )
    for name in ["Restored", "Then"]:
        copy = resource.Table(name)
        copy.wait_until_exists()
        assert copy.get_item(Key={"user_id": "kept", "timestamp": 1})["Item"]["user_id"] == "kept"
        assert len(copy.global_secondary_indexes) == len(table.global_secondary_indexes)
        copy.delete()
    refused("InvalidRestoreTimeException", client.restore_table_to_point_in_time, SourceTableName="UserMessages",
            TargetTableName="Early", RestoreDateTime=1)
    client.delete_backup(BackupArn=details["BackupArn"])
    policy = '{"Version":"2012-10-17","Statement":[]}'
    arn = table.table_arn
    revision = client.put_resource_policy(ResourceArn=arn, Policy=policy, ExpectedRevisionId="NO_POLICY")["RevisionId"]
    answer = client.get_resource_policy(ResourceArn=arn)
    assert (answer["Policy"], answer["RevisionId"]) == (policy, revision), answer
    refused("PolicyNotFoundException", client.delete_resource_policy, ResourceArn=arn, ExpectedRevisionId="none")
    assert client.delete_resource_policy(ResourceArn=arn)["RevisionId"] == revision
    refused("BackupNotFoundException", client.describe_backup, BackupArn=details["BackupArn"])


def endings(table):
    """A table goes, and is waited for."""
    table.delete()
    table.wait_until_not_exists()
    assert list(resource.tables.all()) == []


def operations():
    """Every operation that the SDK knows is served, or is on the page of differences; none is both."""
    page = (pathlib.Path(__file__).parents[3] / "docs" / "differences.md").read_text()
    section = page.split("## Operations that are not served")[1].split("\n## ")[0]
    listed = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", section)) - {"UnknownOperationException"}
    unknown = set()
    for name in client.meta.service_model.operation_names:
        request = urllib.request.Request(
            os.environ["AWS_ENDPOINT_URL"], data=b"[]",
            headers={"X-Amz-Target": f"DynamoDB_20120810.{name}", "Content-Type": "application/x-amz-json-1.0"},
        )
        try:
            urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            if b"UnknownOperationException" in error.read():
                unknown.add(name)
    assert unknown <= listed, unknown - listed
    assert not listed & (set(client.meta.service_model.operation_names) - unknown), listed - unknown


operations()
table = tables()
items(table)
pages(table)
transactions()
stream(table)
settings(table)
statements()
backups(table)
endings(table)
print(f"boto3 {boto3.__version__}: all is well at {os.environ['AWS_ENDPOINT_URL']}")
