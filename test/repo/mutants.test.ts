/** The broken variants are patches of today's code: a text that has changed is found here, and not by a long run. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { mutants } from "../mutants/mutants.ts";
import { root } from "./tree.ts";

it("every broken variant patches text that the code holds once", () => {
  const stale = mutants.flatMap(({ name, patches }) =>
    patches
      .filter(({ file, text }) => readFileSync(join(root, file), "utf8").split(text).length !== 2)
      .map(({ file }) => `${name}: ${file}`),
  );
  expect(stale).toEqual([]);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});
