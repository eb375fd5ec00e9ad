/**
 * `npm start`: the whole system on this machine, with its state in one directory, until it is interrupted.
 * Exit code: 0 stopped, 1 could not start, 2 bad arguments.
 */
import { parseArgs } from "node:util";
import { parseTimestamp } from "../domain/event/timestamp.ts";
import { runCommand } from "./local/command.ts";
import { BadArgument, wholeNumber } from "./local/arguments.ts";
import { ApiFailed, moveClock, readClock } from "./local/client.ts";
import { adminKeyOf, adminKeyPath, clientKeyOf, clientKeyPath } from "./local/kept-keys.ts";
import { assertPortFree } from "./local/port.ts";
import { startLocalRuntime } from "./local/runtime.ts";

const usage = `npm start -- [options]

  --port N           default 8787
  --data DIR         where everything is kept (default .hourseal)
  --admin-key KEY    default: generated once and kept in DIR/admin-key
  --clock TIME       RFC 3339: start in virtual time, which ticks, is kept over restarts and never goes back
  --no-cron          do not run the cron every minute

HOURSEAL_ALERT_URL and HOURSEAL_ALERT_SECRET, if set, say where alerts go and what signs them;
HOURSEAL_LOG_SAMPLE, the share of successes that is logged (0 to 1).`;

interface StartOptions {
  readonly port: number;
  readonly dataDir: string;
  readonly adminKey: string | undefined;
  readonly clock: string | undefined;
  readonly cron: boolean;
}

function readOptions(args: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      port: { type: "string", default: "8787" },
      data: { type: "string", default: ".hourseal" },
      "admin-key": { type: "string" },
      clock: { type: "string" },
      cron: { type: "boolean", default: true },
    },
  });
  if (values.clock !== undefined && parseTimestamp(values.clock) === null) {
    throw new BadArgument(`--clock takes an RFC 3339 time like 2026-11-23T10:00:00Z, not ${values.clock}`);
  }
  return {
    port: wholeNumber("port", values.port, 0, 65_535),
    dataDir: values.data,
    adminKey: values["admin-key"],
    clock: values.clock,
    cron: values.cron,
  };
}

async function start(options: StartOptions): Promise<void> {
  const adminKey = adminKeyOf(options.dataDir, options.adminKey);
  if (options.port !== 0) await assertPortFree(options.port);
  console.log("building …");
  const runtime = await startLocalRuntime({
    ...options,
    adminKey,
    variables: variablesOf(process.env),
    onCronFailure: (reason) => {
      console.error(`cron: ${reason}`);
    },
  });
  stopOnSignals(runtime.dispose);
  try {
    const api = { url: runtime.url, key: adminKey };
    const clock = options.clock === undefined ? null : await setClock(api, options.clock);
    const clientKey = await clientKeyOf(options.dataDir, api);
    const { now } = await readClock(api);
    console.log(`Hourseal on ${runtime.url}, state in ${options.dataDir}, clock at ${now}`);
    if (clock !== null) console.log(clock);
    console.log(
      `keys: ${adminKeyPath(options.dataDir)} (admin), ${clientKeyPath(options.dataDir)} (writes events)`,
    );
    console.log(examples(runtime.url, adminKey, clientKey));
  } catch (error) {
    await runtime.dispose();
    throw error;
  }
}

/** What the Worker knows beside its keys, by the names that it has when deployed. */
function variablesOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const names = ["HOURSEAL_ALERT_URL", "HOURSEAL_ALERT_SECRET", "HOURSEAL_LOG_SAMPLE"];
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

/** Moves the clock forward. Standing later already, as after a restart with the same arguments, is worth a note. */
async function setClock(api: { url: string; key: string }, clock: string): Promise<string | null> {
  try {
    await moveClock(api, clock);
    return null;
  } catch (error) {
    if (!(error instanceof ApiFailed && error.status === 409)) throw error;
    return `note: the clock is past --clock ${clock} already and goes on from where it was`;
  }
}

function examples(url: string, adminKey: string, clientKey: string): string {
  const event = '{"specversion":"1.0","id":"1","source":"me","type":"demo.hello","data":"hello"}';
  return `register a stream, then post an event to it:
  curl -X PUT ${url}/v1/streams/demo.hello -H 'Authorization: Bearer ${adminKey}' -H 'Content-Type: application/json' -d '{}'
  curl ${url}/v1/events -H 'Authorization: Bearer ${clientKey}' -H 'Content-Type: application/cloudevents+json' -d '${event}'
Ctrl-C stops it.`;
}

function stopOnSignals(dispose: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // Miniflare's own handler would end the process before the state is let go in good order.
    process.removeAllListeners(signal);
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      console.log("stopping …");
      void dispose().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
}

const code = await runCommand(
  { name: "start", usage, failedCode: 1 },
  process.argv.slice(2),
  async (args) => {
    await start(readOptions(args));
    return 0;
  },
);
// What was started before the failure would keep the process alive.
if (code !== 0) process.exit(code);
