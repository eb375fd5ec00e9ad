/**
 * `npm run replay`: posts files of real events, each line as the data of one CloudEvent.
 * Exit code: 0 every event was accepted or a duplicate, 1 something was refused, not sent or failed, 2 bad arguments.
 */
import { runCommand } from "./local/command.ts";
import { call, putStream } from "./local/client.ts";
import { batchesOf } from "./replay/batches.ts";
import { ReplayClock } from "./replay/clock.ts";
import { type MappedEvent, mapLine } from "./replay/event.ts";
import { linesOf } from "./replay/lines.ts";
import { type ReplayOptions, readOptions, usage } from "./replay/options.ts";
import { sendAll } from "./replay/run.ts";
import { scanFiles } from "./replay/scan.ts";
import { settle } from "./replay/settle.ts";
import { Totals } from "./replay/totals.ts";

async function* eventsOf(options: ReplayOptions, totals: Totals): AsyncGenerator<MappedEvent> {
  for (const file of options.files) {
    for await (const line of linesOf(file)) {
      if (totals.lines >= options.limit) return;
      totals.lines++;
      const event = mapLine(line, options.mapping);
      if (event.ok) yield event.value;
      else totals.addUnmapped(`${line.file}:${line.no}`, event.reason);
    }
  }
}

async function replay(options: ReplayOptions): Promise<boolean> {
  const api = { url: options.url, key: options.key };
  const admin = { url: options.url, key: options.adminKey ?? "" };
  // At once and in words, before minutes of retries, if nothing answers there.
  await call(api, "GET", "/healthz");
  const clock = options.clock ? new ReplayClock(admin) : null;
  const scan =
    options.register || clock !== null
      ? await scanFiles(options.files, options.mapping, options.limit)
      : { types: [], firstMs: null, lastMs: null };
  // The clock first: a stream's first bucket is that of the hour in which it is registered.
  if (clock !== null && scan.firstMs !== null) {
    await clock.moveTo(scan.firstMs);
    const aheadMs = await clock.aheadMs(scan.firstMs);
    if (aheadMs > 3_600_000) {
      console.error(
        `note: the clock is ${Math.round(aheadMs / 3_600_000)} h past the first event and never goes back`,
      );
    }
  }
  if (options.register) for (const type of scan.types) await putStream(admin, type);

  const totals = new Totals();
  const progress = progressOn(process.stderr, totals);
  const events = eventsOf(options, totals);
  try {
    await sendAll(batchesOf(events, options.batch), {
      api,
      concurrency: options.concurrency,
      clock,
      totals,
      onProgress: progress.show,
    });
  } finally {
    progress.clear();
    console.log(totals.table());
  }
  if (!options.finish || clock === null || scan.lastMs === null) return totals.clean;
  // Events that came late lie in the hour in which they arrived.
  const aheadMs = Math.max(0, await clock.aheadMs(scan.lastMs));
  const report = await settle(admin, clock, scan.lastMs + aheadMs);
  console.log(report.text);
  return totals.clean && report.balanced;
}

/** One line that is written over, on a terminal only. */
function progressOn(
  stream: NodeJS.WriteStream,
  totals: Totals,
): { readonly show: () => void; readonly clear: () => void } {
  let shownAt = 0;
  const line = (): string => `${totals.sent} sent, ${totals.refused} refused, ${totals.retries} retries`;
  return {
    show() {
      if (!stream.isTTY || Date.now() - shownAt < 100) return;
      shownAt = Date.now();
      stream.write(`\r\u001b[K${line()}`);
    },
    clear() {
      if (stream.isTTY) stream.write("\r\u001b[K");
    },
  };
}

process.exitCode = await runCommand(
  { name: "replay", usage, failedCode: 1 },
  process.argv.slice(2),
  async (args) => ((await replay(readOptions(args))) ? 0 : 1),
);
