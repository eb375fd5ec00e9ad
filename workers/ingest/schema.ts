/** Holding an event against its stream's schema: the version that the edge's snapshot has. */
import type { AdmissibleEvent } from "../../domain/event/index.ts";
import type { EventRefusal } from "../../domain/refusal.ts";
import type { JsonObject } from "../../domain/schema/json.ts";
import { SchemaChecker } from "../../domain/schema/validate.ts";
import type { Stream } from "../../domain/stream.ts";

/** Made once for a schema, at its first event, and gone with the snapshot that holds it. */
const checkers = new WeakMap<JsonObject, SchemaChecker>();

/** Why the event's data is not what its stream takes; null: it is. */
export function schemaRefusal(
  event: Pick<AdmissibleEvent, "json">,
  { schema, schemaVersion }: Pick<Stream, "schema" | "schemaVersion">,
): EventRefusal | null {
  if (schema === null) return null;
  let checker = checkers.get(schema);
  if (checker === undefined) checkers.set(schema, (checker = new SchemaChecker(schema)));
  const fault = checker.faultOf(event.json);
  if (fault === null) return null;
  const { keyword, schemaPath, pointer } = fault;
  const detail = `\`${keyword}\` of the stream's schema, version ${schemaVersion}, does not hold at ${pointer}: see ${schemaPath} in it.`;
  return { code: "schema_violation", detail, pointer };
}
