/** The JSON Schema of the audit report, for whoever reads it with another program. */
import { expect, test } from "vitest";
import { reportSchema } from "../../domain/report.ts";
import { textOf } from "./tree.ts";

test("[OP7] report.schema.json is current: npm run -s report -- --schema > report.schema.json", () => {
  expect(textOf("report.schema.json")).toBe(`${JSON.stringify(reportSchema(), null, 2)}\n`);
});
