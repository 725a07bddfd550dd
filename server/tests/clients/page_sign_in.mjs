// The page for people over a server that answers signed requests only: who has the key sees what there is.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const [executablePath, pictures] = process.argv.slice(2);
const profile = await mkdtemp(path.join(tmpdir(), "page-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
try {
  const page = await context.newPage();
  await page.goto(process.env.AWS_ENDPOINT_URL);
  const signIn = async (key, secret) => {
    await page.getByLabel("Access key").fill(key);
    await page.getByLabel("Secret").fill(secret);
    await page.locator("#sign-in button").click();
  };
  await page.getByLabel("Access key").waitFor();
  if (pictures) await page.screenshot({ path: path.join(pictures, "sign-in.png") });
  await signIn("right", "wrong");
  await page.locator("#sign-in-told", { hasText: "signature we calculated" }).waitFor();
  await signIn("right", "secret");
  await page.locator("#sign-in").waitFor({ state: "hidden" });
  await page.locator("#table-none, #table-list a").first().waitFor();
  await page.getByRole("link", { name: "Engine" }).click();
  await page.locator("#health", { hasText: "healthy" }).waitFor();
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(kept, [0, 0, ""]);
  console.log("the page, signed in: all is well");
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
