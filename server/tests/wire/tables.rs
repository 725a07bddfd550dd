//! Tables: what they are told to be, how they change, their tags and their expiry.

use crate::client::{Client, TABLE, modelled, validation};
use serde_json::{Value as Json, json};

fn without(json: &mut Json, names: &[&str]) {
    let members = json.as_object_mut().expect("an object");
    for name in names {
        assert!(members.remove(*name).is_some(), "{name} is missing in {members:?}");
    }
}

#[test]
fn policies_are_kept_and_told_with_their_revision() {
    let client = Client::with_table();
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/Table";
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"dynamodb:*"}]}"#;
    let put = json!({"ResourceArn": arn, "Policy": policy}).to_string();
    let revision = client.json("PutResourcePolicy", &put)["RevisionId"].clone();
    assert_eq!(client.json("PutResourcePolicy", &put)["RevisionId"], revision);
    let by_arn = json!({"ResourceArn": arn}).to_string();
    let told = json!({"Policy": policy, "RevisionId": revision});
    assert_eq!(client.json("GetResourcePolicy", &by_arn), told);
    let other = json!({"ResourceArn": arn, "Policy": "{}", "ExpectedRevisionId": "1"}).to_string();
    let told = client.told("PutResourcePolicy", &other);
    assert!(told.starts_with("400 ") && told.contains("v20120810#PolicyNotFoundException"), "{told}");
    client.refused(
        "PutResourcePolicy",
        &[
            (
                &json!({"ResourceArn": arn, "Policy": "Allow"}).to_string(),
                "One or more parameter values were invalid: Policy is no object in JSON",
            ),
            (
                &json!({"ResourceArn": arn, "Policy": format!("{{\"a\":\"{}\"}}", "x".repeat(20_473))}).to_string(),
                "One or more parameter values were invalid: Policy must have 1 to 20480 bytes, and has 20481",
            ),
            (
                "{}",
                "2 validation errors detected: Value null at 'resourceArn' failed to satisfy constraint: Member must \
                 not be null; Value null at 'policy' failed to satisfy constraint: Member must not be null",
            ),
        ],
    );
    assert_eq!(client.json("DeleteResourcePolicy", &by_arn), json!({"RevisionId": revision}));
    assert_eq!(client.json("DeleteResourcePolicy", &by_arn), json!({"RevisionId": ""}));
    let missing = format!("Resource-based policy not found for the provided ResourceArn: {arn}");
    assert_eq!(client.told("GetResourcePolicy", &by_arn), modelled("PolicyNotFoundException", &missing));
    let unknown = json!({"ResourceArn": format!("{arn}s")}).to_string();
    let missing = format!("Requested resource not found: ResourceArn: {arn}s not found");
    assert_eq!(client.told("GetResourcePolicy", &unknown), modelled("ResourceNotFoundException", &missing));
}

