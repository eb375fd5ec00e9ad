/** What a key may do. `write:<types>` takes an exact type, a prefix ending in `*`, or `*`. */
import * as z from "zod";

export const Scope = z.union([
  z.literal("admin"),
  z.literal("read:buckets"),
  z.literal("read:audit"),
  z.string().regex(/^write:.+$/s, "a scope is admin, read:buckets, read:audit or write:<type, prefix* or *>"),
]);
export type Scope = z.infer<typeof Scope>;

/** True if one of the scopes lets its holder write events of `type`. `admin` does not: it is not a client's key. */
export function mayWrite(scopes: readonly string[], type: string): boolean {
  return scopes.some((scope) => {
    if (!scope.startsWith("write:")) return false;
    const pattern = scope.slice("write:".length);
    return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
  });
}

/** True if the key may write at least one type: what a request needs before its body is read. */
export function mayWriteSomething(scopes: readonly string[]): boolean {
  return scopes.some((scope) => scope.startsWith("write:"));
}

/** True if the scopes hold `needed`; `admin` holds every reading scope. */
export function holds(scopes: readonly string[], needed: "admin" | "read:buckets" | "read:audit"): boolean {
  return scopes.includes(needed) || scopes.includes("admin");
}
