/** The cron trigger of local mode: every minute of real time, one run at a time, by the local cron route. */
import { type Api, runCron } from "./client.ts";

const everyMs = 60_000;

/** Starts it; the answer stops it. A run that fails is reported and the next one comes all the same. */
export function startCron(api: Api, onFailure: (reason: string) => void = () => undefined): () => void {
  let running = false;
  let stopped = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    runCron(api)
      .catch((error: unknown) => {
        if (!stopped) onFailure(String(error));
      })
      .finally(() => {
        running = false;
      });
  }, everyMs);
  return () => {
    clearInterval(timer);
    stopped = true;
  };
}
