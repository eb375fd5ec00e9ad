/** What a bucket object says of itself, as far as its page shows it. A blank one says only that it has no shards. */
import * as z from "zod";
import { EpochMs } from "../../../../domain/hour.ts";

export const BucketSays = z.object({
  phase: z.enum(["planned", "open", "sealing", "sealed"]).optional(),
  due_at_ms: EpochMs.optional(),
  sealed_at_ms: EpochMs.nullish(),
  attempts: z.number().optional(),
  failed_step: z.string().nullish(),
  error: z.string().nullish(),
  failing_since_ms: EpochMs.nullish(),
  shards: z.array(z.string()),
  missingReceipts: z.array(z.string()),
});
export type BucketSays = z.infer<typeof BucketSays>;
