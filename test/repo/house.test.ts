/** What holds for files whatever is in them: versions, headers, links, paths, generated lists. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import * as limits from "../../domain/limits.ts";
import { anySource, codeOf, files, root, textOf } from "./tree.ts";

const versions = z.record(z.string(), z.string());
const manifest = z
  .looseObject({
    dependencies: versions,
    devDependencies: versions,
    optionalDependencies: versions,
    scripts: versions,
  })
  .parse(JSON.parse(textOf("package.json")));

describe("package.json", () => {
  test("pins every version exactly", () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    const loose = Object.entries(all).filter(
      ([, version]) => !/^(npm:@?[\w/.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  test("checks the types of every project", () => {
    const checked = Object.values(manifest.scripts).flatMap((script) =>
      [...script.matchAll(/tsc -p (\S+)/g)].map((match) => join(match[1] ?? "", "tsconfig.json")),
    );
    expect(checked.toSorted()).toEqual(files(/(^|\/)tsconfig\.json$/).toSorted());
  });

  test("lints every folder that holds code", () => {
    const linted = new Set(manifest.scripts["lint"]?.split(" "));
    const folders = new Set(files(anySource).map((path) => path.split("/")[0] ?? ""));
    expect([...folders].filter((folder) => !linted.has(folder))).toEqual([]);
  });
});

test("the lock file names no registry: whoever installs chooses where from", () => {
  const lock = textOf("package-lock.json");
  expect(lock).not.toContain('"resolved"');
  expect(lock.match(/"integrity"/g)?.length).toBeGreaterThan(0);
});

test("no file holds a path of somebody's machine", () => {
  const path = /(^|[\s"'`(=])\/(home|Users|root|work|mnt)\/\w/m;
  expect(files(/^(?!package-lock).*$/).filter((name) => path.test(textOf(name)))).toEqual([]);
});

test("every file of code says first what it is for; a test file's tests do", () => {
  const silent = files(anySource).filter(
    (path) => !path.endsWith(".test.ts") && !textOf(path).startsWith("/**"),
  );
  expect(silent).toEqual([]);
});

test("each migration and each decision has a number of its own: by it they are ordered", () => {
  for (const kind of [/^migrations\/.*\.sql$/, /^docs\/adr\/.*\.md$/]) {
    const numbers = files(kind).map((path) => /\/(\d{4})[-_]/.exec(path)?.[1]);
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers).toEqual([...new Set(numbers)]);
    expect(numbers).not.toContain(undefined);
  }
});

test("every limit has its reason above it", () => {
  const lines = textOf("domain/limits.ts").split("\n");
  const bare = lines.filter(
    (line, index) => line.startsWith("export const") && lines[index - 1]?.endsWith("*/") !== true,
  );
  expect(bare).toEqual([]);
});

describe("docs", () => {
  const pages = files(/\.md$/);

  test("link to files that exist", () => {
    const broken = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
        .map((match) => match[1] ?? "")
        .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(page), link)))
        .map((link) => `${page}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  test("name files that exist", () => {
    const folders = "domain|platform|durable-objects|workers|scripts|test|migrations|docs";
    const pattern = new RegExp("`((?:" + folders + ")/[\\w./-]*)`", "g");
    const broken = pages.flatMap((page) =>
      [...textOf(page).matchAll(pattern)]
        .map((match) => match[1] ?? "")
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${page}: ${path}`),
    );
    expect(broken).toEqual([]);
  });

  test("list every limit of a request with its value", () => {
    const units = { "": 1, KiB: 1024, MiB: 1024 * 1024 };
    const listed = [...textOf("docs/http.md").matchAll(/^\| `(\w+Max)` +\| (\d+) ?(KiB|MiB|) +\|/gm)];
    const told = listed.map(([, name = "", number, unit]) => [
      name,
      Number(number) * units[z.enum(["", "KiB", "MiB"]).parse(unit)],
    ]);
    expect(told.length).toBeGreaterThan(0);
    const known = Object.fromEntries(Object.entries(limits));
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(told.map(([name]) => [name, known[String(name)]])),
    );
  });

  test("list every route, and every code of a refusal", () => {
    const page = textOf("docs/http.md");
    const routes = [
      ...codeOf("workers/flusher/ops/index.ts").matchAll(/\.(get|put|post|delete)\("([^"]+)"/g),
    ];
    const codes = [...textOf("domain/refusal.ts").matchAll(/(?:\| |code: )"(\w+)"/g)];
    const wanted = [
      ...routes.map(([, method = "", path = ""]) => `${method.toUpperCase()} ${path}`),
      ...codes.map(([, code = ""]) => code),
    ];
    expect(routes.length * codes.length).toBeGreaterThan(0);
    expect(wanted.filter((what) => !page.includes(`\`${what}\``))).toEqual([]);
  });

  test("name npm scripts that exist", () => {
    const broken = pages.flatMap((page) =>
      [...textOf(page).matchAll(/npm run ([\w:-]+)/g)]
        .map((match) => match[1] ?? "")
        .filter((script) => !(script in manifest.scripts))
        .map((script) => `${page}: ${script}`),
    );
    expect(broken).toEqual([]);
  });

  test("decisions are numbered without gaps, and say context, decision and consequences", () => {
    const decisions = files(/^docs\/adr\/\d{4}-.*\.md$/).toSorted();
    expect(decisions.length).toBeGreaterThan(0);
    decisions.forEach((path, index) => {
      expect(path).toMatch(new RegExp(`/${String(index + 1).padStart(4, "0")}-`));
      for (const heading of ["## Context", "## Decision", "## Consequences"]) {
        expect(textOf(path)).toContain(`\n${heading}\n`);
      }
    });
  });
});
