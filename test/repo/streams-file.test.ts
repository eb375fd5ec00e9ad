/** The documented example of streams, and the JSON Schema that editors check such files by. */
import { expect, test } from "vitest";
import { streamsFileSchema } from "../../domain/streams-file.ts";
import { readStreamsFile } from "../../scripts/streams/file.ts";
import { planChange } from "../../domain/stream-change.ts";
import { StreamEntry } from "../../domain/streams-file.ts";
import { textOf } from "./tree.ts";

test("[CF2] streams.schema.json is current: npm run -s streams -- schema > streams.schema.json", () => {
  expect(textOf("streams.schema.json")).toBe(`${JSON.stringify(streamsFileSchema(), null, 2)}\n`);
});

test("streams.yaml has no fault, is refused in nothing, and names the schema and every setting", () => {
  const text = textOf("streams.yaml");
  const reading = readStreamsFile(text, textOf);
  if (!reading.ok) throw new Error(JSON.stringify(reading.faults));
  expect(planChange([], reading.file.streams)).toMatchObject({ ok: true });
  expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/streams\.schema\.json\n/);
  expect(Object.keys(StreamEntry.shape).filter((name) => !text.includes(`    ${name}:`))).toEqual([]);
});
