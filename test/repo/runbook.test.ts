/** The runbook: a section for everything that calls somebody, and no command, address or log line that does not exist. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { Fault } from "../../domain/verdict.ts";
import { commands as opsCommands } from "../../scripts/ops/options.ts";
import { commands as streamsCommands } from "../../scripts/streams/options.ts";
import { codeOf, files, root, textOf, workerSource } from "./tree.ts";

const page = "docs/runbook.md";
const runbook = textOf(page);
const guides = [page, "docs/security.md", "README.md"];

const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(z.looseObject({ alert: z.string(), annotations: z.record(z.string(), z.string()) })),
    }),
  ),
});
const rules = Rules.parse(parse(textOf("ops/alerts.yml"))).groups.flatMap((group) => group.rules);

/** The sections at one level of headings, by title. */
function sections(level: string): ReadonlyMap<string, string> {
  return new Map(
    runbook
      .split(/^(?=#{1,6} )/m)
      .filter((section) => section.startsWith(`${level} `))
      .map((section) => [/^#+ (.*)$/m.exec(section)?.[1] ?? "", section]),
  );
}

/** A heading's anchor, as GitHub makes it. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}

/** Every command of a page: lines of its blocks, and what stands in its text as code. */
function codeIn(path: string): string[] {
  const text = textOf(path);
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
    block.split("\n"),
  );
  const inline = text.replace(/^```[\s\S]*?^```/gm, "").match(/`[^`]+`/g) ?? [];
  return [...blocks, ...inline.map((code) => code.slice(1, -1))];
}

test("[OP12] every alert rule has its section, which says what it means, how to look and what to do", () => {
  const found = sections("###");
  expect(rules.length).toBeGreaterThan(0);
  for (const { alert, annotations } of rules) {
    expect(annotations["runbook"]).toBe(`${page}#${anchorOf(alert)}`);
    for (const part of ["**Means**", "**Look**", "**Do**"]) expect(found.get(alert) ?? alert).toContain(part);
  }
  for (const condition of [...Fault.options, "recovered"]) expect([...found.keys()]).toContain(condition);
  const known = new Set([...rules.map(({ alert }) => alert), ...Fault.options, "recovered"]);
  expect([...found.keys()].filter((title) => !known.has(title))).toEqual([]);
});

test("[OP12] every link within the pages leads to a section", () => {
  for (const [, path = "", anchor = ""] of guides
    .map(textOf)
    .join("\n")
    .matchAll(/\]\((?:docs\/)?((?:runbook\.md)?)#([\w-]+)\)/g)) {
    const target = path === "" ? guides.map(textOf).join("\n") : runbook;
    const anchors = [...target.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => anchorOf(title));
    expect(anchors).toContain(anchor);
  }
});

test("[OP12] every command that the pages name exists", () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(textOf("package.json")));
  const wrangler = readFileSync(join(root, "node_modules/wrangler/wrangler-dist/cli.js"), "utf8");
  let seen = 0;
  for (const line of guides.flatMap(codeIn)) {
    const script = /\bnpm (?:run )?([a-z][\w-]*)(?: -- ([a-z][\w-]*))?/.exec(line);
    if (script?.[1] !== undefined && !["exec", "ci"].includes(script[1])) {
      const [, name, verb] = script;
      expect(Object.keys(scripts)).toContain(name);
      if (name === "ops" && verb !== undefined) expect(opsCommands).toContain(verb);
      if (name === "streams" && verb !== undefined) expect(streamsCommands).toContain(verb);
      seen++;
    }
    const words = /\bwrangler ((?:[a-z][a-z0-9-]*(?: |$))+)/.exec(line)?.[1]?.trim().split(" ") ?? [];
    if (words.length > 0 && line.startsWith("npm exec")) {
      // The longest beginning that is a command; what follows are its operands.
      const lengths = words.map((_, index) => words.slice(0, index + 1).join(" "));
      expect(lengths.filter((command) => wrangler.includes(`"wrangler ${command}"`))).not.toEqual([]);
      seen++;
    }
  }
  expect(seen).toBeGreaterThan(30);
});

test("[OP12] every route that the pages name is in docs/http.md", () => {
  const routes = [...textOf("docs/http.md").matchAll(/`(?:GET|POST|PUT|DELETE) (\/[^`]*)`/g)].map(
    ([, path = ""]) => new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`),
  );
  const named = guides
    .flatMap(codeIn)
    .flatMap((line) => [...line.matchAll(/(?:<your worker>|localhost:8787)(\/[\w/.:-]+)/g)])
    .map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((path) => !routes.some((route) => route.test(path)))).toEqual([]);
});

test("[OP12] every line of the log that the runbook looks for is written somewhere", () => {
  const code = files(workerSource).map(codeOf).join("\n");
  const searched = [...runbook.matchAll(/--search (\w+)/g)].map(([, event = ""]) => event);
  expect(searched.length).toBeGreaterThan(5);
  const written = (event: string): boolean =>
    code.includes(`"${event}"`) ||
    // A step of the cron that fails is named after itself.
    (event.endsWith("_failed") && code.includes(`"${event.replace(/_failed$/, "")}"`));
  expect(searched.filter((event) => !written(event))).toEqual([]);
});
