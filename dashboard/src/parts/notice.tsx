/** What stands in for a value that has not come, and above one that is not fresh. */
import type { Polled } from "../api/use-polled.ts";

export function Notice({ polled, what }: { readonly polled: Polled<unknown>; readonly what: string }) {
  const { fault, value } = polled;
  if (fault !== null && fault.kind !== "key") {
    return (
      <p class="fault" role="alert">
        {value === null ? `No ${what}. ` : "What is shown is not fresh. "}
        {fault.detail}
      </p>
    );
  }
  return value === null && fault === null ? <p class="hint">Loading {what} …</p> : null;
}
