// Which view is shown, and what both share.

import { ask, signIn } from "/page/client.js";
import { byId } from "/page/elements.js";
import { showTables } from "/page/tables.js";
import { startEngine, stopEngine } from "/page/engine.js";

byId("endpoint").textContent = location.origin;

/** What failed is told above everything; a request that must be signed asks for a key. */
export function failed(error) {
  if (["MissingAuthenticationTokenException", "UnrecognizedClientException", "InvalidSignatureException"].includes(error.exception)) {
    byId("sign-in-told").textContent = error.exception.startsWith("Missing") ? "" : error.message;
    if (!byId("sign-in").open) byId("sign-in").showModal();
    return;
  }
  byId("notice").textContent = error.message;
  byId("notice").hidden = false;
}

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  signIn(byId("access-key").value.trim(), byId("secret-key").value);
  try {
    await ask("ListTables", { Limit: 1 });
    byId("sign-in").close();
    byId("secret-key").value = "";
    route();
  } catch (error) {
    byId("sign-in-told").textContent = error.message;
  }
});

function route() {
  const [view, name] = location.hash.slice(1).split("/");
  const isEngine = view === "engine";
  byId("notice").hidden = true;
  byId("view-engine").hidden = !isEngine;
  byId("view-tables").hidden = isEngine;
  for (const [id, isCurrent] of [["to-engine", isEngine], ["to-tables", !isEngine]]) {
    if (isCurrent) byId(id).setAttribute("aria-current", "page");
    else byId(id).removeAttribute("aria-current");
  }
  if (isEngine) {
    startEngine(failed);
  } else {
    stopEngine();
    showTables(name ? decodeURIComponent(name) : null, failed);
  }
}

window.addEventListener("hashchange", route);
byId("refresh").addEventListener("click", route);
route();
