// One item, to be looked at, changed and deleted.
//
// Nothing is lost by saving: a new item, and one whose key was changed, is written only where there is none; one that was
// opened, only while it is what it was when it was read.

import { ask } from "/page/client.js";
import { byId } from "/page/elements.js";
import { keyOf, same } from "/page/values.js";

const told = (text) => { byId("editor-told").textContent = text; };

/** Opens an item of a table, or a new one; `done` is called when something was written. */
export async function edit(table, item, done) {
  const { TableName, KeySchema } = table;
  let before = null;
  told("");
  try {
    // An index may not have all of it.
    if (item) before = (await ask("GetItem", { TableName, Key: keyOf(item, KeySchema), ConsistentRead: true })).Item ?? null;
  } catch (error) {
    told(error.message);
  }
  const type = (name) => table.AttributeDefinitions.find(({ AttributeName }) => AttributeName === name).AttributeType;
  const empty = () => Object.fromEntries(KeySchema.map(({ AttributeName }) => [AttributeName, { [type(AttributeName)]: "" }]));
  byId("editor-title").textContent = before ? "Item" : "New item";
  byId("item-text").value = JSON.stringify(before ?? empty(), null, 2);
  byId("delete-item").hidden = !before;
  byId("delete-item").textContent = "Delete";

  byId("save-item").onclick = async () => {
    told("");
    let Item;
    try {
      Item = JSON.parse(byId("item-text").value);
    } catch (error) {
      told(`This is no JSON: ${error.message}`);
      return;
    }
    const isSameKey = before && same(keyOf(Item, KeySchema), keyOf(before, KeySchema));
    await write("PutItem", { TableName, Item, ...(isSameKey ? unchanged(before) : absent(KeySchema)) }, done,
      isSameKey ? "The item has been changed since it was opened. Close it and open it again."
        : "There is an item with this key already.");
  };
  byId("delete-item").onclick = async () => {
    if (byId("delete-item").textContent === "Delete") {
      byId("delete-item").textContent = "Really delete";
      return;
    }
    await write("DeleteItem", { TableName, Key: keyOf(before, KeySchema), ...unchanged(before) }, done,
      "The item has been changed since it was opened. Close it and open it again.");
  };
  byId("editor").showModal();
  byId("item-text").setSelectionRange(0, 0);
  byId("item-text").scrollTop = 0;
}

async function write(operation, request, done, conflict) {
  byId("save-item").disabled = true;
  try {
    await ask(operation, request);
    byId("editor").close();
    await done();
  } catch (error) {
    told(error.exception === "ConditionalCheckFailedException" ? conflict : error.message);
  } finally {
    byId("save-item").disabled = false;
  }
}

const absent = (schema) => ({
  ConditionExpression: "attribute_not_exists(#k)",
  ExpressionAttributeNames: { "#k": schema[0].AttributeName },
});

/** Every attribute that it had is what it was. So many attributes that it would be no expression any more go unchecked. */
function unchanged(item) {
  const attributes = Object.entries(item).slice(0, 100);
  return {
    ConditionExpression: attributes.map((_, place) => `#a${place} = :a${place}`).join(" AND "),
    ExpressionAttributeNames: Object.fromEntries(attributes.map(([name], place) => [`#a${place}`, name])),
    ExpressionAttributeValues: Object.fromEntries(attributes.map(([, value], place) => [`:a${place}`, value])),
  };
}
