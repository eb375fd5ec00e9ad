/** Who may import whom, and which module alone may name what. */
import { describe, expect, test } from "vitest";
import { anySource, codeOf, files, importsOf, workerSource } from "./tree.ts";

/** Folders whose files may not import from the folders on the right. */
const forbidden: readonly (readonly [from: string, to: readonly string[]])[] = [
  ["domain/", ["platform/", "durable-objects/", "workers/", "scripts/", "test/", "node:", "cloudflare:"]],
  ["platform/", ["durable-objects/", "workers/", "scripts/", "test/", "node:"]],
  ["durable-objects/", ["workers/", "scripts/", "test/", "node:"]],
  ["workers/", ["scripts/", "test/", "node:"]],
  ["workers/ingest/", ["workers/flusher/", "workers/local/", "durable-objects/"]],
  ["workers/flusher/", ["workers/ingest/", "workers/local/", "durable-objects/"]],
  ["scripts/", ["platform/", "durable-objects/", "workers/", "test/"]],
];

/** The modules of Node that the runtime has and the platform's own interfaces do not, each behind one file. */
const nodeModules: Readonly<Record<string, string>> = {
  "platform/zlib.ts": "node:zlib",
  "platform/current-span.ts": "node:async_hooks",
  "platform/digest.ts": "node:crypto",
};

test.each(forbidden)("%s imports nothing from %j", (from, to) => {
  const found = files(workerSource)
    .concat(files(/^scripts\/.*\.ts$/))
    .filter((path) => path.startsWith(from))
    .flatMap((path) => importsOf(path).map((name) => ({ path, name })))
    .filter(({ name }) => to.some((prefix) => name.startsWith(prefix)))
    .filter(({ path, name }) => nodeModules[path] !== name);
  expect(found).toEqual([]);
});

test("domain/ depends on packages that compute, and do nothing else", () => {
  const names = files(/^domain\/.*\.ts$/).flatMap((path) =>
    importsOf(path).filter((name) => !name.startsWith("domain/")),
  );
  expect([...new Set(names)].toSorted()).toEqual([
    "@cfworker/json-schema",
    "@noble/hashes/sha2.js",
    "@noble/hashes/utils.js",
    "hyparquet",
    "hyparquet-writer",
    "zod",
  ]);
});

describe("one module alone", () => {
  /** What is looked for in code, and where it may be. */
  const owners: readonly (readonly [what: string, pattern: RegExp, owner: RegExp])[] = [
    ["[ID4] reads a clock", /\bDate\b|\bperformance\b/, /^platform\/clock\.ts$/],
    ["draws random numbers", /\bMath\.random\b|\bgetRandomValues\b|\brandomUUID\b/, /^platform\/random\.ts$/],
    ["sets timers", /\bset(Timeout|Interval)\b/, /^platform\/timer\.ts$/],
    ["writes to the console", /\bconsole\b/, /^platform\/log\.ts$/],
    ["writes SQL for D1", /\.prepare\(/, /^platform\/catalog\//],
    ["writes SQL for an object", /\bsql\.exec\b|\.sql\s*\.exec\b/, /(\/store|^platform\/storage)\.ts$/],
    ["puts objects into R2", /\b(EVENTS|bucket)\.put\(/, /^platform\/(objects|put-back|snapshot)\.ts$/],
  ];

  test.each(owners)("%s", (_what, pattern, owner) => {
    const naming = files(workerSource).filter((path) => pattern.test(codeOf(path)));
    expect(naming.filter((path) => owner.test(path)).length).toBeGreaterThan(0);
    expect(naming.filter((path) => !owner.test(path))).toEqual([]);
  });

  test("outside platform/, R2 and D1 are named where a Worker's bindings are handed on, and nowhere else", () => {
    const binding = /^\s*(readonly (EVENTS: R2Bucket|CATALOG: D1Database);|.*\bcatalog: D1Database\b.*)$/;
    const found = files(workerSource)
      .filter((path) => !path.startsWith("platform/"))
      .flatMap((path) =>
        codeOf(path)
          .split("\n")
          .filter((line) => /\b(R2[A-Z]\w+|D1[A-Z]\w+)\b/.test(line) && !binding.test(line))
          .map((line) => `${path}: ${line.trim()}`),
      );
    // A part's description, as R2 answers it, is compared with the manifest where the part is served.
    expect(found).toEqual([
      "workers/flusher/ops/parts.ts: function isSealed(object: R2ObjectBody, part: Part): boolean {",
    ]);
  });

  test("[PA2] nothing uses multipart uploads, and only what has expired is deleted from R2", () => {
    const found = files(workerSource).filter((path) =>
      /MultipartUpload|\b(EVENTS|bucket)\.delete\(/.test(codeOf(path)),
    );
    expect(found).toEqual(["platform/delete-objects.ts"]);
    const deleting = files(workerSource).filter((path) => /delete-objects\.ts"/.test(codeOf(path)));
    expect(deleting).toEqual(["workers/flusher/expire/expire-due.ts"]);
  });

  test("[OP14] only an operator overwrites what was sealed", () => {
    const found = files(workerSource).filter((path) => /put-back\.ts"/.test(codeOf(path)));
    expect(found).toEqual(["workers/flusher/ops/repair/rebuild-part.ts"]);
  });
});

test("zod is imported whole: a named import brings in all of its languages", () => {
  const found = files(anySource).filter((path) =>
    /import\s+(type\s+)?\{[^}]*\}\s+from\s+"zod"/.test(codeOf(path)),
  );
  expect(found).toEqual([]);
});
