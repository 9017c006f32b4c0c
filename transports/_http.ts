/**
 * Web requests and responses on a `node:http` server.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";

/** Largest request body that is read, in bytes; larger ones are refused with 413. */
const MAX_BODY_BYTES = 1_048_576;

type Handler = (request: Request) => Response | Promise<Response>;

/** A `node:http` request listener that lets a web handler answer. */
export function answerWith(
  handler: Handler = () => new Response("not found", { status: 404 }),
): (request: IncomingMessage, response: ServerResponse) => void {
  return (incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch(() => {
      // What went wrong is the handler's secret; the client learns that it did.
      if (!outgoing.headersSent) outgoing.writeHead(500);
      outgoing.end();
    });
  };
}

async function answer(
  handler: Handler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = await readBody(incoming);
  if (body === undefined) {
    outgoing.writeHead(413, { connection: "close" });
    return void outgoing.end();
  }
  const request = toRequest(incoming, body);
  if (request === undefined) {
    outgoing.writeHead(400, { connection: "close" });
    return void outgoing.end();
  }
  const response = await handler(request);
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  outgoing.writeHead(response.status);
  outgoing.end(
    incoming.method === "HEAD" ? undefined : new Uint8Array(await response.arrayBuffer()),
  );
}

async function readBody(incoming: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}

function toRequest(incoming: IncomingMessage, body: Uint8Array): Request | undefined {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  const method = incoming.method ?? "GET";
  const url = URL.parse(incoming.url ?? "/", `http://${incoming.headers.host ?? "localhost"}`);
  if (url === null) return undefined;
  const hasBody = method !== "GET" && method !== "HEAD" && body.length > 0;
  return new Request(url, { method, headers, ...(hasBody && { body: body.slice() }) });
}
