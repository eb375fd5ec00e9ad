/** What the owner chose. Read-only: streams are changed from their file, with a plan and a history. */
import type { StreamReply } from "../../../domain/view/stream.ts";
import { spanText } from "../model/format.ts";
import { hourLabel, momentLabel } from "../model/hours.ts";

export function Settings({ stream }: { readonly stream: StreamReply }) {
  const { settings, version, firstHour, updatedAt, targetLatenessMs, recent } = stream;
  const schema = recent.at(-1)?.schemaVersion ?? null;
  return (
    <section aria-labelledby="settings">
      <h2 id="settings" class="sr">
        Settings
      </h2>
      {settings.description !== "" && <p>{settings.description}</p>}
      <dl class="facts facts-wide">
        <dt>Owner</dt>
        <dd>
          {settings.owner === "" ? "none" : settings.owner}
          {settings.contact !== "" && <span class="hint"> {settings.contact}</span>}
        </dd>
        <dt>Priority</dt>
        <dd>{settings.priority}</dd>
        <dt>Schema</dt>
        <dd>{schema ?? "none"}</dd>
        <dt>Grace</dt>
        <dd>{spanText(settings.graceMs)}</dd>
        <dt>To be sealed within</dt>
        <dd>{spanText(targetLatenessMs)}</dd>
        <dt>Shards</dt>
        <dd>
          {shardsText(settings)}, by {settings.partitionBy}
        </dd>
        <dt>Formats</dt>
        <dd>{settings.formats.join(", ")}</dd>
        <dt>Kept</dt>
        <dd>{settings.retentionMs === null ? "for ever" : spanText(settings.retentionMs)}</dd>
        <dt>Identities remembered</dt>
        <dd>{spanText(settings.windowMs)}</dd>
        <dt>First hour</dt>
        <dd>{hourLabel(firstHour)}</dd>
        <dt>Changed</dt>
        <dd>
          <time dateTime={updatedAt}>{momentLabel(updatedAt)}</time>, version {version}
        </dd>
      </dl>
      <p class="hint">Read-only here. Streams are changed with: npm run streams -- plan, then apply.</p>
    </section>
  );
}

/** A fixed number, or the bounds within which the planner chooses. */
function shardsText({ shards, shardsMax }: StreamReply["settings"]): string {
  return shardsMax === null || shardsMax === shards ? String(shards) : `${shards} to ${shardsMax}`;
}
