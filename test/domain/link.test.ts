import { describe, expect, it } from "vitest";
import { followedLink, linkQuery } from "../../domain/link.ts";
import { linkMsMax } from "../../domain/limits.ts";
import { epochMs } from "../../domain/hour.ts";

const now = epochMs(Date.parse("2026-11-23T12:00:00Z"));
const signature = "0f".repeat(32);
const link = { path: "/v1/buckets/a/2026-11-23T10", expiresAtMs: now + 1, keyId: "admin" };

function follow(query: string, method = "GET") {
  return followedLink(method, link.path, new URLSearchParams(query), now);
}

describe("[RD4] a link that is followed", () => {
  it.each(["GET", "HEAD"])("is the one that was made: %s", (method) => {
    expect(follow(linkQuery(link, signature), method)).toEqual({ ok: true, value: { link, signature } });
  });

  it("opens to the last millisecond, and not at its end", () => {
    const expired = follow(linkQuery({ ...link, expiresAtMs: now }, signature));
    expect(expired).toEqual({
      ok: false,
      reason: { code: "link_expired", expiredAt: "2026-11-23T12:00:00.000Z" },
    });
  });

  it("opens for linkMsMax at most", () => {
    expect(follow(linkQuery({ ...link, expiresAtMs: now + linkMsMax }, signature)).ok).toBe(true);
    expect(follow(linkQuery({ ...link, expiresAtMs: now + linkMsMax + 1 }, signature)).ok).toBe(false);
  });

  it.each(["POST", "PUT", "DELETE"])("only reads: not %s", (method) => {
    expect(follow(linkQuery(link, signature), method)).toEqual({ ok: false, reason: { code: "bad_link" } });
  });

  it.each([
    "signature=x",
    `expires=${now + 1}&by=admin&signature=`,
    `expires=&by=admin&signature=${signature}`,
    `expires=1e99&by=admin&signature=${signature}`,
    `expires=${now + 1}&by=&signature=${signature}`,
    `expires=${now + 1}&by=a%0Ab&signature=${signature}`,
  ])("is whole: %s", (query) => {
    expect(follow(query)).toEqual({ ok: false, reason: { code: "bad_link" } });
  });
});
