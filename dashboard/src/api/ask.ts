/**
 * Asks the Worker. What was asked before and has not changed is not sent again: the last answer of an address is kept
 * with its tag. The Worker that answers was deployed together with this page, so its JSON is taken as the types say; an
 * answer of another format means that the page is older, and says so.
 */
export type Fault =
  /** The key is unknown or revoked. */
  | { readonly kind: "key"; readonly detail: string }
  /** The key may not see this. */
  | { readonly kind: "scope"; readonly detail: string }
  /** What was asked for is not there, or is asked for wrongly. */
  | { readonly kind: "refused"; readonly detail: string }
  /** The Worker does not answer, or says to come again. */
  | { readonly kind: "away"; readonly detail: string }
  | { readonly kind: "outdated"; readonly detail: string };

export type Answer<Value> =
  | { readonly ok: true; readonly value: Value; readonly nowMs: number | null }
  | { readonly ok: false; readonly fault: Fault };

interface Kept {
  readonly etag: string;
  readonly value: unknown;
}

/** A few pages' worth; the oldest goes first. */
const keptMax = 32;

/** One key's memory: another key starts with an empty one. */
export class Asker {
  readonly #key: string;
  readonly #kept = new Map<string, Kept>();

  constructor(key: string) {
    this.#key = key;
  }

  async get<Value>(path: string, signal: AbortSignal): Promise<Answer<Value>> {
    const kept = this.#kept.get(path);
    let response: Response;
    try {
      response = await fetch(path, {
        signal,
        cache: "no-store",
        credentials: "omit",
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(kept === undefined ? {} : { "if-none-match": kept.etag }),
        },
      });
      const nowMs = timeOf(response);
      if (response.status === 304 && kept !== undefined) {
        return { ok: true, value: kept.value as Value, nowMs };
      }
      const body: unknown = await response.json();
      if (!response.ok) return { ok: false, fault: faultOf(response.status, body) };
      if (isOutdated(body)) return { ok: false, fault: outdated };
      const etag = response.headers.get("etag");
      if (etag !== null) this.#keep(path, { etag, value: body });
      return { ok: true, value: body as Value, nowMs };
    } catch (error) {
      if (signal.aborted) throw error;
      return { ok: false, fault: { kind: "away", detail: "The Worker cannot be reached; trying again." } };
    }
  }

  #keep(path: string, kept: Kept): void {
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptMax) break;
      this.#kept.delete(oldest);
    }
  }
}

const outdated: Fault = {
  kind: "outdated",
  detail: "A newer version was deployed. Reload the page; the key is kept.",
};

function isOutdated(body: unknown): boolean {
  return typeof body === "object" && body !== null && "format" in body && body.format !== 1;
}

function timeOf(response: Response): number | null {
  const text = response.headers.get("hourseal-now");
  return text === null ? null : Date.parse(text);
}

function faultOf(status: number, body: unknown): Fault {
  const detail = detailOf(body) ?? `The Worker answered ${status}.`;
  if (status === 401) return { kind: "key", detail };
  if (status === 403) return { kind: "scope", detail };
  return { kind: status === 429 || status >= 500 ? "away" : "refused", detail };
}

function detailOf(body: unknown): string | null {
  return typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string"
    ? body.detail
    : null;
}
