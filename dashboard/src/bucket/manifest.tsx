/** The manifest: its shards' counters, its parts, and what identifies it. */
import type { ComponentChildren } from "preact";
import type { ManifestView, PartView, ShardView } from "../../../domain/view/bucket.ts";
import { bytesText, countOf, countText } from "../model/format.ts";

interface Given {
  readonly manifest: ManifestView | null;
  readonly hour: string;
}

export function Manifest({ manifest, hour }: Given) {
  if (manifest === null) return null;
  const { rows, bytes, shards, shardCount, parts, partCount } = manifest;
  return (
    <>
      <Table
        id="shards"
        title="Shards"
        more={`${countText(shardCount)}${manifest.planShards === null ? "" : `, planned ${countText(manifest.planShards)}`}${shardCount > shards.length ? ", the first ones are shown" : ""}`}
        columns={[
          "shard",
          "accepted",
          "duplicates",
          "denied",
          "moved in",
          "moved out",
          "delivered",
          "unguarded",
        ]}
      >
        {shards.map((shard) => (
          <ShardRow
            key={`${shard.hour}/${shard.index}`}
            shard={shard}
            own={hour}
            planned={manifest.planShards}
          />
        ))}
      </Table>
      <Table
        id="parts"
        title="Parts"
        more={`${countText(partCount)}, ${countOf(rows, "row")}, ${bytesText(bytes)}${partCount > parts.length ? ", the first ones are shown" : ""}`}
        columns={["part", "rows", "bytes", "from shard", "state"]}
      >
        {parts.map((part) => (
          <PartRow key={part.name} part={part} />
        ))}
      </Table>
      <section aria-labelledby="identity">
        <h2 id="identity">Manifest</h2>
        <dl class="facts">
          <dt>sha256</dt>
          <dd class="long">
            <code>{manifest.sha256}</code>
          </dd>
          <dt>Identity sum</dt>
          <dd>
            <code>{manifest.identitySum}</code>
          </dd>
          <dt>Schema version</dt>
          <dd>{manifest.schemaVersion ?? "none"}</dd>
          <dt>Strays</dt>
          <dd>
            {manifest.strays === 0
              ? "none"
              : `${countOf(manifest.strays, "object")} that a crash left behind`}
          </dd>
        </dl>
      </section>
    </>
  );
}

interface TableGiven {
  readonly id: string;
  readonly title: string;
  readonly more: string;
  /** The first one names the row, and the others are numbers unless they are `text`. */
  readonly columns: readonly string[];
  readonly children: ComponentChildren;
}

const texts = new Set(["shard", "part", "from shard", "state"]);

function Table({ id, title, more, columns, children }: TableGiven) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>
        {title} <span class="hint">{more}</span>
      </h2>
      <div class="table" role="region" aria-labelledby={id} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col" class={texts.has(column) ? "" : "number"}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </section>
  );
}

interface ShardGiven {
  readonly shard: ShardView;
  readonly own: string;
  readonly planned: number | null;
}

function ShardRow({ shard, own, planned }: ShardGiven) {
  const { index, hour, accepted, duplicates, denied, movedIn, movedOut, delivered, unguarded } = shard;
  return (
    <tr>
      <th scope="row">
        {index} {hour !== own && <span class="hint">of {hour}</span>}
        {hour === own && planned !== null && index >= planned && <span class="warn">overflow</span>}
      </th>
      {[accepted, duplicates, denied, movedIn, movedOut, delivered, unguarded].map((rows, at) => (
        <td key={at} class="number">
          {countText(rows)}
        </td>
      ))}
    </tr>
  );
}

function PartRow({ part }: { readonly part: PartView }) {
  return (
    <tr class={part.fault === null ? "" : "is-faulty"}>
      <th scope="row" class="long">
        {part.name}
      </th>
      <td class="number">{countText(part.rows)}</td>
      <td class="number">{bytesText(part.bytes)}</td>
      <td>{part.origin}</td>
      <td>
        {part.fault === null ? "no finding" : <span class={`kind kind-${part.fault}`}>{part.fault}</span>}
      </td>
    </tr>
  );
}
