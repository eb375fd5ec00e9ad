/** Which bucket a key belongs to, and which hours of a stream have no manifest. */
import { type Hour, hourNumber, parseHour } from "../../domain/hour.ts";

/** Groups keys, which come in order, by their bucket's prefix. Keys that are under no bucket form their own group. */
export async function* bucketsOf(
  keys: AsyncIterable<string>,
): AsyncGenerator<{ readonly prefix: string; readonly keys: readonly string[] }> {
  let prefix: string | null = null;
  let group: string[] = [];
  for await (const key of keys) {
    const own = /^events\/[^/]*\/[^/]*\/[^/]*\//.exec(key)?.[0] ?? key.slice(0, key.lastIndexOf("/") + 1);
    if (own !== prefix && prefix !== null) {
      yield { prefix, keys: group };
      group = [];
    }
    prefix = own;
    group.push(key);
  }
  if (prefix !== null) yield { prefix, keys: group };
}

/** The address a prefix says it has; null if it is no bucket's. */
export function addressOf(prefix: string): { readonly type: string; readonly hour: Hour } | null {
  const parts = /^events\/type=([^/]+)\/date=([^/]+)\/hour=([^/]+)\/$/.exec(prefix);
  const hour = parseHour(`${parts?.[2] ?? ""}T${parts?.[3] ?? ""}`);
  if (parts === null || hour === null) return null;
  try {
    return { type: decodeURIComponent(parts[1] ?? ""), hour };
  } catch {
    return null;
  }
}

/** Hours of a stream that have no manifest though an earlier and a later one have. */
export function gapsOf(
  sealed: readonly { readonly type: string; readonly hour: string; readonly verdict: string }[],
): string[] {
  const lastOf = new Map<string, number>();
  const gaps: string[] = [];
  for (const { type, hour: text, verdict } of sealed) {
    const hour = parseHour(text);
    if (hour === null || verdict === "open") continue;
    const number = hourNumber(hour);
    const last = lastOf.get(type) ?? number - 1;
    if (number > last + 1) gaps.push(`${type}: ${number - last - 1} hours before ${hour} have no manifest`);
    lastOf.set(type, number);
  }
  return gaps;
}
