// Drives a server with the AWS SDK for JavaScript: the client, the document client, paginators and waiters.

import assert from "node:assert/strict";
import {
  ConditionalCheckFailedException, CreateTableCommand, DeleteTableCommand, DescribeTableCommand, DynamoDBClient,
  TransactionCanceledException, waitUntilTableExists, waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand, DynamoDBStreamsClient, GetRecordsCommand, GetShardIteratorCommand,
} from "@aws-sdk/client-dynamodb-streams";
import {
  BatchWriteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, TransactWriteCommand, UpdateCommand,
  paginateQuery,
} from "@aws-sdk/lib-dynamodb";

const client = new DynamoDBClient({ maxAttempts: 1 });
const documents = DynamoDBDocumentClient.from(client);
const TableName = "Orders";

await client.send(new CreateTableCommand({
  TableName,
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }, { AttributeName: "sk", AttributeType: "N" }],
  KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }, { AttributeName: "sk", KeyType: "RANGE" }],
  StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
}));
await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { TableName });
const { Table } = await client.send(new DescribeTableCommand({ TableName }));
assert.ok(Table.CreationDateTime instanceof Date);

const item = { pk: "a", sk: 1, list: [1, "x", null], map: { nested: true }, set: new Set(["a", "b"]), bytes: new Uint8Array([0, 255]) };
await documents.send(new PutCommand({ TableName, Item: item }));
const got = await documents.send(new GetCommand({ TableName, Key: { pk: "a", sk: 1 } }));
assert.deepEqual({ ...got.Item, bytes: [...got.Item.bytes] }, { ...item, bytes: [0, 255] });

const updated = await documents.send(new UpdateCommand({
  TableName, Key: { pk: "a", sk: 1 }, UpdateExpression: "SET n = if_not_exists(n, :zero) + :one",
  ExpressionAttributeValues: { ":zero": 0, ":one": 1 }, ReturnValues: "ALL_NEW",
}));
assert.equal(updated.Attributes.n, 1);

await assert.rejects(
  documents.send(new PutCommand({
    TableName, Item: { pk: "a", sk: 1 }, ConditionExpression: "attribute_not_exists(pk)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  })),
  (error) => error instanceof ConditionalCheckFailedException && error.Item.n.N === "1",
);
await assert.rejects(
  documents.send(new TransactWriteCommand({ TransactItems: [
    { Put: { TableName, Item: { pk: "b", sk: 1 } } },
    { Delete: { TableName, Key: { pk: "a", sk: 1 }, ConditionExpression: "n = :n", ExpressionAttributeValues: { ":n": 7 } } },
  ] })),
  (error) => error instanceof TransactionCanceledException
    && error.CancellationReasons[1].Code === "ConditionalCheckFailed"
    && error.message.endsWith("[None, ConditionalCheckFailed]"),
);

for (let batch = 0; batch < 4; batch += 1) {
  const puts = Array.from({ length: 25 }, (_, place) => ({ PutRequest: { Item: { pk: "p", sk: batch * 25 + place } } }));
  const { UnprocessedItems } = await documents.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }));
  assert.deepEqual(UnprocessedItems, {});
}
const seen = [];
for await (const page of paginateQuery({ client: documents, pageSize: 30 }, {
  TableName, KeyConditionExpression: "pk = :p", ExpressionAttributeValues: { ":p": "p" },
})) {
  seen.push(...page.Items.map((found) => found.sk));
}
assert.deepEqual(seen, Array.from({ length: 100 }, (_, place) => place));

const streams = new DynamoDBStreamsClient({ maxAttempts: 1 });
const StreamArn = Table.LatestStreamArn;
const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
const { ShardIterator } = await streams.send(new GetShardIteratorCommand({
  StreamArn, ShardId: StreamDescription.Shards[0].ShardId, ShardIteratorType: "TRIM_HORIZON",
}));
const { Records } = await streams.send(new GetRecordsCommand({ ShardIterator }));
assert.deepEqual(Records.slice(0, 2).map((record) => record.eventName), ["INSERT", "MODIFY"]);
assert.equal(Records[1].dynamodb.NewImage.n.N, "1");

await client.send(new DeleteTableCommand({ TableName }));
await waitUntilTableNotExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { TableName });
console.log(`AWS SDK for JavaScript: all is well at ${process.env.AWS_ENDPOINT_URL}`);
