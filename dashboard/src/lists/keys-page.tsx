/** The keys, without their texts, which are nowhere. Read-only: keys are made and revoked over HTTP, see /v1/keys. */
import { loadKeys } from "../api/load.ts";
import { usePolled } from "../api/use-polled.ts";
import { momentLabel } from "../model/hours.ts";
import { Notice } from "../parts/notice.tsx";

export function KeysPage() {
  const polled = usePolled("keys", loadKeys);
  return (
    <>
      <h1>Keys</h1>
      <Notice polled={polled} what="keys" />
      {polled.value !== null && (
        <div class="table" role="region" aria-label="Keys" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">key</th>
                <th scope="col">scopes</th>
                <th scope="col">owner</th>
                <th scope="col">note</th>
                <th scope="col">made</th>
                <th scope="col">state</th>
              </tr>
            </thead>
            <tbody>
              {polled.value.keys.map(({ id, scopes, note, owner, createdAt, revokedAt, expiresAt }) => (
                <tr key={id} class={revokedAt === null ? "" : "is-over"}>
                  <th scope="row">
                    <code>{id}</code>
                  </th>
                  <td>{scopes.join(", ")}</td>
                  <td>{owner === "" ? "–" : owner}</td>
                  <td>{note === "" ? "–" : note}</td>
                  <td>
                    <time dateTime={createdAt}>{momentLabel(createdAt)}</time>
                  </td>
                  <td>{stateText(revokedAt, expiresAt)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="hint">Read-only here. Keys are made and revoked with an admin key at /v1/keys.</p>
    </>
  );
}

function stateText(revokedAt: string | null, expiresAt: string | null): string {
  if (revokedAt !== null) return `revoked ${momentLabel(revokedAt)}`;
  return expiresAt === null ? "good" : `ends ${momentLabel(expiresAt)}`;
}
