/** The cron trigger of local mode: every minute of real time, one run at a time, by the local cron route. */

const everyMs = 60_000;

/** Starts it; the answer stops it. A run that fails is reported and the next one comes all the same. */
export function startCron(
  url: string,
  adminKey: string,
  onFailure: (reason: string) => void = () => undefined,
): () => void {
  let running = false;
  const stopped = new AbortController();
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    runCronOnce(url, adminKey, stopped.signal)
      .catch((error: unknown) => {
        if (!stopped.signal.aborted) onFailure(String(error));
      })
      .finally(() => {
        running = false;
      });
  }, everyMs);
  return () => {
    clearInterval(timer);
    stopped.abort();
  };
}

/** Runs the cron once by the virtual clock and waits until it is done. */
export async function runCronOnce(url: string, adminKey: string, signal?: AbortSignal): Promise<void> {
  const reply = await fetch(`${url}/v1/local/cron`, {
    method: "POST",
    headers: { Authorization: `Bearer ${adminKey}` },
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`the cron answered ${reply.status}: ${text.slice(0, 500)}`);
}
