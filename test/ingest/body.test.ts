/** Uses only what the platforms share (Request, streams), so that it holds on Node and on the Workers runtime. */
import { expect, test } from "vitest";
import { bodyBytesMax, inflatedBytesMax } from "../../domain/limits.ts";
import { admitRequest } from "../../workers/ingest/body.ts";

type Part = string | Uint8Array<ArrayBuffer>;

const event = JSON.stringify({ specversion: "1.0", id: "1", source: "/s", type: "t", data: { n: 1.0 } });
const utf8 = new TextEncoder();

function bytesOf(part: Part): Uint8Array<ArrayBuffer> {
  return typeof part === "string" ? new Uint8Array(utf8.encode(part)) : part;
}

/** A request whose body comes in chunks, without a length. */
function chunked(headers: Record<string, string>, ...parts: Part[]): Request {
  const chunks = parts.map(bytesOf);
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const init: RequestInit & { duplex: "half" } = { method: "POST", headers, body, duplex: "half" };
  return new Request("https://e.com/v1/events", init);
}

function post(headers: Record<string, string>, body: Part | null): Request {
  const bytes = body === null ? null : bytesOf(body);
  const length: Record<string, string> = bytes === null ? {} : { "content-length": String(bytes.length) };
  return new Request("https://e.com/v1/events", {
    method: "POST",
    headers: { ...length, ...headers },
    body: bytes,
  });
}

async function gzip(part: Part): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytesOf(part)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function verdictsOf(request: Request): Promise<string> {
  const result = await admitRequest(request);
  if (!result.ok) return result.reason.code;
  return result.value.map(({ outcome }) => (outcome.ok ? "taken" : outcome.reason.code)).join(" ");
}

/** What would be stored of a request, a line for each event. */
async function storedOf(request: Request): Promise<string> {
  const result = await admitRequest(request);
  if (!result.ok) return result.reason.code;
  return result.value
    .map(({ outcome }) => (outcome.ok ? outcome.value.json : outcome.reason.code))
    .join("\n");
}

const json = { "content-type": "application/json" };
const ce = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t" };

test.each<[string, string, string]>([
  ["application/cloudevents+json", event, "taken"],
  ["Application/CloudEvents+JSON; Charset=UTF-8", event, "taken"],
  ["application/cloudevents-batch+json; charset=utf-8", `[${event},${event}]`, "taken taken"],
  ["application/cloudevents-batch+json", "[]", ""],
  ["application/json", event, "taken"],
  ["application/json", `[${event},{}]`, "taken invalid_specversion"],
  ["application/x-ndjson", `${event}\n\n${event}\n{`, "taken taken invalid_json"],
  ["application/ndjson", event, "taken"],
  ["application/jsonl", `${event}\r\n${event}\r\n`, "taken taken"],
  ["text/plain;charset=UTF-8", event, "taken"],
  ["text/plain", `[${event}]`, "taken"],
  ["text/plain", `${event}\n${event}`, "taken taken"],
  ["application/cloudevents+avro", event, "unsupported_media_type"],
  ["application/cloudevents+protobuf", event, "unsupported_media_type"],
  ["application/cloudevents+xml", event, "unsupported_media_type"],
  ["application/cloudevents-batch+protobuf", event, "unsupported_media_type"],
  ["application/cloudevents", event, "unsupported_media_type"],
  ["application/json; charset=iso-8859-1", event, "unsupported_media_type"],
  ["application/x-www-form-urlencoded", event, "unsupported_media_type"],
  ["application/octet-stream", event, "unsupported_media_type"],
  ["application/json", `\ufeff${event}`, "taken"],
  ["application/json", "", "unreadable_body"],
  ["application/json", " \n", "unreadable_body"],
  ["application/json", `[${event}`, "unreadable_body"],
])("%s", async (type, body, expected) => {
  expect(await verdictsOf(post({ "content-type": type }, body))).toBe(expected);
  expect(await verdictsOf(chunked({ "content-type": type }, body.slice(0, 9), body.slice(9)))).toBe(expected);
});

test("a request without body or type is refused, not failed", async () => {
  expect(await verdictsOf(post(json, null))).toBe("unreadable_body");
  expect(await verdictsOf(post({}, bytesOf(event)))).toBe("unsupported_media_type");
});

test("ce- headers mean binary mode, whatever the content type", async () => {
  for (const type of [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/gzip",
    "application/x-ndjson",
  ]) {
    expect(await verdictsOf(post({ ...ce, "content-type": type }, "{}"))).toBe("taken");
  }
  expect(await verdictsOf(post(ce, null))).toBe("taken");
  expect(await verdictsOf(post({ "ce-id": "1", ...json }, "{}"))).toBe("invalid_specversion");
});

test("a cloudevents content type means structured mode, also beside ce- headers", async () => {
  const headers = { ...ce, "ce-id": "header", "content-type": "application/cloudevents+json" };
  expect(await admitRequest(post(headers, event))).toMatchObject({ value: [{ id: "1" }] });
});

test("an event split inside a character is put together again", async () => {
  const bytes = utf8.encode(event.replace('"t"', '"é😀"'));
  const parts = Array.from(bytes, (byte) => new Uint8Array([byte]));
  expect(await admitRequest(chunked(json, ...parts))).toMatchObject({
    value: [{ outcome: { value: { type: "é😀" } } }],
  });
});

