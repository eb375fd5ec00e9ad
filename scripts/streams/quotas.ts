/** `quotas`: what every stream and key that has a quota has used of it. */
import * as z from "zod";
import { type Api, call } from "../local/client.ts";
import { typeText } from "./render.ts";

const Listed = z.looseObject({
  quotas: z.array(
    z.looseObject({
      kind: z.enum(["stream", "key"]),
      name: z.string(),
      eventsPerHourMax: z.number().nullable(),
      eventsPerDayMax: z.number().nullable(),
      eventsThisHour: z.number(),
      eventsToday: z.number(),
      usedUpUntil: z.string().nullable(),
    }),
  ),
});

export async function quotas(api: Api): Promise<number> {
  const listed = Listed.parse(await call(api, "GET", "/v1/quotas"));
  for (const one of listed.quotas) {
    console.log(
      [
        `${one.kind} ${typeText(one.name)}`,
        ...used(one.eventsThisHour, one.eventsPerHourMax, "this hour"),
        ...used(one.eventsToday, one.eventsPerDayMax, "today"),
        ...(one.usedUpUntil === null ? [] : [`used up until ${one.usedUpUntil}`]),
      ].join("  "),
    );
  }
  console.log(`${listed.quotas.length} quotas, as of the cron's last run`);
  return 0;
}

function used(events: number, max: number | null, window: string): string[] {
  return max === null ? [] : [`${events.toLocaleString("en")} of ${max.toLocaleString("en")} ${window}`];
}