#[test]
fn a_table_is_described_in_dynamodbs_shape() {
    let client = Client::new();
    let mut created = client.json("CreateTable", TABLE)["TableDescription"].clone();
    assert!(created["CreationDateTime"].as_f64().is_some_and(|seconds| seconds > 1.7e9));
    let id = created["TableId"].as_str().expect("a text").to_owned();
    assert_eq!(id.len(), 36);
    without(&mut created, &["CreationDateTime", "TableId"]);
    let mut expected = json!({
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}
        ],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "DeletionProtectionEnabled": false,
        "ItemCount": 0,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        "TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/Table",
        "TableName": "Table",
        "TableSizeBytes": 0,
        "TableStatus": "CREATING"
    });
    assert_eq!(created, expected);
    let mut described = client.json("DescribeTable", r#"{"TableName":"Table"}"#)["Table"].clone();
    without(&mut described, &["CreationDateTime", "TableId"]);
    without(&mut described["BillingModeSummary"], &["LastUpdateToPayPerRequestDateTime"]);
    expected["TableStatus"] = "ACTIVE".into();
    expected["WarmThroughput"] =
        json!({"ReadUnitsPerSecond": 12000, "Status": "ACTIVE", "WriteUnitsPerSecond": 4000});
    assert_eq!(described, expected);
    let mut deleted = client.json("DeleteTable", r#"{"TableName":"Table"}"#)["TableDescription"].clone();
    assert_eq!(deleted["TableId"], id);
    without(&mut deleted, &["TableId", "BillingModeSummary"]);
    assert_eq!(
        deleted,
        json!({
            "DeletionProtectionEnabled": false, "ItemCount": 0,
            "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
            "TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/Table",
            "TableName": "Table", "TableSizeBytes": 0, "TableStatus": "DELETING"
        })
    );
    let missing =
        modelled("ResourceNotFoundException", "Requested resource not found: Table: Table not found");
    for operation in ["DescribeTable", "DeleteTable", "DescribeTimeToLive"] {
        assert_eq!(client.told(operation, r#"{"TableName":"Table"}"#), missing, "{operation}");
    }
}

const INDEXED: &str = r#"{"TableName":"Indexed",
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},
        {"AttributeName":"x","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
    "ProvisionedThroughput":{"ReadCapacityUnits":2,"WriteCapacityUnits":3},
    "LocalSecondaryIndexes":[{"IndexName":"Local","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},
        {"AttributeName":"x","KeyType":"RANGE"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["b","a"]}}],
    "GlobalSecondaryIndexes":[{"IndexName":"Global","KeySchema":[{"AttributeName":"x","KeyType":"HASH"}],
        "Projection":{"ProjectionType":"KEYS_ONLY"},"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}]}"#;

#[test]
fn indexes_are_described_with_their_table() {
    let client = Client::new();
    client.ok("CreateTable", INDEXED);
    let table = client.json("DescribeTable", r#"{"TableName":"Indexed"}"#)["Table"].clone();
    assert_eq!(
        table["LocalSecondaryIndexes"],
        json!([{
            "IndexArn": "arn:aws:dynamodb:us-east-1:000000000000:table/Indexed/index/Local",
            "IndexName": "Local", "IndexSizeBytes": 0, "ItemCount": 0,
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "x", "KeyType": "RANGE"}],
            "Projection": {"NonKeyAttributes": ["a", "b"], "ProjectionType": "INCLUDE"}
        }])
    );
    assert_eq!(
        table["GlobalSecondaryIndexes"],
        json!([{
            "IndexArn": "arn:aws:dynamodb:us-east-1:000000000000:table/Indexed/index/Global",
            "IndexName": "Global", "IndexSizeBytes": 0, "IndexStatus": "ACTIVE", "ItemCount": 0,
            "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            "WarmThroughput": {"ReadUnitsPerSecond": 1, "Status": "ACTIVE", "WriteUnitsPerSecond": 1}
        }])
    );
    assert!(table.get("BillingModeSummary").is_none());
    client.ok(
        "PutItem",
        r#"{"TableName":"Indexed","Item":{"pk":{"S":"p"},"sk":{"N":"1"},"x":{"S":"x"},"a":{"S":"a"},"c":{"S":"c"}}}"#,
    );
    let query = r#"{"TableName":"Indexed","IndexName":"Global","KeyConditionExpression":"x = :x",
        "ExpressionAttributeValues":{":x":{"S":"x"}},"Limit":1,"ReturnConsumedCapacity":"INDEXES"}"#;
    assert_eq!(
        client.ok("Query", query),
        concat!(
            r#"{"Count":1,"Items":[{"pk":{"S":"p"},"sk":{"N":"1"},"x":{"S":"x"}}],"#,
            r#""LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"N":"1"},"x":{"S":"x"}},"ScannedCount":1,"#,
            r#""ConsumedCapacity":{"TableName":"Indexed","CapacityUnits":0.5,"Table":{"CapacityUnits":0.0},"#,
            r#""GlobalSecondaryIndexes":{"Global":{"CapacityUnits":0.5}}}}"#
        )
    );
    let consistent = query.replace("\"Limit\":1", "\"ConsistentRead\":true");
    assert_eq!(
        client.told("Query", &consistent),
        validation("Consistent reads are not supported on global secondary indexes")
    );
    let collection = r#"{"TableName":"Indexed","Key":{"pk":{"S":"p"},"sk":{"N":"2"}},"ReturnItemCollectionMetrics":"SIZE"}"#;
    assert_eq!(
        client.ok("UpdateItem", collection),
        r#"{"ItemCollectionMetrics":{"ItemCollectionKey":{"pk":{"S":"p"}},"SizeEstimateRangeGB":[0.0,1.0]}}"#
    );
}

#[test]
fn definitions_are_refused_with_dynamodbs_words() {
    let client = Client::with_table();
    let invalid = |message: &str| format!("One or more parameter values were invalid: {message}");
    let create = |more: &str| format!(r#"{{"TableName":"Table2",{more}}}"#);
    let definitions = r#""AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}]"#;
    let key = r#""KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]"#;
    for (body, message) in [
        ("{}".to_owned(), "The parameter 'TableName' is required but was not present in the request".to_owned()),
        (
            create("\"BillingMode\":\"FREE\""),
            "3 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must \
             not be null; Value null at 'keySchema' failed to satisfy constraint: Member must not be null; Value 'FREE' at \
             'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, \
             PAY_PER_REQUEST]"
                .to_owned(),
        ),
        (
            create(r#""AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"X"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HUSH"}]"#),
            "2 validation errors detected: Value 'X' at 'attributeDefinitions.1.member.attributeType' failed to satisfy \
             constraint: Member must satisfy enum value set: [B, N, S]; Value 'HUSH' at 'keySchema.1.member.keyType' failed \
             to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]"
                .to_owned(),
        ),
        (
            create(&format!("{definitions},{key}")),
            invalid("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
        ),
        (
            create(&format!(r#"{definitions},"BillingMode":"PAY_PER_REQUEST","KeySchema":[{{"AttributeName":"pk","KeyType":"RANGE"}}]"#)),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".to_owned(),
        ),
        (
            create(&format!(r#"{definitions},{key},"BillingMode":"PAY_PER_REQUEST","GlobalSecondaryIndexes":[]"#)),
            invalid("List of GlobalSecondaryIndexes is empty"),
        ),
    ] {
        assert_eq!(client.told("CreateTable", &body), validation(&message), "{body}");
    }
    assert_eq!(
        client.told("CreateTable", TABLE),
        modelled("ResourceInUseException", "Table already exists: Table")
    );
    assert_eq!(client.ok("ListTables", "{}"), r#"{"TableNames":["Table"]}"#);
}

#[test]
fn what_a_table_is_changed_to_is_told_as_far_as_it_is_new() {
    let client = Client::with_table();
    let stream =
        r#"{"TableName":"Table","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}"#;
    let updating = client.json("UpdateTable", stream)["TableDescription"].take();
    let table = client.json("DescribeTable", r#"{"TableName":"Table"}"#)["Table"].take();
    assert_eq!(updating["StreamSpecification"]["StreamViewType"], "KEYS_ONLY");
    assert!(updating["LatestStreamArn"].is_string());
    for member in ["StreamSpecification", "LatestStreamArn", "LatestStreamLabel"] {
        assert_eq!(updating[member], table[member], "{member}");
    }
    let units = r#"{"TableName":"Table","BillingMode":"PROVISIONED",
        "ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}"#;
    let updating = client.json("UpdateTable", units)["TableDescription"].take();
    assert_eq!(updating["TableStatus"], "UPDATING");
    assert_eq!(updating["ProvisionedThroughput"]["ReadCapacityUnits"], 0);
}

#[test]
fn members_of_tables_are_told_all_together() {
    let client = Client::with_table();
    let create = r#"{"TableName":"a;","BillingMode":"PROVISIONED","AttributeDefinitions":[{"AttributeName":"pk"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"RANG"}],
        "ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":1}}"#;
    client.refused("CreateTable", &[(create, "5 validation errors detected: Value null at \
         'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must not be null; Value \
         'RANG' at 'keySchema.1.member.keyType' failed to satisfy constraint: Member must satisfy enum value set: [HASH, \
         RANGE]; Value 'a;' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: \
         [a-zA-Z0-9_.-]+; Value 'a;' at 'tableName' failed to satisfy constraint: Member must have length greater than or \
         equal to 3; Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must \
         have value greater than or equal to 1")]);
    let update = r#"{"TableName":"Table","BillingMode":"NONE","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"a"}},
        {"Update":{"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":0}}}]}"#;
    client.refused("UpdateTable", &[(update, "4 validation errors detected: Value 'NONE' at 'billingMode' failed to \
         satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]; Value null at \
         'globalSecondaryIndexUpdates.2.member.update.indexName' failed to satisfy constraint: Member must not be null; \
         Value 'a' at 'globalSecondaryIndexUpdates.1.member.delete.indexName' failed to satisfy constraint: Member must \
         have length greater than or equal to 3; Value '0' at \
         'globalSecondaryIndexUpdates.2.member.update.provisionedThroughput.writeCapacityUnits' failed to satisfy \
         constraint: Member must have value greater than or equal to 1")]);
}

#[test]
fn an_index_comes_and_goes() {
    let client = Client::with_table();
    let create = r#"{"TableName":"Table","AttributeDefinitions":[{"AttributeName":"x","AttributeType":"S"}],
        "GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"ByX","KeySchema":[{"AttributeName":"x","KeyType":"HASH"}],
        "Projection":{"ProjectionType":"ALL"}}}]}"#;
    let updating = client.json("UpdateTable", create)["TableDescription"].take();
    assert_eq!(updating["TableStatus"], "UPDATING");
    assert_eq!(updating["AttributeDefinitions"].as_array().map(Vec::len), Some(3));
    let index = &updating["GlobalSecondaryIndexes"][0];
    assert_eq!(
        (&index["IndexName"], &index["IndexStatus"], &index["Backfilling"]),
        (&"ByX".into(), &"CREATING".into(), &false.into())
    );
    client.server.database().wait_until_active("Table").expect("it is filled");
    let table = client.json("DescribeTable", r#"{"TableName":"Table"}"#);
    assert_eq!(table["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
    let delete = r#"{"TableName":"Table","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"ByX"}}]}"#;
    let updating = client.json("UpdateTable", delete)["TableDescription"].take();
    assert_eq!(updating["TableStatus"], "UPDATING");
    assert_eq!(updating["GlobalSecondaryIndexes"][0]["IndexStatus"], "DELETING");
    client.server.database().wait_until_active("Table").expect("it is dropped");
    assert_eq!(
        client.told("UpdateTable", delete),
        modelled("ResourceNotFoundException", "Requested resource not found: Index ByX for table Table")
    );
    client.refused(
        "UpdateTable",
        &[
            (
                r#"{"TableName":"Table","GlobalSecondaryIndexUpdates":[{}]}"#,
                "One or more parameter values were invalid: One of GlobalSecondaryIndexUpdate.Update, \
             GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null",
            ),
            (
                r#"{"TableName":"Table","StreamSpecification":{"StreamEnabled":false}}"#,
                "Table has no stream to disable: TableName: Table",
            ),
        ],
    );
    let nothing = client.told("UpdateTable", r#"{"TableName":"Table"}"#);
    assert!(
        nothing.contains("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled"),
        "{nothing}"
    );
}

#[test]
fn a_protected_table_stays() {
    let client = Client::with_table();
    let protect = |on: bool| format!(r#"{{"TableName":"Table","DeletionProtectionEnabled":{on}}}"#);
    client.ok("UpdateTable", &protect(true));
    client.refused("DeleteTable", &[(
        r#"{"TableName":"Table"}"#,
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
    )]);
    client.ok("UpdateTable", &protect(false));
    client.ok("DeleteTable", r#"{"TableName":"Table"}"#);
}

#[test]
fn tables_are_listed_by_pages() {
    let client = Client::new();
    for name in ["aaa", "bbb", "ccc"] {
        client.ok("CreateTable", &TABLE.replace("\"Table\"", &format!("\"{name}\"")));
    }
    assert_eq!(
        client.ok("ListTables", r#"{"Limit":2}"#),
        r#"{"LastEvaluatedTableName":"bbb","TableNames":["aaa","bbb"]}"#
    );
    assert_eq!(
        client.ok("ListTables", r#"{"Limit":2,"ExclusiveStartTableName":"bbb"}"#),
        r#"{"TableNames":["ccc"]}"#
    );
    client.refused("ListTables", &[
        (
            r#"{"Limit":0}"#,
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value \
             greater than or equal to 1",
        ),
        (
            r#"{"Limit":101}"#,
            "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less \
             than or equal to 100",
        ),
    ]);
}

#[test]
fn tags_are_put_on_and_taken_off() {
    let client = Client::with_table();
    let arn = r#""ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/Table""#;
    let tag = format!(r#"{{{arn},"Tags":[{{"Key":"b","Value":"2"}},{{"Key":"a","Value":"1"}}]}}"#);
    assert_eq!(client.told("TagResource", &tag), "200 ");
    let list = format!("{{{arn}}}");
    assert_eq!(
        client.ok("ListTagsOfResource", &list),
        r#"{"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]}"#
    );
    assert_eq!(client.told("UntagResource", &format!(r#"{{{arn},"TagKeys":["a","z"]}}"#)), "200 ");
    assert_eq!(client.ok("ListTagsOfResource", &list), r#"{"Tags":[{"Key":"b","Value":"2"}]}"#);
    client.refused(
        "TagResource",
        &[
            (&format!(r#"{{{arn},"Tags":[]}}"#), "Atleast one Tag needs to be provided as Input."),
            (
                r#"{"ResourceArn":"Table","Tags":[{"Key":"a","Value":"1"}]}"#,
                "One or more parameter values were invalid: ARNs must start with 'arn:': Table",
            ),
        ],
    );
}

#[test]
fn expiry_is_switched_and_told() {
    let client = Client::with_table();
    let told = r#"{"TableName":"Table"}"#;
    assert_eq!(
        client.ok("DescribeTimeToLive", told),
        r#"{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}"#
    );
    let switch = |enabled: bool| {
        format!(
            r#"{{"TableName":"Table","TimeToLiveSpecification":{{"AttributeName":"at","Enabled":{enabled}}}}}"#
        )
    };
    assert_eq!(
        client.ok("UpdateTimeToLive", &switch(true)),
        r#"{"TimeToLiveSpecification":{"AttributeName":"at","Enabled":true}}"#
    );
    // Items that were there before get their expiry in the background; here there are none.
    let status = |status| {
        format!(r#"{{"TimeToLiveDescription":{{"AttributeName":"at","TimeToLiveStatus":"{status}"}}}}"#)
    };
    let looks = (0..1000).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        client.ok("DescribeTimeToLive", told)
    });
    let found = looks.into_iter().find(|found| *found != status("ENABLING"));
    assert_eq!(found, Some(status("ENABLED")));
    client.refused("UpdateTimeToLive", &[
        (&switch(true), "TimeToLive is already enabled"),
        (
            r#"{"TableName":"Table"}"#,
            "1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member \
             must not be null",
        ),
    ]);
}

#[test]
fn the_account_has_limits_and_an_endpoint() {
    let client = Client::new();
    let limits = client.json("DescribeLimits", "{}");
    assert_eq!(limits["TableMaxReadCapacityUnits"], 40_000);
    assert_eq!(
        client.ok("DescribeEndpoints", "{}"),
        format!(
            r#"{{"Endpoints":[{{"Address":"{}","CachePeriodInMinutes":1440}}]}}"#,
            client.server.address()
        )
    );
}
