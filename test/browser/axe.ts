/** What axe-core finds on a page that is serious or worse. It runs beside the page's own scripts, policy and all. */
import axe from "axe-core";
import type { Page } from "playwright-core";
import * as z from "zod";

const Results = z.object({
  violations: z.array(
    z.object({
      id: z.string(),
      impact: z.string().nullish(),
      nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })),
    }),
  ),
});

export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const results = Results.parse(await page.evaluate("axe.run(document, { resultTypes: ['violations'] })"));
  return results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ""}`),
    );
}
