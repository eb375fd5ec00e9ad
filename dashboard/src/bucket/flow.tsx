/** The way of the rows: a bar for each hop, what joined and left between them, and what is lost where it was lost. */
import type { FlowPart, FlowStep } from "../../../domain/view/flow.ts";
import { type FlowBar, flowBars, stepLabels } from "../model/flow.ts";
import { countOf, countText } from "../model/format.ts";

interface Given {
  readonly steps: readonly FlowStep[];
  /** False: what comes after the edges is counted when it is. */
  readonly sealed: boolean;
}

export function Flow({ steps, sealed }: Given) {
  const unknown = (step: FlowStep): string => (sealed || step.name === "received" ? "not known" : "not yet");
  const bars = flowBars(steps);
  return (
    <section aria-labelledby="flow">
      <h2 id="flow">Way of the rows</h2>
      <ol class="flow">
        {steps.map((step, index) => (
          <li key={step.name} class={step.missing + step.surplus + step.otherFindings > 0 ? "is-faulty" : ""}>
            <span class="flow-name">{stepLabels[step.name]}</span>
            <Bar bar={bars[index] ?? { there: 0, missing: 0, surplus: 0 }} known={step.rows !== null} />
            <span class="flow-rows">{step.rows === null ? unknown(step) : countText(step.rows)}</span>
            <Sides step={step} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Bar({ bar, known }: { readonly bar: FlowBar; readonly known: boolean }) {
  const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;
  // A loss of one row in a million is still to be seen.
  const loss = (share: number): string => `max(6px, ${percent(share)})`;
  return (
    <span class={`flow-bar${known ? "" : " is-unknown"}`} aria-hidden="true">
      <span class="flow-there" style={{ width: percent(bar.there) }} />
      {bar.surplus > 0 && <span class="flow-surplus" style={{ width: loss(bar.surplus) }} />}
      {bar.missing > 0 && <span class="flow-missing" style={{ width: loss(bar.missing) }} />}
    </span>
  );
}

function Sides({ step }: { readonly step: FlowStep }) {
  const { joined, left, missing, surplus, otherFindings } = step;
  if (joined.length + left.length + missing + surplus + otherFindings === 0) return null;
  return (
    <ul class="flow-sides">
      {missing > 0 && <li class="lost">− {countOf(missing, "row")} missing here</li>}
      {surplus > 0 && <li class="extra">+ {countOf(surplus, "row")} too many here</li>}
      {otherFindings > 0 && <li class="lost">{countOf(otherFindings, "finding")} here, see above</li>}
      {joined.map((part) => (
        <li key={part.name}>+ {sideText(part)}</li>
      ))}
      {left.map((part) => (
        <li key={part.name}>− {sideText(part)}</li>
      ))}
    </ul>
  );
}

const sideTexts: Readonly<Record<FlowPart["name"], string>> = {
  duplicates: "were duplicates",
  quarantined: "went into quarantine, with a reason",
  refused: "were refused, with a reason",
  failed: "were answered as failed, to be sent again",
  denied: "were duplicates of rows delivered elsewhere",
  "moved in": "moved in from earlier buckets",
  "moved out": "moved out to a later bucket",
};

function sideText({ name, rows }: FlowPart): string {
  return `${countText(rows)} ${sideTexts[name]}`;
}