test("an event's bytes are counted, not its characters, with and without a byte order mark", async () => {
  const wide = event.replace('"t"', '"é😀"');
  const value = [{ outcome: { value: { jsonBytes: utf8.encode(wide).length } } }];
  for (const mark of ["", "\ufeff"])
    expect(await admitRequest(post(json, mark + wide))).toMatchObject({ value });
});

test("gzip is inflated, labelled or not", async () => {
  const packed = await gzip(`[${event},${event}]`);
  for (const coding of ["gzip", "x-gzip", "GZIP", "identity, gzip"]) {
    expect(await verdictsOf(post({ ...json, "content-encoding": coding }, packed))).toBe("taken taken");
  }
  expect(await verdictsOf(post(json, packed))).toBe("taken taken");
  expect(await verdictsOf(chunked(json, packed.slice(0, 1), packed.slice(1)))).toBe("taken taken");
  expect(await verdictsOf(post({ ...json, "content-encoding": "identity" }, event))).toBe("taken");
});

test("[HT3] other encodings are named as the reason", async () => {
  for (const coding of ["br", "deflate", "zstd", "gzip, gzip", "gzip, br"]) {
    expect(await verdictsOf(post({ ...json, "content-encoding": coding }, event))).toBe(
      "unsupported_encoding",
    );
  }
});

test("[HT3] broken gzip is unreadable", async () => {
  const packed = await gzip(event);
  const broken = packed.slice();
  broken[packed.length - 8] = (broken[packed.length - 8] ?? 0) ^ 1;
  const headers = { ...json, "content-encoding": "gzip" };
  for (const body of [packed.slice(0, -1), packed.slice(0, 20), packed.slice(0, 3), broken, bytesOf(event)]) {
    expect(await verdictsOf(post(headers, body))).toBe("unreadable_body");
  }
  expect(await verdictsOf(post(headers, ""))).toBe("unreadable_body");
});

// The platform inflates one member and fails on what follows; were it ignored, events would be lost in silence.
test("a second gzip member is refused, not dropped", async () => {
  const packed = await gzip(`${event}\n`);
  const twice = new Uint8Array([...packed, ...packed]);
  const headers = { "content-type": "application/x-ndjson", "content-encoding": "gzip" };
  expect(await verdictsOf(post(headers, twice))).toBe("unreadable_body");
});

test("the data of a binary-mode event is not inflated, its labelled encoding is", async () => {
  const packed = await gzip("hello");
  const base64 = btoa(String.fromCharCode(...packed));
  expect(await storedOf(post({ ...ce, "content-type": "application/gzip" }, packed))).toContain(base64);
  const labelled = { ...ce, "content-type": "text/plain", "content-encoding": "gzip" };
  expect(await storedOf(post(labelled, packed))).toContain('"data":"hello"');
});

test("invalid UTF-8 is unreadable as text, and kept as data", async () => {
  const bytes = new Uint8Array([0x22, 0xff, 0x22]);
  expect(await verdictsOf(post(json, bytes))).toBe("unreadable_body");
  expect(await verdictsOf(post({ ...json, ...ce }, bytes))).toBe("taken");
});

test("[EV5] a body at its bound is read, one byte past it is refused", async () => {
  const padded = (size: number) => event + " ".repeat(size - event.length);
  expect(await verdictsOf(post(json, padded(bodyBytesMax)))).toBe("taken");
  expect(await verdictsOf(post(json, padded(bodyBytesMax + 1)))).toBe("body_too_large");
  expect(await verdictsOf(chunked(json, padded(bodyBytesMax)))).toBe("taken");
  expect(await verdictsOf(chunked(json, padded(bodyBytesMax), " "))).toBe("body_too_large");
  expect(await verdictsOf(post(json, await gzip(padded(inflatedBytesMax))))).toBe("taken");
  expect(await verdictsOf(post(json, await gzip(padded(inflatedBytesMax + 1))))).toBe("body_too_large");
});

test("[EV5] an endless body is left after the bound", async () => {
  let pulled = 0;
  let cancelled = false;
  const chunk = new Uint8Array(1024 * 1024).fill(32);
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += chunk.length;
      controller.enqueue(chunk);
    },
    cancel() {
      cancelled = true;
    },
  });
  const init: RequestInit & { duplex: "half" } = { method: "POST", headers: json, body, duplex: "half" };
  expect(await verdictsOf(new Request("https://e.com/", init))).toBe("body_too_large");
  expect(cancelled).toBe(true);
  expect(pulled).toBeLessThanOrEqual(bodyBytesMax + 4 * chunk.length);
});

test("[EV5] a declared length past the bound is refused unread", async () => {
  const request = chunked({ ...json, "content-length": String(bodyBytesMax + 1) }, event);
  expect(await verdictsOf(request)).toBe("body_too_large");
  expect(request.bodyUsed).toBe(false);
});

test("a body that breaks off is unreadable", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new Error("connection lost"));
    },
  });
  const init: RequestInit & { duplex: "half" } = { method: "POST", headers: json, body, duplex: "half" };
  expect(await verdictsOf(new Request("https://e.com/", init))).toBe("unreadable_body");
});
