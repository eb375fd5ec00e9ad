/** What the auditor found, hop by hop: the counters that should be equal and are not. */
import type { BucketReply } from "../../../domain/view/bucket.ts";
import { countOf, countText } from "../model/format.ts";

export function Findings({ bucket }: { readonly bucket: BucketReply }) {
  const { findings, findingCount } = bucket;
  if (findings.length === 0) return null;
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">
        What is wrong <span class="hint">{countOf(findingCount, "finding")}</span>
      </h2>
      <div class="table" role="region" aria-labelledby="findings" tabIndex={0}>
        <table class="findings">
          <thead>
            <tr>
              <th scope="col">kind</th>
              <th scope="col">hop</th>
              <th scope="col" class="number">
                rows
              </th>
              <th scope="col">where</th>
              <th scope="col">what</th>
            </tr>
          </thead>
          <tbody>
            {findings.map((finding, index) => (
              <tr key={index}>
                <td>
                  <span class={`kind kind-${finding.kind}`}>{finding.kind}</span>
                </td>
                <td>{finding.hop.replaceAll("_", " ")}</td>
                <td class="number">{finding.rows === 0 ? "–" : countText(finding.rows)}</td>
                <td class="long">{finding.where.slice(finding.where.lastIndexOf("/") + 1)}</td>
                <td>{finding.detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {findingCount > findings.length && (
        <p class="hint">The worst {countText(findings.length)} are shown; all were counted.</p>
      )}
    </section>
  );
}
