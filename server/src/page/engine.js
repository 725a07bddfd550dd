// The engine, looked at every second.

import { ask } from "/page/client.js";
import { byId, count, element, size, time } from "/page/elements.js";

const EVERY_MILLIS = 1000;
const KEPT = 90;
let timer = null;
let last = null;
const lines = new Map();

/** Looks at the engine until `stopEngine`. */
export function startEngine(failed) {
  if (timer !== null) return;
  const look = async () => {
    try {
      const told = await ask("Statistics", {}, "Pixii_20261125");
      if (timer === null) return;
      draw(told, performance.now());
      timer = setTimeout(look, EVERY_MILLIS);
    } catch (error) {
      stopEngine();
      byId("health").textContent = "no answer";
      byId("health").className = "bad";
      failed(error);
    }
  };
  timer = setTimeout(look, 0);
}

export function stopEngine() {
  clearTimeout(timer);
  timer = null;
  last = null;
}

function draw(told, at) {
  const { Engine: engine, Operations: operations, BoundsMicros: bounds } = told;
  const seconds = last ? (at - last.at) / 1000 : 0;
  const rate = (member) => (last ? Math.max(0, engine[member] - last.engine[member]) / seconds : 0);
  byId("health").textContent = engine.IsPoisoned ? "no more writes are taken" : engine.HasBackgroundError ? "background work fails" : "healthy";
  byId("health").className = engine.IsPoisoned || engine.HasBackgroundError ? "bad" : "";
  byId("tiles").replaceChildren(
    tile("Commits", `${count(rate("Commits"))} /s`, `${count(engine.Commits)} in all`, rate("Commits")),
    tile("Write-ahead log", `${size(rate("LogBytes"))}/s`, `${size(engine.LogBytes)}, ${count(engine.LogSyncs)} syncs`, rate("LogBytes")),
    tile("Memtables", size(engine.MemtableBytes), `${engine.FrozenMemtables} waiting to be flushed`, engine.MemtableBytes),
    tile("Flushes", count(engine.Flushes), `${size(engine.TableBytesWritten)} of tables written`, engine.Flushes),
    tile("Compactions", count(engine.Compactions), `${count(engine.Stalls)} times a writer waited`, engine.Compactions),
    tile("Indexes and filters", size(engine.TableMemoryBytes), `${count(engine.Snapshots)} snapshots held`, engine.TableMemoryBytes),
  );
  const largest = Math.max(1, ...engine.Levels.map(({ Bytes }) => Bytes));
  const used = engine.Levels.findLastIndex(({ Tables }) => Tables > 0);
  const levels = engine.Levels.slice(0, Math.max(2, used + 1));
  byId("levels").tBodies[0].replaceChildren(...levels.map((level, place) => element("tr", {},
    element("th", { scope: "row" }, place), number(count(level.Tables)), number(count(level.Entries)), number(size(level.Bytes)),
    element("td", {}, element("meter", { min: 0, max: largest, value: level.Bytes, "aria-label": `size of level ${place}` })))));
  byId("operations").tBodies[0].replaceChildren(...operations.map((operation) => {
    const answered = operation.Succeeded + operation.Refused + operation.Failed;
    const before = last?.answered.get(operation.Operation) ?? (last ? 0 : answered);
    return element("tr", {}, element("th", { scope: "row" }, operation.Operation),
      number(last ? count((answered - before) / seconds) : "–"), number(count(operation.Succeeded)),
      number(count(operation.Refused)), number(count(operation.Failed)), number(time(operation.Micros / answered)),
      number(time(within(operation.Buckets, bounds, 0.5))), number(time(within(operation.Buckets, bounds, 0.99))));
  }));
  const answered = new Map(operations.map((operation) =>
    [operation.Operation, operation.Succeeded + operation.Refused + operation.Failed]));
  last = { at, engine, answered };
}

const number = (text) => element("td", { class: "number" }, text);

/** The bound that so large a part of the requests keeps; none if it is beyond all bounds. */
function within(buckets, bounds, part) {
  const wanted = part * buckets.reduce((sum, bucket) => sum + bucket, 0);
  let sum = 0;
  for (const [place, bucket] of buckets.entries()) {
    sum += bucket;
    if (sum >= wanted) return bounds[place];
  }
  return null;
}

function tile(name, value, more, height) {
  const line = lines.get(name) ?? [];
  line.push(height);
  if (line.length > KEPT) line.shift();
  lines.set(name, line);
  return element("article", { class: "tile" }, element("h3", {}, name), element("p", {}, value), element("small", {}, more), curve(line));
}

function curve(line) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  const most = Math.max(1, ...line);
  svg.setAttribute("viewBox", `0 0 ${KEPT - 1} 30`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const points = document.createElementNS(namespace, "polyline");
  const from = KEPT - line.length;
  points.setAttribute("points", line.map((height, place) => `${from + place},${29 - (28 * height) / most}`).join(" "));
  svg.append(points);
  return svg;
}
