/** Asking a source for its counters: what it says, or why it could not be asked. Never throws: that is a finding. */
import type { Heard } from "../../../domain/audit.ts";

export async function hear<Value>(asked: Promise<Value>): Promise<Heard<Value>> {
  try {
    return { heard: true, value: await asked };
  } catch (error) {
    return { heard: false, why: String(error) };
  }
}
