//! Backups by name and to the moment, and what is restored of them.

use crate::client::{Client, modelled, validation};
use serde_json::{Value as Json, json};

const TABLE_ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/Table";

/// A table with indexes of both kinds, a stream and an item.
fn client() -> Client {
    let client = Client::new();
    client.ok(
        "CreateTable",
        r#"{"TableName":"Table","BillingMode":"PAY_PER_REQUEST","DeletionProtectionEnabled":true,
        "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},
            {"AttributeName":"a","AttributeType":"N"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
        "GlobalSecondaryIndexes":[{"IndexName":"Global","Projection":{"ProjectionType":"ALL"},
            "KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}],
        "LocalSecondaryIndexes":[{"IndexName":"Local","Projection":{"ProjectionType":"KEYS_ONLY"},
            "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"a","KeyType":"RANGE"}]}],
        "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}}"#,
    );
    put(&client, "1");
    client
}

fn put(client: &Client, a: &str) {
    let item = format!(r#"{{"pk":{{"S":"p"}},"sk":{{"S":"s"}},"a":{{"N":"{a}"}}}}"#);
    client.ok("PutItem", &format!(r#"{{"TableName":"Table","Item":{item}}}"#));
}

fn a_of(client: &Client, table: &str) -> Json {
    let key = r#"{"pk":{"S":"p"},"sk":{"S":"s"}}"#;
    client.json("GetItem", &format!(r#"{{"TableName":"{table}","Key":{key}}}"#))["Item"]["a"]["N"].clone()
}

fn is_recent(seconds: &Json) -> bool {
    seconds.as_f64().is_some_and(|seconds| seconds > 1.7e9)
}

#[test]
fn a_backup_is_described_listed_and_outlives_its_table() {
    let client = client();
    let created = client.json("CreateBackup", r#"{"TableName":"Table","BackupName":"monday"}"#);
    let details = &created["BackupDetails"];
    let arn = details["BackupArn"].as_str().expect("a text").to_owned();
    assert!(arn.starts_with(&format!("{TABLE_ARN}/backup/")), "{arn}");
    assert!(is_recent(&details["BackupCreationDateTime"]));
    assert_eq!(
        (&details["BackupName"], &details["BackupStatus"], &details["BackupType"]),
        (&json!("monday"), &json!("AVAILABLE"), &json!("USER"))
    );

    let by_arn = json!({"BackupArn": arn}).to_string();
    let described = &client.json("DescribeBackup", &by_arn)["BackupDescription"];
    assert_eq!(&described["BackupDetails"], details);
    let source = &described["SourceTableDetails"];
    assert_eq!(source["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(source["TableName"], "Table");
    assert_eq!(source["TableArn"], TABLE_ARN);
    assert_eq!(source["KeySchema"][1], json!({"AttributeName": "sk", "KeyType": "RANGE"}));
    assert_eq!(source["ProvisionedThroughput"], json!({"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}));
    assert!(is_recent(&source["TableCreationDateTime"]));
    let features = &described["SourceTableFeatureDetails"];
    assert_eq!(features["StreamDescription"], json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}));
    assert_eq!(
        features["LocalSecondaryIndexes"],
        json!([{"IndexName": "Local", "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "a", "KeyType": "RANGE"}]}])
    );
    assert_eq!(features["GlobalSecondaryIndexes"][0]["IndexName"], "Global");
    assert!(features.get("TimeToLiveDescription").is_none());

    client.ok("UpdateTable", r#"{"TableName":"Table","DeletionProtectionEnabled":false}"#);
    client.ok("DeleteTable", r#"{"TableName":"Table"}"#);
    let listed = client.json("ListBackups", r#"{"TableName":"Table","BackupType":"ALL"}"#);
    let summary = &listed["BackupSummaries"][0];
    for member in ["BackupArn", "BackupCreationDateTime", "BackupName", "BackupSizeBytes", "BackupStatus"] {
        assert_eq!(summary[member], details[member]);
    }
    assert_eq!(summary["TableArn"], TABLE_ARN);
    assert_eq!(summary["TableId"], source["TableId"]);
    for none in [
        r#"{"BackupType":"SYSTEM"}"#,
        r#"{"TableName":"Other"}"#,
        r#"{"TimeRangeUpperBound":1000000000}"#,
        r#"{"TimeRangeLowerBound":99999999999.5}"#,
    ] {
        assert_eq!(client.ok("ListBackups", none), r#"{"BackupSummaries":[]}"#, "{none}");
    }

    let restore = json!({"TargetTableName": "Table", "BackupArn": arn}).to_string();
    let restored = client.json("RestoreTableFromBackup", &restore);
    let table = &restored["TableDescription"];
    assert_eq!(table["TableStatus"], "CREATING");
    let summary = &table["RestoreSummary"];
    assert_eq!(summary["RestoreInProgress"], true);
    assert_eq!(summary["SourceBackupArn"].as_str(), Some(arn.as_str()));
    assert_eq!(summary["SourceTableArn"], TABLE_ARN);
    assert_eq!(summary["RestoreDateTime"], details["BackupCreationDateTime"]);
    assert_eq!(a_of(&client, "Table"), "1");
    let now = &client.json("DescribeTable", r#"{"TableName":"Table"}"#)["Table"];
    assert_eq!((&now["TableStatus"], &now["DeletionProtectionEnabled"]), (&json!("ACTIVE"), &json!(false)));
    assert!(now.get("RestoreSummary").is_none() && now.get("StreamSpecification").is_none(), "{now}");
    assert_eq!(now["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
    assert_eq!(
        client.told("RestoreTableFromBackup", &restore),
        modelled("TableAlreadyExistsException", "Table already exists: Table")
    );

    let deleted = client.json("DeleteBackup", &by_arn);
    assert_eq!(deleted["BackupDescription"]["BackupDetails"]["BackupStatus"], "DELETED");
    let missing = modelled("BackupNotFoundException", &format!("Backup not found: {arn}"));
    for operation in ["DescribeBackup", "DeleteBackup"] {
        assert_eq!(client.told(operation, &by_arn), missing);
    }
    let other = json!({"TargetTableName": "Other", "BackupArn": arn}).to_string();
    assert_eq!(client.told("RestoreTableFromBackup", &other), missing);
}

#[test]
fn backups_are_listed_by_pages() {
    let client = client();
    let mut made = Vec::new();
    for name in ["one", "two", "three"] {
        let request = format!(r#"{{"TableName":"Table","BackupName":"{name}"}}"#);
        made.push(client.json("CreateBackup", &request)["BackupDetails"]["BackupArn"].clone());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let (mut found, mut start) = (Vec::new(), Json::Null);
    loop {
        let page =
            client.json("ListBackups", &json!({"Limit": 2, "ExclusiveStartBackupArn": start}).to_string());
        let summaries = page["BackupSummaries"].as_array().expect("a list");
        found.extend(summaries.iter().map(|summary| summary["BackupArn"].clone()));
        start = page["LastEvaluatedBackupArn"].clone();
        if start.is_null() {
            break;
        }
    }
    assert_eq!(found, made);
}

#[test]
fn a_table_is_restored_to_a_moment() {
    let client = client();
    let off = r#"{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}"#;
    assert_eq!(client.ok("DescribeContinuousBackups", r#"{"TableName":"Table"}"#), off);
    assert_eq!(
        client.told(
            "RestoreTableToPointInTime",
            r#"{"SourceTableName":"Table","TargetTableName":"Then","UseLatestRestorableTime":true}"#
        ),
        modelled(
            "PointInTimeRecoveryUnavailableException",
            "Point in time recovery is not enabled for table 'Table'"
        )
    );
    let enable = r#"{"TableName":"Table","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true,"RecoveryPeriodInDays":7}}"#;
    let enabled = client.json("UpdateContinuousBackups", enable);
    let recovery = &enabled["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
    assert_eq!(recovery["PointInTimeRecoveryStatus"], "ENABLED");
    assert_eq!(recovery["RecoveryPeriodInDays"], 7);
    assert!(is_recent(&recovery["EarliestRestorableDateTime"]));

    put(&client, "2");
    std::thread::sleep(std::time::Duration::from_millis(5));
    let now = client.json("DescribeContinuousBackups", r#"{"TableName":"Table"}"#);
    let recovery = &now["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
    let then = recovery["LatestRestorableDateTime"].clone();
    std::thread::sleep(std::time::Duration::from_millis(5));
    put(&client, "3");

    let restore = json!({"SourceTableArn": TABLE_ARN, "TargetTableName": "Then", "RestoreDateTime": then,
        "LocalSecondaryIndexOverride": [], "BillingModeOverride": "PAY_PER_REQUEST"});
    let restored = client.json("RestoreTableToPointInTime", &restore.to_string());
    let table = &restored["TableDescription"];
    assert_eq!(table["RestoreSummary"]["RestoreDateTime"], then);
    assert_eq!(table["RestoreSummary"]["SourceTableArn"], TABLE_ARN);
    assert!(table.get("LocalSecondaryIndexes").is_none(), "{table}");
    assert_eq!(a_of(&client, "Then"), "2");
    let latest = r#"{"SourceTableName":"Table","TargetTableName":"Now","UseLatestRestorableTime":true}"#;
    client.ok("RestoreTableToPointInTime", latest);
    assert_eq!(a_of(&client, "Now"), "3");
    let query = r#"{"TableName":"Now","IndexName":"Global","KeyConditionExpression":"a = :a","ExpressionAttributeValues":{":a":{"N":"3"}}}"#;
    assert_eq!(client.json("Query", query)["Count"], 1);

    assert_eq!(
        client.told("RestoreTableToPointInTime", latest),
        modelled("TableAlreadyExistsException", "Table already exists: Now")
    );
    let early = r#"{"SourceTableName":"Table","TargetTableName":"Early","RestoreDateTime":1000000000}"#;
    let told = client.told("RestoreTableToPointInTime", early);
    assert!(told.contains("v20120810#InvalidRestoreTimeException"), "{told}");
    let disable =
        r#"{"TableName":"Table","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":false}}"#;
    assert_eq!(client.ok("UpdateContinuousBackups", disable), off);
}

#[test]
fn requests_on_backups_are_validated_member_by_member() {
    let client = client();
    let present = "Member must not be null";
    let failed = |member: &str, value: &str, constraint: &str| {
        format!(
            "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}"
        )
    };
    let null = |member: &str| failed(member, "null", present);
    client.refused("DescribeContinuousBackups", &[("{}", &null("tableName"))]);
    client.refused(
        "UpdateContinuousBackups",
        &[
            (r#"{"TableName":"Table"}"#, &null("pointInTimeRecoverySpecification")),
            (
                r#"{"TableName":"Table","PointInTimeRecoverySpecification":{}}"#,
                &null("pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled"),
            ),
            (
                r#"{"TableName":"Table","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true,"RecoveryPeriodInDays":36}}"#,
                &failed(
                    "pointInTimeRecoverySpecification.recoveryPeriodInDays",
                    "'36'",
                    "Member must have value less than or equal to 35",
                ),
            ),
        ],
    );
    client.refused(
        "CreateBackup",
        &[
            (r#"{"TableName":"Table"}"#, &null("backupName")),
            (
                r#"{"TableName":"Table","BackupName":"a b c"}"#,
                &failed(
                    "backupName",
                    "'a b c'",
                    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                ),
            ),
        ],
    );
    client.refused(
        "ListBackups",
        &[
            (r#"{"Limit":0}"#, &failed("limit", "'0'", "Member must have value greater than or equal to 1")),
            (
                r#"{"BackupType":"x"}"#,
                &failed(
                    "backupType",
                    "'x'",
                    "Member must satisfy enum value set: [USER, SYSTEM, AWS_BACKUP, ALL]",
                ),
            ),
        ],
    );
    client.refused("DeleteBackup", &[("{}", &null("backupArn"))]);
    client.refused(
        "DescribeBackup",
        &[(
            r#"{"BackupArn":"arn:short"}"#,
            &failed("backupArn", "'arn:short'", "Member must have length greater than or equal to 37"),
        )],
    );
    let flags = "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both";
    for both in ["", r#","RestoreDateTime":1700000000,"UseLatestRestorableTime":true"#] {
        let request = format!(r#"{{"SourceTableName":"Table","TargetTableName":"Other"{both}}}"#);
        assert_eq!(client.told("RestoreTableToPointInTime", &request), validation(flags));
    }
    let not_found = modelled("TableNotFoundException", "Table not found: Missing");
    for (operation, request) in [
        ("DescribeContinuousBackups", r#"{"TableName":"Missing"}"#),
        ("CreateBackup", r#"{"TableName":"Missing","BackupName":"monday"}"#),
        (
            "RestoreTableToPointInTime",
            r#"{"SourceTableName":"Missing","TargetTableName":"Other","UseLatestRestorableTime":true}"#,
        ),
    ] {
        assert_eq!(client.told(operation, request), not_found, "{operation}");
    }
    // No name of a backup leads anywhere else.
    for id in ["../../../../etc/passwd", "..", "/etc/passwd", "0/../../x", "%2e%2e%2f"] {
        let arn = format!("{TABLE_ARN}/backup/{id}");
        let request = json!({"BackupArn": arn}).to_string();
        let missing = modelled("BackupNotFoundException", &format!("Backup not found: {arn}"));
        assert_eq!(client.told("DescribeBackup", &request), missing);
        assert_eq!(client.told("DeleteBackup", &request), missing);
    }
}
