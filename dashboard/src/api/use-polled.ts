/**
 * A value that is kept up to date: asked for, shown, and asked for again while the tab is visible. A fault never takes
 * away what is shown.
 */
import { useContext, useEffect, useState } from "preact/hooks";
import { pollDelayMs } from "../model/poll.ts";
import type { Answer, Asker, Fault } from "./ask.ts";
import { SessionContext } from "./session-context.ts";

export interface Polled<Value> {
  readonly value: Value | null;
  readonly fault: Fault | null;
}

export type Load<Value> = (asker: Asker, signal: AbortSignal) => Promise<Answer<Value>>;

/** `name` says what is asked for: another name starts anew, with nothing shown. */
export function usePolled<Value>(name: string, load: Load<Value>): Polled<Value> {
  const { asker, refused, heard, lost } = useContext(SessionContext);
  const [polled, setPolled] = useState<Polled<Value> & { readonly name: string }>({
    name,
    value: null,
    fault: null,
  });
  useEffect(() => {
    if (asker === null) return undefined;
    const ended = new AbortController();
    let failures = 0;
    let timer = 0;
    const askOnce = async (): Promise<void> => {
      const answer = await load(asker, ended.signal);
      if (ended.signal.aborted) return;
      if (answer.ok) {
        failures = 0;
        heard(answer.nowMs);
        setPolled((before) =>
          before.name === name && before.value === answer.value && before.fault === null
            ? before
            : { name, value: answer.value, fault: null },
        );
      } else {
        failures++;
        setPolled((before) => ({
          name,
          value: before.name === name ? before.value : null,
          fault: answer.fault,
        }));
        if (answer.fault.kind === "key") return refused(answer.fault.detail);
        if (answer.fault.kind === "away") lost();
      }
      timer = setTimeout(again, pollDelayMs(failures, Math.random()));
    };
    const again = (): void => {
      // A tab that nobody sees asks nothing; it asks at once when it is seen again.
      if (document.visibilityState === "hidden") return;
      askOnce().catch(() => undefined); // Aborted: the page is gone.
    };
    const seen = (): void => {
      clearTimeout(timer);
      again();
    };
    document.addEventListener("visibilitychange", seen);
    again();
    return () => {
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [asker, name]);
  return polled.name === name ? polled : { value: null, fault: null };
}
