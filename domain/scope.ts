/**
 * What a key may do. `write:<types>` and `source:<sources>` take an exact text, a prefix ending in `*`, or `*`. A key with no
 * `source:` scope writes any source. `keys` lets its holder list and rotate the keys of its owner.
 */
import * as z from "zod";

const scopeForm =
  "a scope is admin, read:buckets, read:audit, keys, write:<type, prefix* or *> or source:<source, prefix* or *>";

export const Scope = z.union([
  z.literal("admin"),
  z.literal("read:buckets"),
  z.literal("read:audit"),
  z.literal("keys"),
  z.string().regex(/^source:.+$/s),
  z.string().regex(/^write:.+$/s, scopeForm),
]);
export type Scope = z.infer<typeof Scope>;

/** True if one of the scopes lets its holder write events of `type`. `admin` does not: it is not a client's key. */
export function mayWrite(scopes: readonly string[], type: string): boolean {
  return scopes.some((scope) => scope.startsWith("write:") && matches(scope.slice("write:".length), type));
}

/** The scope that a key lacks to write such an event; null: it lacks none. */
export function lackedScope(
  scopes: readonly string[],
  { type, source }: { readonly type: string; readonly source: string },
): string | null {
  if (!mayWrite(scopes, type)) return `write:${type}`;
  const sources = scopes.filter((scope) => scope.startsWith("source:"));
  const may = sources.length === 0 || sources.some((scope) => matches(scope.slice("source:".length), source));
  return may ? null : `source:${source}`;
}

function matches(pattern: string, text: string): boolean {
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : pattern === text;
}

/** True if the key may write at least one type: what a request needs before its body is read. */
export function mayWriteSomething(scopes: readonly string[]): boolean {
  return scopes.some((scope) => scope.startsWith("write:"));
}

/** What a route can ask for. */
export type NeededScope = "admin" | "read:buckets" | "read:audit" | "keys";

/** True if the scopes hold `needed`; `admin` holds every one of them. */
export function holds(scopes: readonly string[], needed: NeededScope): boolean {
  return scopes.includes(needed) || scopes.includes("admin");
}
