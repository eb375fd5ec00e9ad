/** What becomes of events that a stream does not take. */
import * as z from "zod";

export const OnInvalid = z.enum(["refuse", "quarantine"]);
export type OnInvalid = z.infer<typeof OnInvalid>;
