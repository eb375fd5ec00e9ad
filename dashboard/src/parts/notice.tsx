/** What stands in for a value that has not come, and above one that is not fresh. */
import { useContext } from "preact/hooks";
import { SessionContext } from "../api/session-context.ts";
import type { Polled } from "../api/use-polled.ts";

export function Notice({ polled, what }: { readonly polled: Polled<unknown>; readonly what: string }) {
  const { fault, value } = polled;
  const { asker } = useContext(SessionContext);
  if (fault !== null && fault.kind !== "key") {
    return (
      <p class="fault" role="alert">
        {value === null ? `No ${what}. ` : "What is shown is not fresh. "}
        {fault.detail}
      </p>
    );
  }
  if (value !== null) return null;
  return <p class="hint">{asker === null ? `The ${what} waits for a key.` : `Loading ${what} …`}</p>;
}
