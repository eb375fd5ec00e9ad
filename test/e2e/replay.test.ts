import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { collect } from "../../scripts/local/collect.ts";
import { isArgumentError } from "../../scripts/local/arguments.ts";
import { batchesOf } from "../../scripts/replay/batches.ts";
import { type MappedEvent, type Mapping, mapLine } from "../../scripts/replay/event.ts";
import { linesOf } from "../../scripts/replay/lines.ts";
import { readOptions } from "../../scripts/replay/options.ts";
import { answerOf } from "../../scripts/replay/send.ts";
import { Totals } from "../../scripts/replay/totals.ts";

const folder = mkdtempSync(join(tmpdir(), "hourseal-test-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const mapping: Mapping = { typeField: "type", idField: "id", timeField: "at", source: "s" };

function mapped(text: string, over: Partial<Mapping> = {}): MappedEvent {
  const event = mapLine({ file: "f.ndjson", no: 7, text }, { ...mapping, ...over });
  if (!event.ok) throw new Error(event.reason);
  return event.value;
}

describe("lines", () => {
  test("come from plain and gzip files alike, with their numbers, empty ones left out", async () => {
    const text = '{"a":1}\r\n\n{"b":"x\u2028y"}\n{"c":3}';
    const expected = [
      [1, '{"a":1}'],
      [3, '{"b":"x\u2028y"}'],
      [4, '{"c":3}'],
    ];
    for (const path of [
      file("a.ndjson", text),
      file("b.ndjson.gz", gzipSync(text)),
      file("c", gzipSync(text)),
    ]) {
      const lines = await collect(linesOf(path));
      expect(lines.map((line) => [line.no, line.text])).toEqual(expected);
    }
  });

  test("a broken gzip file and one that is not UTF-8 are named with the line", async () => {
    const cut = file("cut.gz", gzipSync("{}\n".repeat(10_000)).subarray(0, 40));
    await expect(collect(linesOf(cut))).rejects.toThrow(/cut\.gz, after line \d+/);
    const latin = file("latin", Buffer.from('{"a":"\u00fc"}\n', "latin1"));
    await expect(collect(linesOf(latin))).rejects.toThrow(/latin, after line 1/);
  });
});

describe("mapping a line", () => {
  test("keeps the line's own text as data, byte for byte", () => {
    const line =
      '{"id":"1","type":"t","at":"2026-11-23T10:00:00+01:00", "n":1.0, "big":12345678901234567890,"u":"\\u00fc"}';
    expect(mapped(line).json).toBe(
      `{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-11-23T10:00:00+01:00","datacontenttype":"application/json","data":${line}}`,
    );
  });

  test("makes ids from file and line where there is none", () => {
    for (const [line, over] of [
      ['{"type":"t"}', { timeField: null }],
      ['{"type":"t","id":"1"}', { timeField: null, idField: null }],
      ['{"type":"t","id":""}', { timeField: null }],
      ['{"type":"t","id":null}', { timeField: null }],
    ] as const) {
      expect(JSON.parse(mapped(line, over).json)).toMatchObject({ id: "f.ndjson:7" });
    }
  });

  test("takes a number id as it is written", () => {
    const { json } = mapped('{"type":"t","id":12345678901234567890}', { timeField: null });
    expect(JSON.parse(json)).toMatchObject({ id: "12345678901234567890" });
  });

  test.each([
    ['"2026-11-23T10:00:00.5Z"', "2026-11-23T10:00:00.5Z", 1_795_428_000_500],
    ["1795428000.25", "2026-11-23T10:00:00.250Z", 1_795_428_000_250],
    ["1795428000250", "2026-11-23T10:00:00.250Z", 1_795_428_000_250],
  ])("reads the time %s", (at, time, timeMs) => {
    const event = mapped(`{"type":"t","id":"1","at":${at}}`);
    expect(JSON.parse(event.json)).toMatchObject({ time });
    expect(event.timeMs).toBe(timeMs);
  });

  test.each([
    ["[1]", "not a JSON object"],
    ["{", "not a JSON object"],
    ['{"id":"1","at":"2026-11-23T10:00:00Z"}', "--type-field"],
    ['{"type":7,"at":"2026-11-23T10:00:00Z"}', "--type-field"],
    ['{"type":"t","at":"2026-11-23"}', "--time-field"],
    ['{"type":"t"}', "--time-field"],
  ])("says why a line makes no event: %s", (text, why) => {
    const event = mapLine({ file: "f", no: 1, text }, mapping);
    expect(event).toMatchObject({ ok: false });
    expect(event.ok ? "" : event.reason).toContain(why);
  });
});

describe("batches", () => {
  const at = (time: string, id = "1"): MappedEvent => mapped(JSON.stringify({ type: "t", id, at: time }));
  async function* from(events: readonly MappedEvent[]): AsyncGenerator<MappedEvent> {
    yield* events;
  }
  const batches = (events: readonly MappedEvent[], max: number) => collect(batchesOf(from(events), max));

  test("end where an hour ends, and take what came out of order along", async () => {
    const events = ["10:59:58", "10:59:59", "11:00:00", "10:59:57", "11:00:01", "13:00:00"].map((time) =>
      at(`2026-11-23T${time}Z`),
    );
    const found = await batches(events, 500);
    expect(found.map((batch) => [batch.events.length, batch.oneHour])).toEqual([
      [2, true],
      [3, false],
      [1, true],
    ]);
    expect(found[1]?.latest?.timeMs).toBe(Date.parse("2026-11-23T11:00:01Z"));
  });

  test("are bounded in events and in bytes", async () => {
    const small = Array.from({ length: 7 }, () => at("2026-11-23T10:00:00Z"));
    expect((await batches(small, 3)).map((batch) => batch.events.length)).toEqual([3, 3, 1]);
    const big = Array.from({ length: 5 }, () => at("2026-11-23T10:00:00Z", "x".repeat(1_500_000)));
    expect((await batches(big, 500)).map((batch) => batch.events.length)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe("answers", () => {
  const counts = {
    accepted: 1,
    duplicates: 2,
    refused: [{ index: 3, id: "a", code: "unknown_type", detail: "d" }],
  };

  test.each([
    ["200 settles all", 200, null, counts, true, null],
    ["422 settles all", 422, null, { ...counts, accepted: 0 }, true, null],
    ["503 with counts settles all but the failed", 503, "2", { ...counts, failed: [0] }, true, 2000],
    ["503 without counts settles nothing", 503, "1", { detail: "away" }, false, 1000],
    ["503 with nothing failed settles nothing", 503, null, counts, false, 0],
    ["429 settles nothing", 429, "600", counts, false, 10_000],
    ["401 ends it", 401, null, { detail: "key" }, false, null],
    ["200 that is no answer ends it", 200, null, "<html>", false, null],
  ])("%s", (_, status, retryAfter, body, settles, waitMs) => {
    const answer = answerOf(status, retryAfter, JSON.stringify(body));
    expect(answer.reply !== null).toBe(settles);
    expect(answer.waitMs).toBe(waitMs);
  });
});

test("the table adds up, and a replay is clean only if nothing was refused or left out", () => {
  const totals = new Totals();
  const reply = { accepted: 2, duplicates: 1, late: 0, quarantined: 0, refused: [], failed: [] };
  totals.add(3, { replies: [reply], replyLost: true });
  expect(totals.clean).toBe(true);
  expect(totals.table()).toContain("in batches sent again");
  totals.add(2, {
    replies: [{ ...reply, accepted: 0, refused: [{ code: "unknown_type", detail: "gone" }] }],
    replyLost: false,
  });
  expect(totals.clean).toBe(false);
  expect(totals.table()).toMatch(/unknown_type\s+1\s+gone/);
  totals.add(1, { replies: [], replyLost: false });
  expect(totals.unanswered).toBe(1);
});

describe("arguments", () => {
  const good = file("good.ndjson", "{}\n");
  test("have defaults", () => {
    expect(readOptions([good, "--key", "k"])).toMatchObject({
      files: [good],
      mapping: { typeField: "type", idField: null, timeField: null, source: "replay" },
      url: "http://127.0.0.1:8787",
      batch: 500,
      concurrency: 4,
    });
  });

  test.each([
    [[], "at least one file"],
    [["/nowhere/x"], "no file /nowhere/x"],
    [[good, good], "two files are called good.ndjson"],
    [[good, "--batch", "0"], "--batch takes a whole number from 1"],
    [[good, "--batch", "many"], "--batch takes a whole number"],
    [[good, "--concurrency", "1.5"], "--concurrency takes a whole number"],
    [[good, "--source", "not a uri"], "--source takes a URI-reference"],
    [[good, "--url", "8787"], "--url takes a URL"],
    [[good, "--clock"], "--time-field"],
    [[good, "--finish"], "--finish needs --clock"],
    [[good, "--register", "--data", "/nowhere"], "need the admin key"],
    [[good, "--data", "/nowhere"], "--key"],
    [[good, "--fast"], "Unknown option"],
  ])("%j are refused with what to do", (args, why) => {
    try {
      readOptions(
        (args[0] ?? "").startsWith("--") || args.includes("--data") ? args : [...args, "--key", "k"],
      );
      expect.unreachable();
    } catch (error) {
      expect(isArgumentError(error)).toBe(true);
      expect(String(error)).toContain(why);
    }
  });
});
