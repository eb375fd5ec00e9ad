/** SPEC.md and the tests: no rule without a test, no test of a rule that does not exist. */
import { expect, test } from "vitest";
import { files, textOf } from "./tree.ts";

const rules = [...textOf("SPEC.md").matchAll(/^- \*\*([A-Z]{2}\d+)\*\*/gm)].map((match) => match[1] ?? "");

const cited = new Map<string, string>();
for (const path of files(/^test\/.*\.ts$/)) {
  // In a name, that is at the beginning of a text; a comment that mentions a rule tests nothing.
  const names = textOf(path).match(/["`](\[[A-Z]{2}\d+\] ?)+/g) ?? [];
  for (const [, id = ""] of names.join(" ").matchAll(/\[([A-Z]{2}\d+)\]/g)) cited.set(id, path);
}

test("every rule is in the name of a test", () => {
  expect(rules.length).toBeGreaterThan(0);
  expect(rules.filter((rule) => !cited.has(rule))).toEqual([]);
});

test("every rule that a test names exists", () => {
  expect([...cited].filter(([id]) => !rules.includes(id))).toEqual([]);
});

test("no number is given twice", () => {
  expect(rules.filter((rule, index) => rules.indexOf(rule) !== index)).toEqual([]);
});
