/** Builders that tests of events share. */
import { type AdmissibleEvent, type TextForm, admitJsonText } from "../../../domain/event/index.ts";

/** A minimal valid event; a member given as `undefined` is left out. */
export function eventOf(members: Record<string, unknown> = {}): Record<string, unknown> {
  return { specversion: "1.0", id: "1", source: "/s", type: "t", ...members };
}

/** "taken", or the code it was refused with; a request refusal is written `request:<code>`. */
export function verdict(members: Record<string, unknown>): string {
  return verdictOfText(JSON.stringify(eventOf(members)), "event");
}

export function verdictOfText(text: string, form: TextForm): string {
  return verdicts(text, form).join(" ");
}

export function verdicts(text: string, form: TextForm): string[] {
  const result = admitJsonText(text, form);
  if (!result.ok) return [`request:${result.reason.code}`];
  return result.value.map(({ outcome }) => (outcome.ok ? "taken" : outcome.reason.code));
}

/** The events of a text in which all must be valid. */
export function taken(text: string, form: TextForm): AdmissibleEvent[] {
  const result = admitJsonText(text, form);
  if (!result.ok) throw new Error(JSON.stringify(result.reason));
  return result.value.map(({ outcome }) => {
    if (!outcome.ok) throw new Error(outcome.reason.detail);
    return outcome.value;
  });
}
