import { utf8ToBytes } from "@noble/hashes/utils.js";
import { expect, it } from "vitest";
import { rowLine, schemaVersionOf, unguardedLine } from "../../domain/row-line.ts";
import { hour } from "./make.ts";

const event = '{"id":"1", "data":1.0}';
const receivedAt = "2026-11-23T10:00:00.000Z";

it("[EV2] a row is one line of JSON around the event as it was posted", () => {
  const line = rowLine(event, receivedAt, hour);
  expect(line).toBe(`{"received_at":"${receivedAt}","home_hour":"2026-11-23T10","event":${event}}\n`);
  expect(JSON.parse(line)).toEqual({
    received_at: receivedAt,
    home_hour: hour,
    event: { id: "1", data: 1 },
  });
});

it.each([0, 1, 9, 10, 1_234_567])("[SC4] says that it was checked by version %d", (version) => {
  const line = rowLine(event, receivedAt, hour, version);
  const said = version === 0 ? undefined : version;
  for (const written of [line, unguardedLine(line)]) {
    expect(schemaVersionOf(utf8ToBytes(written))).toBe(version);
    expect(JSON.parse(written)).toMatchObject({ home_hour: hour, event: { id: "1" } });
    expect((JSON.parse(written) as { schema_version?: number }).schema_version).toBe(said);
  }
});

it.each(["", "\n", '{"no":1}\n', rowLine('{"schema_version":7}', receivedAt, hour)])(
  "[SC4] of %j no version is read",
  (line) => {
    expect(schemaVersionOf(utf8ToBytes(line))).toBe(0);
  },
);
