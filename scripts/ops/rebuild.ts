/** `rebuild-catalog`: streams and keys, then each stream's hours week by week, then the verdicts. */
import * as z from "zod";
import { type Hour, hourNumber, parseHour, plusHours } from "../../domain/hour.ts";
import { rebuildHoursMax } from "../../domain/limits.ts";
import { typeSegment } from "../../domain/segment.ts";
import { type Api, call } from "../local/client.ts";

const Restored = z.looseObject({ streams: z.array(z.string()), keys: z.array(z.string()) });
const Streams = z.looseObject({
  streams: z.array(
    z.looseObject({ type: z.string(), firstHour: z.string(), earliestHour: z.string().optional() }),
  ),
});
const Rebuilt = z.looseObject({
  manifests: z.number(),
  added: z.number(),
  differing: z.array(z.string()),
  unreadable: z.array(z.string()),
  absent: z.array(z.string()),
});
const Verdicts = z.looseObject({ verdicts: z.number().optional(), next: z.number().nullish() });
const Report = z.looseObject({ to: z.string() });

/** 0: all that R2 has is in the catalog, or would be; 1: manifests are unreadable, or other ones than the catalog has. */
export async function rebuildCatalog(
  api: Api,
  body: { readonly dryRun: boolean; readonly author: string; readonly note: string },
  say: (line: string) => void,
): Promise<number> {
  const restored = Restored.parse(await call(api, "POST", "/v1/ops/restore-config", body));
  const verb = body.dryRun ? "would be" : "were";
  say(
    `${restored.streams.length} streams and ${restored.keys.length} keys ${verb} restored from the snapshot`,
  );
  if (body.dryRun && restored.streams.length > 0)
    say("the hours of streams that are not there are looked at once these are restored");
  // The end of the report's range is the end of the current hour, by the clock that decides.
  const end = hourOf(Report.parse(await call(api, "GET", "/v1/audit/report?limit=1")).to);
  let faults = 0;
  for (const { type, firstHour, earliestHour } of Streams.parse(await call(api, "GET", "/v1/streams"))
    .streams) {
    const sums = { manifests: 0, added: 0, absent: 0 };
    for (
      let from = hourOf(earliestHour ?? firstHour);
      hourNumber(from) < hourNumber(end);
      from = plusHours(from, rebuildHoursMax)
    ) {
      const piece = plusHours(from, Math.min(rebuildHoursMax, hourNumber(end) - hourNumber(from)));
      const path = `/v1/ops/rebuild-buckets/${typeSegment(type)}`;
      const read = Rebuilt.parse(await call(api, "POST", path, { ...body, from, to: piece }));
      sums.manifests += read.manifests;
      sums.added += read.added;
      sums.absent += read.absent.length;
      for (const hour of read.unreadable) say(`${JSON.stringify(type)} ${hour}: its manifest cannot be read`);
      for (const hour of read.differing)
        say(`${JSON.stringify(type)} ${hour}: the catalog has another manifest, and keeps it`);
      faults += read.unreadable.length + read.differing.length;
    }
    say(
      `${JSON.stringify(type)}: ${sums.manifests} manifests, ${sums.added} ${verb} added; ${sums.absent} hours have none`,
    );
  }
  let verdicts = 0;
  for (let from: number | null = 1; from !== null;) {
    const read = Verdicts.parse(await call(api, "POST", "/v1/ops/rebuild-verdicts", { ...body, from }));
    verdicts += read.verdicts ?? 0;
    from = read.next ?? null;
  }
  if (!body.dryRun) say(`${verdicts} verdicts were taken over from the digests`);
  return faults === 0 ? 0 : 1;
}

function hourOf(text: string): Hour {
  const hour = parseHour(text);
  if (hour === null) throw new Error(`not an hour: ${text}`);
  return hour;
}
