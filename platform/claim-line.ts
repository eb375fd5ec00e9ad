/** What the line of a claim says, at either kind of home: who asked, for how many, and what was granted. */
import { fingerprintBytes } from "../domain/fingerprint.ts";
import type { ClaimMessage, ClaimReply } from "../domain/messages.ts";
import { note, noteOutcome } from "./span.ts";

export function noteClaim({ owner, fingerprints }: ClaimMessage, reply: ClaimReply): void {
  if (!reply.decided) noteOutcome(reply.why === "forgotten" ? "refused" : "failed", { why: reply.why });
  note(() => ({
    owner,
    identities: fingerprints.length / fingerprintBytes,
    ...(reply.decided ? { granted: reply.granted.reduce((sum, one) => sum + one, 0) } : {}),
  }));
}
