import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { successLinesPerSecondMax } from "../../domain/limits.ts";
import { log } from "../../platform/log.ts";
import {
  type Span,
  carried,
  calledSpan,
  innerSpan,
  note,
  noteOutcome,
  openSpan,
  spanned,
} from "../../platform/span.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
const all = { HOURSEAL_LOG_SAMPLE: "1" };
const none = { HOURSEAL_LOG_SAMPLE: "0" };

/** A minute for each test: the bound is one of a second. */
let minute = Date.parse("2031-03-03T10:00:00Z");

const lines: Record<string, unknown>[] = [];

beforeEach(() => {
  lines.length = 0;
  vi.useFakeTimers();
  vi.setSystemTime((minute += 60_000));
  vi.spyOn(console, "log").mockImplementation((line: unknown) => {
    lines.push(z.record(z.string(), z.unknown()).parse(JSON.parse(String(line))));
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function carriedBy(span: Span): Promise<string> {
  return spanned(span, "edge", "request", async () => carried().trace ?? "");
}

describe("[LG1] a span", () => {
  it("writes one line with its trace, its caller, its outcome and all that was noted", async () => {
    await spanned(openSpan(all, traceparent), "edge", "request", async () => {
      note({ rows: 2 });
      await vi.advanceTimersByTimeAsync(40);
      note(() => ({ hour: "2026-11-23T10" }));
    });
    expect(lines).toEqual([
      {
        area: "edge",
        event: "request",
        trace: traceId,
        span: lines[0]?.["span"],
        parent: "00f067aa0ba902b7",
        outcome: "done",
        durationMs: 40,
        rows: 2,
        hour: "2026-11-23T10",
      },
    ]);
  });

  it("has an id of its own", async () => {
    const ids = await Promise.all([
      carriedBy(openSpan(all, traceparent)),
      carriedBy(openSpan(all, traceparent)),
    ]);
    expect(ids.every((id) => /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(2);
  });

  it("gives its trace to what is said within it, to messages and to inner spans; others do not mix", async () => {
    await Promise.all(
      [traceparent, null].map((given) =>
        spanned(openSpan(all, given), "edge", "request", async () => {
          await vi.advanceTimersByTimeAsync(1);
          log("edge", "said", { given });
          const { trace } = carried();
          await spanned(calledSpan(none, trace), "shard", "append", async () => undefined);
          await spanned(innerSpan(), "auditor", "audit", async () => undefined);
        }),
      ),
    );
    expect(lines.filter(({ trace }) => trace === traceId)).toHaveLength(4);
    expect(lines.filter(({ trace }) => trace !== traceId)).toHaveLength(4);
    expect(new Set(lines.map(({ trace }) => trace)).size).toBe(2);
    const request = lines.find(({ event, trace }) => event === "request" && trace === traceId);
    const append = lines.find(({ event, trace }) => event === "append" && trace === traceId);
    expect(append?.["parent"]).toBe(request?.["span"]);
  });
});

describe("[LG3] of what is not sampled", () => {
  it("a success has no line, and what was noted for it is not made", async () => {
    const made = vi.fn(() => ({}));
    await spanned(openSpan(none, traceparent), "edge", "request", async () => {
      note(made);
      noteOutcome("refused");
    });
    expect(lines).toEqual([]);
    expect(made).not.toHaveBeenCalled();
  });

  it("a failure has its line, however it came about, and whatever was said after it", async () => {
    const throwing = spanned(openSpan(none), "edge", "request", async () => {
      throw new Error("away");
    });
    await expect(throwing).rejects.toThrow("away");
    await spanned(openSpan(none), "edge", "request", async () => {
      noteOutcome("failed", { why: "overloaded" });
      noteOutcome("refused");
    });
    expect(lines).toMatchObject([
      { outcome: "failed", error: "Error: away" },
      { outcome: "failed", why: "overloaded" },
    ]);
  });

  it("an inner span has its line: there are few", async () => {
    await spanned(openSpan(none), "flusher", "run", () =>
      spanned(innerSpan(), "auditor", "audit", async () => undefined),
    );
    expect(lines).toMatchObject([{ event: "audit", outcome: "done" }]);
  });
});

it("[LG3] an isolate writes as many successes a second as are allowed, tells how many not, and drops no failure", async () => {
  const succeed = (): Promise<void> => spanned(openSpan(all), "edge", "request", async () => undefined);
  for (let no = 0; no < successLinesPerSecondMax; no++) await succeed();
  expect(lines).toHaveLength(successLinesPerSecondMax);
  await succeed();
  await succeed();
  expect(lines).toHaveLength(successLinesPerSecondMax);
  await spanned(openSpan(all), "edge", "request", async () => {
    noteOutcome("failed");
  });
  expect(lines.at(-1)).toMatchObject({ outcome: "failed", unlogged: 2 });
  vi.setSystemTime(Date.now() + 1_000);
  await succeed();
  expect(lines.at(-1)).toMatchObject({ outcome: "done" });
  expect(lines.at(-1)).not.toHaveProperty("unlogged");
});

it("[LG3] a rate that is none is said once by its variable's name, and the default holds", async () => {
  const wrong = { HOURSEAL_LOG_SAMPLE: "often" };
  for (let no = 0; no < 3; no++) openSpan(wrong, traceparent);
  expect(lines).toMatchObject([{ event: "misconfigured", variable: "HOURSEAL_LOG_SAMPLE" }]);
});
