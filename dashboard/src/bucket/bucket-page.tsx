/** One bucket: what is wrong with it, where its rows went, and how its life went so far. */
import { useMemo } from "preact/hooks";
import type { BucketReply } from "../../../domain/view/bucket.ts";
import { type BucketState, isFault } from "../../../domain/view/state.ts";
import { loadBucket } from "../api/load.ts";
import { usePolled } from "../api/use-polled.ts";
import { hourLabel, plusHours } from "../model/hours.ts";
import { stateSigns } from "../model/states.ts";
import { Freezes } from "../parts/freezes.tsx";
import { Notice } from "../parts/notice.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { hrefOf } from "../route.ts";
import { Arrivals } from "./arrivals.tsx";
import { Findings } from "./findings.tsx";
import { Flow } from "./flow.tsx";
import { Life } from "./life.tsx";
import { Manifest } from "./manifest.tsx";
import { SealHistory } from "./seal-history.tsx";

const notSealed: ReadonlySet<BucketState> = new Set(["open", "due", "overdue"]);

interface Given {
  readonly type: string;
  readonly hour: string;
}

export function BucketPage({ type, hour }: Given) {
  const load = useMemo(() => loadBucket(type, hour), [type, hour]);
  const polled = usePolled(`bucket ${hour}/${type}`, load);
  const bucket = polled.value;
  return (
    <>
      <nav class="crumbs" aria-label="Where this is">
        <a href={hrefOf({ page: "grid" })}>Grid</a>
        <a href={hrefOf({ page: "stream", type })}>{type}</a>
        <span>
          <a href={hrefOf({ page: "bucket", type, hour: plusHours(hour, -1) })} aria-label="The hour before">
            ‹
          </a>{" "}
          {hourLabel(hour)} UTC{" "}
          <a href={hrefOf({ page: "bucket", type, hour: plusHours(hour, 1) })} aria-label="The hour after">
            ›
          </a>
        </span>
      </nav>
      <h1 class="title">
        <span>{type}</span> <span class="hint">{hourLabel(hour)} UTC</span>{" "}
        {bucket !== null && <StateBadge state={bucket.state} />}
      </h1>
      <Freezes type={type} />
      <Notice polled={polled} what="bucket" />
      {bucket !== null && <Bucket bucket={bucket} />}
    </>
  );
}

function Bucket({ bucket }: { readonly bucket: BucketReply }) {
  return (
    <>
      <p class={isFault(bucket.state) ? "fault" : "hint"}>
        {stateSigns[bucket.state].meaning}{" "}
        {bucket.seal.lastError !== null && bucket.manifest === null && bucket.seal.lastError}
      </p>
      <p class="hint">
        {bucket.owner === "" ? "No owner" : `Owner ${bucket.owner}`}
        {bucket.contact === "" ? "" : ` · ${bucket.contact}`} · priority {bucket.priority}
      </p>
      {bucket.unheard.length > 0 && (
        <ul class="fault" aria-label="Sources that did not answer">
          {bucket.unheard.map(({ source, why }) => (
            <li key={source}>
              {source}: {why}
            </li>
          ))}
        </ul>
      )}
      <Findings bucket={bucket} />
      <div class="columns">
        <Flow steps={bucket.flow} sealed={!notSealed.has(bucket.state)} />
        <Life bucket={bucket} />
      </div>
      <div class="columns">
        <Arrivals arrivals={bucket.arrivals} hour={bucket.hour} />
        <SealHistory seal={bucket.seal} />
      </div>
      <Manifest manifest={bucket.manifest} hour={bucket.hour} />
    </>
  );
}
