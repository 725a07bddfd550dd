// Requests of the page: those that every client of the server makes, signed if the server asks for it.

const encoder = new TextEncoder();
let credentials = null;

/** A refusal: DynamoDB's exception and its message. */
export class Refusal extends Error {
  constructor(exception, message) {
    super(message);
    this.exception = exception;
  }
}

/** From now on requests are signed with this key. It is kept in memory only. */
export function signIn(key, secret) {
  credentials = { key, secret };
}

/** Asks an operation, and gives its answer. */
export async function ask(operation, request = {}, service = "DynamoDB_20120810") {
  const body = JSON.stringify(request);
  const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": `${service}.${operation}` };
  if (credentials) Object.assign(headers, await signature(headers, body));
  const response = await fetch("/", { method: "POST", headers, body, cache: "no-store", credentials: "omit" });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  if (response.ok) return answer;
  const exception = String(answer.__type ?? response.status).split("#").pop();
  throw new Refusal(exception, answer.message ?? answer.Message ?? exception);
}

const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const hash = async (text) => hex(await crypto.subtle.digest("SHA-256", encoder.encode(text)));

async function mac(key, text) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, encoder.encode(text));
}

// AWS signature version 4.
async function signature(headers, body) {
  if (!globalThis.crypto?.subtle) {
    throw new Refusal("SignIn", "Browsers sign only on pages of this machine or over TLS: start the server with a certificate");
  }
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const day = time.slice(0, 8);
  const signed = { ...headers, host: location.host, "x-amz-date": time };
  const names = Object.keys(signed).sort();
  const canonical = [
    "POST", "/", "", ...names.map((name) => `${name}:${signed[name]}`), "", names.join(";"), await hash(body),
  ].join("\n");
  const scope = `${day}/us-east-1/dynamodb/aws4_request`;
  let key = encoder.encode(`AWS4${credentials.secret}`);
  for (const part of scope.split("/")) key = await mac(key, part);
  const text = ["AWS4-HMAC-SHA256", time, scope, await hash(canonical)].join("\n");
  return {
    "x-amz-date": time,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.key}/${scope}, SignedHeaders=${names.join(";")}, `
      + `Signature=${hex(await mac(key, text))}`,
  };
}
