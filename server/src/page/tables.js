// Tables and their items.

import { ask } from "/page/client.js";
import { byId, count, element, size } from "/page/elements.js";
import { edit } from "/page/editor.js";
import { shown, typed } from "/page/values.js";

const COLUMNS_MAX = 24;
let names = [];
let table = null;
let next = null;
let failed = () => {};

const attribute = (schema, role) => schema.find(({ KeyType }) => KeyType === role)?.AttributeName;

/** Shows the list of all tables, and the one of this name. */
export async function showTables(name, onFailure) {
  failed = onFailure;
  try {
    names = [];
    let start;
    do {
      const page = await ask("ListTables", start ? { ExclusiveStartTableName: start } : {});
      names.push(...page.TableNames);
      start = page.LastEvaluatedTableName;
    } while (start);
    list(name);
    byId("table").hidden = !name;
    byId("choose").hidden = Boolean(name) || names.length === 0;
    if (name) await show(name);
  } catch (error) {
    byId("table").hidden = true;
    failed(error);
  }
}

function list(current) {
  const wanted = byId("find-table").value.toLowerCase();
  const found = names.filter((name) => name.toLowerCase().includes(wanted));
  byId("table-list").replaceChildren(...found.map((name) => element("li", {}, element(
    "a", { href: `#tables/${encodeURIComponent(name)}`, "aria-current": name === current && "true" }, name,
  ))));
  byId("table-none").hidden = names.length > 0;
}

async function show(name) {
  const isSame = table?.TableName === name;
  table = (await ask("DescribeTable", { TableName: name })).Table;
  byId("table-name").textContent = name;
  const facts = {
    Status: table.TableStatus,
    Key: keyText(table.KeySchema),
    "Items, when last counted": count(table.ItemCount),
    "Size then": size(table.TableSizeBytes),
    Billing: table.BillingModeSummary?.BillingMode === "PAY_PER_REQUEST" ? "on demand" : "provisioned",
    Stream: table.StreamSpecification?.StreamViewType ?? "none",
  };
  byId("facts").replaceChildren(...Object.entries(facts).map(([term, text]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, text))));
  const indexes = [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
  byId("indexes").hidden = indexes.length === 0;
  byId("indexes").querySelector("summary").textContent = indexes.length === 1 ? "1 index" : `${indexes.length} indexes`;
  byId("indexes").querySelector("tbody").replaceChildren(...indexes.map((index) => element("tr", {},
    element("th", { scope: "row" }, index.IndexName), element("td", {}, keyText(index.KeySchema)),
    element("td", {}, index.Projection.ProjectionType), element("td", {}, index.IndexStatus ?? "local"),
    element("td", { class: "number" }, count(index.ItemCount)), element("td", { class: "number" }, size(index.IndexSizeBytes)))));
  if (!isSame) {
    byId("source").replaceChildren(element("option", { value: "" }, "the table"), ...indexes.map(({ IndexName }) =>
      element("option", { value: IndexName }, IndexName)));
    byId("partition").value = "";
    byId("sort").value = "";
  }
  labels();
  await run();
}

function keyText(schema) {
  return schema.map(({ AttributeName }) => `${AttributeName} (${typeOf(AttributeName)})`).join(", ");
}

const typeOf = (name) => table.AttributeDefinitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType;

/** The key of what is read. */
function schema() {
  const indexes = [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
  return indexes.find(({ IndexName }) => IndexName === byId("source").value)?.KeySchema ?? table.KeySchema;
}

function labels() {
  const [partition, sort] = [attribute(schema(), "HASH"), attribute(schema(), "RANGE")];
  byId("partition-label").textContent = partition;
  byId("sort-field").hidden = !sort;
  byId("sort-label").textContent = sort ?? "";
}

function request() {
  const read = { TableName: table.TableName, Limit: Number(byId("limit").value) };
  if (byId("source").value) read.IndexName = byId("source").value;
  const partition = byId("partition").value;
  if (!partition) return ["Scan", read];
  const [first, second] = [attribute(schema(), "HASH"), attribute(schema(), "RANGE")];
  read.KeyConditionExpression = "#p = :p";
  read.ExpressionAttributeNames = { "#p": first };
  read.ExpressionAttributeValues = { ":p": typed(typeOf(first), partition) };
  if (second && byId("sort").value) {
    const operator = byId("operator").value;
    read.KeyConditionExpression += operator === "begins_with" ? " AND begins_with(#s, :s)" : ` AND #s ${operator} :s`;
    read.ExpressionAttributeNames["#s"] = second;
    read.ExpressionAttributeValues[":s"] = typed(typeOf(second), byId("sort").value);
  }
  read.ScanIndexForward = byId("order").value === "up";
  return ["Query", read];
}

/** Reads a page, from the beginning or from where the last one ended. */
async function run(start = null) {
  const [operation, read] = request();
  if (start) read.ExclusiveStartKey = start;
  byId("told").textContent = "Reading…";
  try {
    const begun = performance.now();
    const page = await ask(operation, read);
    const millis = Math.round(performance.now() - begun);
    byId("notice").hidden = true;
    fill(page.Items);
    next = page.LastEvaluatedKey ?? null;
    byId("more").hidden = !next;
    const what = page.Count === 1 ? "1 item" : `${count(page.Count)} items`;
    byId("told").textContent = `${operation}: ${what}${next ? ", and more" : ""}, in ${millis} ms`;
  } catch (error) {
    fill([]);
    byId("more").hidden = true;
    byId("told").textContent = "";
    failed(error);
  }
}

function fill(items) {
  const keys = [...new Set([...table.KeySchema, ...schema()].map(({ AttributeName }) => AttributeName))];
  const others = [...new Set(items.flatMap(Object.keys))].filter((name) => !keys.includes(name)).sort();
  const columns = [...keys, ...others].slice(0, COLUMNS_MAX);
  byId("items").tHead.replaceChildren(element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name))));
  byId("items").tBodies[0].replaceChildren(...items.map((item) => element("tr", {}, ...columns.map((name, place) => {
    const text = shown(item[name]);
    if (place > 0) return element("td", { title: text.slice(0, 2000) }, text.slice(0, 300));
    const open = () => edit(table, item, () => run());
    return element("td", {}, element("button", { type: "button", onclick: open, title: "Open the item" }, text || "(empty)"));
  }))));
}

byId("find-table").addEventListener("input", () => list(table?.TableName));
byId("source").addEventListener("change", labels);
byId("browse").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
byId("more").addEventListener("click", () => run(next));
byId("new-item").addEventListener("click", () => edit(table, null, () => run()));
