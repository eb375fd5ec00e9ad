import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Scope, holds, lackedScope, mayWrite, mayWriteSomething } from "../../domain/scope.ts";

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 15 });

describe("scopes", () => {
  it("[KE2] write:<type> lets write that type and no other", () => {
    fc.assert(
      fc.property(text, text, (granted, wanted) => {
        fc.pre(!granted.endsWith("*"));
        expect(mayWrite([`write:${granted}`], wanted)).toBe(granted === wanted);
      }),
    );
    expect(mayWrite(["write:a.b"], "a.bc")).toBe(false);
    expect(mayWrite(["write:a.b"], "a")).toBe(false);
    expect(mayWrite(["write:a\nb"], "a\nb")).toBe(true);
  });

  it("[KE2] write:<prefix>* lets write what begins so, and write:* everything", () => {
    fc.assert(
      fc.property(text, text, (prefix, rest) => {
        expect(mayWrite([`write:${prefix}*`], prefix + rest)).toBe(true);
        expect(mayWrite([`write:${prefix}*`], rest)).toBe(rest.startsWith(prefix));
        expect(mayWrite(["write:*"], rest)).toBe(true);
      }),
    );
  });

  it("[KE2] of other kinds let nobody write, admin's neither", () => {
    for (const scopes of [[], ["admin"], ["read:buckets", "read:audit"], ["WRITE:*"], ["xwrite:*"]]) {
      expect(mayWrite(scopes, "a"), String(scopes)).toBe(false);
      expect(mayWriteSomething(scopes), String(scopes)).toBe(false);
    }
    expect(mayWriteSomething(["read:audit", "write:a"])).toBe(true);
    expect(mayWrite(["write:b", "write:a"], "a")).toBe(true);
  });

  it("[KE2] for reading are held by whoever has them, and by admin; admin by nobody else", () => {
    expect(holds(["read:buckets"], "read:buckets")).toBe(true);
    expect(holds(["read:buckets"], "read:audit")).toBe(false);
    expect(holds(["admin"], "read:buckets") && holds(["admin"], "read:audit")).toBe(true);
    expect(holds(["write:*", "read:buckets", "read:audit"], "admin")).toBe(false);
    expect(holds([], "admin")).toBe(false);
  });

  it("[KE7] source:<source> and source:<prefix>* bind a key to sources; without one it writes any", () => {
    const lacked = (scopes: string[], source: string) => lackedScope(scopes, { type: "a", source });
    expect(lacked(["write:a"], "anything")).toBeNull();
    expect(lacked(["write:a", "source:/shop/*"], "/shop/1")).toBeNull();
    expect(lacked(["write:a", "source:/shop/*"], "/web/1")).toBe("source:/web/1");
    expect(lacked(["write:a", "source:x", "source:y"], "y")).toBeNull();
    expect(lacked(["write:a", "source:x"], "xy")).toBe("source:xy");
    expect(lacked(["write:b", "source:x"], "x")).toBe("write:a");
    expect(lacked(["source:*"], "x")).toBe("write:a");
    expect(lacked(["admin"], "x")).toBe("write:a");
  });

  it("[KE2] are one of six forms", () => {
    const good = [
      "admin",
      "read:buckets",
      "read:audit",
      "keys",
      "source:x",
      "source:*",
      "write:*",
      "write:a",
      "write:a\nb",
    ];
    const bad = ["", "write:", "source:", "key", "keys:x", "read:*", "Admin", "write", " write:a", "admin "];
    expect(good.filter((scope) => !Scope.safeParse(scope).success)).toEqual([]);
    expect(bad.filter((scope) => Scope.safeParse(scope).success)).toEqual([]);
  });
});
