/** The bucket's life as a line of moments, each with its distance to the end of the hour. */
import type { BucketReply } from "../../../domain/view/bucket.ts";
import type { Moment } from "../../../domain/view/life.ts";
import { spanText } from "../model/format.ts";
import { hourStartMs, momentLabel } from "../model/hours.ts";

const texts: Readonly<Record<Moment["what"], string>> = {
  begins: "hour begins",
  ends: "hour ends",
  due: "due: its grace is over",
  overdue: "overdue",
  failing: "its seal fails since",
  sealed: "sealed",
  not_balanced: "found not to be balanced",
  audited: "audited last",
};

export function Life({ bucket }: { readonly bucket: BucketReply }) {
  const endMs = hourStartMs(bucket.hour) + 3_600_000;
  const late = Date.parse(bucket.targetAt);
  return (
    <section aria-labelledby="life">
      <h2 id="life">Life</h2>
      <ol class="life">
        {bucket.life.map(({ at, what, past }) => (
          <li key={what} class={`moment moment-${what}${past ? "" : " is-coming"}`}>
            <time dateTime={at}>{momentLabel(at)}</time>
            <span>
              {texts[what]}
              {past ? "" : " (to come)"}
            </span>
            <span class="hint">{offsetText(Date.parse(at) - endMs)}</span>
          </li>
        ))}
      </ol>
      <p class="hint">
        To be sealed by <time dateTime={bucket.targetAt}>{momentLabel(bucket.targetAt)}</time>,{" "}
        {spanText(late - endMs)} after the hour. Times are UTC.
      </p>
    </section>
  );
}

function offsetText(ms: number): string {
  if (ms === 0) return "";
  return `${ms < 0 ? "−" : "+"} ${spanText(ms)}`;
}
