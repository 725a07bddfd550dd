// Drives the page for people in a headless browser: what people see of tables, items and the engine, and what they change.
//
//   node page_client.mjs BROWSER [DIRECTORY FOR PICTURES]

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const [executablePath, pictures] = process.argv.slice(2);
const endpoint = process.env.AWS_ENDPOINT_URL;
const profile = await mkdtemp(path.join(tmpdir(), "page-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: { width: 1280, height: 860 },
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

async function ask(operation, request) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": `DynamoDB_20120810.${operation}` },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
}

await ask("CreateTable", {
  TableName: "Music",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [
    { AttributeName: "artist", AttributeType: "S" }, { AttributeName: "year", AttributeType: "N" },
    { AttributeName: "label", AttributeType: "S" },
  ],
  KeySchema: [{ AttributeName: "artist", KeyType: "HASH" }, { AttributeName: "year", KeyType: "RANGE" }],
  GlobalSecondaryIndexes: [{
    IndexName: "ByLabel", Projection: { ProjectionType: "KEYS_ONLY" },
    KeySchema: [{ AttributeName: "label", KeyType: "HASH" }],
  }],
});
for (let number = 0; number < 60; number += 1) {
  await ask("PutItem", { TableName: "Music", Item: {
    artist: { S: number % 2 ? "Nina Simone" : "<img src=x onerror=alert(1)>" }, year: { N: String(1950 + number) },
    label: { S: `label ${number % 3}` }, tags: { SS: ["a", "b"] }, more: { M: { nested: { L: [{ N: "1" }, { BOOL: true }] } } },
  } });
}

try {
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  const text = (selector) => page.locator(selector).innerText();
  const rows = () => page.locator("#items tbody tr").count();
  const told = async (expected) => page.locator("#told", { hasText: expected }).waitFor();
  const picture = async (name) => pictures && page.screenshot({ path: path.join(pictures, `${name}.png`) });

  // A table is found, described and scanned by pages; what items say is shown and not run.
  await page.goto(endpoint);
  await page.getByText("Choose a table.").waitFor();
  await page.getByRole("link", { name: "Music" }).click();
  await told("Scan: 25 items, and more");
  assert.equal(await text("#table-name"), "Music");
  assert.match(await text("#facts"), /artist \(S\), year \(N\)[\s\S]*on demand/);
  assert.equal(await rows(), 25);
  assert.match(await text("#items tbody"), /<img src=x onerror=alert\(1\)>/);
  assert.match(await text("#items tbody"), /\{nested: \[1, true\]\}/);
  await picture("items");
  await page.getByRole("button", { name: "Next page" }).click();
  await page.getByRole("button", { name: "Next page" }).click();
  await told(/^Scan: 10 items, in/);

  // A query by both keys, of the table and of an index.
  await page.locator("#partition").fill("Nina Simone");
  await page.locator("#operator").selectOption(">=");
  await page.locator("#sort").fill("2000");
  await page.locator("#order").selectOption("down");
  await page.getByRole("button", { name: "Run" }).click();
  await told("Query: 5 items");
  assert.match(await text("#items tbody tr:first-child"), /2009/);
  await page.locator("#indexes summary").click();
  assert.match(await text("#indexes tbody"), /ByLabel\s+label \(S\)\s+KEYS_ONLY\s+ACTIVE/);
  await page.locator("#source").selectOption("ByLabel");
  await page.locator("#partition").fill("label 1");
  assert.ok(await page.locator("#sort-field").isHidden());
  await page.getByRole("button", { name: "Run" }).click();
  await told("Query: 20 items");
  await picture("index");

  // An item is opened from an index, whole; changed; a change in between is not overwritten.
  await page.locator("#source").selectOption("");
  await page.locator("#partition").fill("Nina Simone");
  await page.locator("#sort").fill("1965");
  await page.locator("#operator").selectOption("=");
  await page.getByRole("button", { name: "Run" }).click();
  await told("Query: 1 item,");
  await page.locator("#items tbody button").first().click();
  const editor = page.locator("#item-text");
  await editor.waitFor();
  const item = JSON.parse(await editor.inputValue());
  assert.deepEqual(item.tags, { SS: ["a", "b"] });
  await picture("editor");
  await editor.fill("{");
  await page.getByRole("button", { name: "Save" }).click();
  assert.match(await text("#editor-told"), /This is no JSON/);
  await editor.fill(JSON.stringify({ ...item, title: { S: "Feeling Good" } }));
  await page.getByRole("button", { name: "Save" }).click();
  await told("Query: 1 item,");
  await page.locator("#items", { hasText: "Feeling Good" }).waitFor();
  await page.locator("#items tbody button").first().click();
  await ask("PutItem", { TableName: "Music", Item: { ...item, title: { S: "Sinnerman" } } });
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#editor-told", { hasText: "has been changed" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  const kept = await ask("GetItem", { TableName: "Music", Key: { artist: item.artist, year: item.year } });
  assert.equal(kept.Item.title.S, "Sinnerman");

  // A new item does not take the place of another; deleting asks twice.
  await page.getByRole("button", { name: "New item" }).click();
  await editor.fill(JSON.stringify({ artist: item.artist, year: item.year }));
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#editor-told", { hasText: "already" }).waitFor();
  await editor.fill(JSON.stringify({ artist: { S: "Nina Simone" }, year: { N: "x" } }));
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#editor-told", { hasText: "cannot be converted to a numeric value" }).waitFor();
  await editor.fill(JSON.stringify({ artist: { S: "Nina Simone" }, year: { N: "2030" } }));
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#editor").waitFor({ state: "hidden" });
  await page.locator("#sort").fill("2030");
  await page.getByRole("button", { name: "Run" }).click();
  await told("Query: 1 item,");
  await page.locator("#items tbody button").first().click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Really delete" }).click();
  await told("Query: 0 items");

  // What the server refuses is told.
  await page.locator("#sort").fill("many");
  await page.getByRole("button", { name: "Run" }).click();
  await page.locator("#notice", { hasText: "numeric value" }).waitFor();

  // The engine is looked at live.
  await page.getByRole("link", { name: "Engine" }).click();
  await page.locator("#health", { hasText: "healthy" }).waitFor();
  const commits = async () => Number((await text(".tile:first-child small")).replace(/\D/g, ""));
  const before = await commits();
  assert.ok(before >= 60, `${before} commits`);
  for (let number = 0; number < 20; number += 1) {
    await ask("PutItem", { TableName: "Music", Item: { artist: { S: "live" }, year: { N: String(number) } } });
  }
  await page.waitForFunction(
    (least) => Number(document.querySelector(".tile small").textContent.replace(/\D/g, "")) >= least, before + 20,
  );
  assert.match(await text("#operations"), /PutItem/);
  assert.ok(await page.locator("#levels tbody tr").count() >= 1);
  await page.waitForTimeout(2500);
  await picture("engine");

  // Everything that is operated has a name; the keyboard reaches it; dark and narrow, nothing is wider than the window.
  await page.getByRole("link", { name: "Tables" }).click();
  await told(/Scan|Query/).catch(() => {});
  const nameless = await page.evaluate(() => [...document.querySelectorAll("input, select, textarea, button, a")]
    .filter((element) => !(element.labels?.length || element.textContent.trim() || element.getAttribute("aria-label")
      || element.getAttribute("aria-labelledby")))
    .map((element) => element.outerHTML));
  assert.deepEqual(nameless, []);
  await page.keyboard.press("Tab");
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "BODY");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 420, height: 800 });
  await page.getByRole("link", { name: "Music" }).click();
  await page.locator("#table-name").waitFor();
  const widest = () => [document.documentElement.scrollWidth, innerWidth];
  const [width, room] = await page.evaluate(widest);
  assert.ok(width <= room, `${width} in ${room}`);
  await picture("narrow");

  const wanted = complaints.filter((complaint) => !complaint.includes("status of 400"));
  assert.deepEqual(wanted, []);
  console.log(`the page in ${context.browser()?.version() ?? "the browser"}: all is well at ${endpoint}`);
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
