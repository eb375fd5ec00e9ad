/**
 * Request refusals on the wire: RFC 9457 problem details, in one exhaustive switch.
 * Never a 500: real clients drop their events on it, and keep them on 429 and 503 with `Retry-After`.
 */
import { malformedHour } from "../domain/hour-hint.ts";
import { type RequestRefusal, unreachable } from "../domain/refusal.ts";

interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Extension members: the numbers that explain the problem. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The refusal as a response. `type` is a URN: stable, and not an address that someone would have to keep answering.
 * `more`: members beside the standard ones, such as what became of each event.
 */
export function problemOf(refusal: RequestRefusal, more: Readonly<Record<string, unknown>> = {}): Response {
  const { status, title, detail, members, headers } = describe(refusal);
  const body = { type: `urn:hourseal:problem:${refusal.code}`, title, status, detail, ...members, ...more };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

function describe(refusal: RequestRefusal): Problem {
  switch (refusal.code) {
    case "no_key":
      return {
        status: 401,
        title: "A key is required",
        detail: "Send your key as `Authorization: Bearer <key>`, as the Basic user, or as `?key=`.",
        headers: { "www-authenticate": 'Bearer realm="hourseal"' },
      };
    case "bad_key":
      return {
        status: 401,
        title: "The key is not valid",
        detail: "The key is unknown or revoked; use another, or ask an administrator for one.",
        headers: { "www-authenticate": 'Bearer realm="hourseal", error="invalid_token"' },
      };
    case "missing_scope":
      return {
        status: 403,
        title: "The key does not allow this",
        detail: `The key lacks the scope ${refusal.scope}; use a key that has it.`,
        members: { scope: refusal.scope },
      };
    case "bad_link":
      return {
        status: 403,
        title: "The link is not valid",
        detail:
          "The link was altered, or what signed it is no longer valid; ask for another one, or use a key.",
      };
    case "link_expired":
      return {
        status: 403,
        title: "The link has expired",
        detail: `The link opened until ${refusal.expiredAt}; ask for another one, or use a key.`,
        members: { expiredAt: refusal.expiredAt },
      };
    case "body_too_large":
      return {
        status: 413,
        title: "The body is too large",
        detail: `The body is over ${refusal.limitBytes} bytes${refusal.inflated ? " when inflated" : ""}; send fewer events per request.`,
        members: { limitBytes: refusal.limitBytes, inflated: refusal.inflated },
      };
    case "too_many_events":
      return {
        status: 413,
        title: "Too many events",
        detail: `A request holds at most ${refusal.limit} events; send more requests with fewer.`,
        members: { limit: refusal.limit },
      };
    case "unsupported_media_type":
      return {
        status: 415,
        title: "The content type is not supported",
        detail:
          "Send UTF-8 JSON as application/cloudevents+json, application/cloudevents-batch+json, application/json, application/x-ndjson or text/plain, or any type with `ce-` headers.",
        members: { given: refusal.given },
        headers: {
          "accept-post":
            "application/cloudevents+json, application/cloudevents-batch+json, application/json, application/x-ndjson, text/plain",
        },
      };
    case "unsupported_encoding":
      return {
        status: 415,
        title: "The content encoding is not supported",
        detail: "Send the body with gzip or without a content encoding.",
        members: { given: refusal.given },
        // RFC 9110 section 15.5.16: how a 415 says that the encoding was the matter.
        headers: { "accept-encoding": "gzip, identity" },
      };
    case "unreadable_body":
      return { status: 400, title: "The body cannot be read", detail: refusal.detail };
    case "invalid_request":
      return { status: 422, title: "The request is not valid", detail: refusal.detail };
    case "too_much":
      return {
        status: 400,
        title: "More is asked for than one answer holds",
        detail:
          refusal.detail ??
          `${refusal.what} is at most ${refusal.limit}; ask for less, and go on from there.`,
        members: { what: refusal.what, limit: refusal.limit },
      };
    case "malformed_hour":
      return {
        status: 400,
        title: "Not an hour",
        detail: `${refusal.where}: ${malformedHour(refusal.given)}`,
      };
    case "all_refused":
      return {
        status: 422,
        title: "No event was taken",
        detail:
          "Every event was refused; `refused` says why for each. Sending them again unchanged changes nothing.",
      };
    case "not_found":
      return {
        status: 404,
        title: "Not found",
        detail: "Nothing is here; check the path and the names in it.",
      };
    case "method_not_allowed":
      return {
        status: 405,
        title: "The method is not allowed here",
        detail: `Use ${refusal.allow}.`,
        headers: { allow: refusal.allow },
      };
    case "conflict":
      return { status: 409, title: "The request conflicts with what is there", detail: refusal.detail };
    case "change_refused":
      return {
        status: 422,
        title: "The change is refused",
        detail: refusal.refused
          .map(({ type, setting, reason }) => `${type}${setting === null ? "" : `: ${setting}`}: ${reason}.`)
          .join(" "),
        members: { refused: refusal.refused },
      };
    case "unknown_stream":
      return {
        status: 404,
        title: "No such stream",
        detail:
          refusal.near.length === 0
            ? "No stream is registered for this type; register it with PUT, or list the streams."
            : `No stream is registered for this type; did you mean ${refusal.near.join(", ")}?`,
        members: { streamType: refusal.type, near: refusal.near },
      };
    case "before_stream":
      return {
        status: 404,
        title: "The hour is before the stream",
        detail: `The first hour of this stream is ${refusal.firstHour}; ask for it or a later one.`,
        members: { streamType: refusal.type, firstHour: refusal.firstHour },
      };
    case "after_stream":
      return {
        status: 404,
        title: "The hour is after the stream",
        detail: `This stream was removed and ended before ${refusal.end}; ask for an earlier hour.`,
        members: { streamType: refusal.type, end: refusal.end },
      };
    case "not_sealed":
      return {
        status: 409,
        title: "The bucket is not sealed yet",
        detail: refusal.detail,
        members: { dueAt: refusal.dueAt, overdue: refusal.overdue, now: refusal.now },
      };
    case "expired":
      return {
        status: 410,
        title: "The hour has expired",
        detail: `The stream's retention is over: the hour's parts expired at ${refusal.expiredAt}. Its manifest is kept, and says what they held.`,
        members: { streamType: refusal.type, hour: refusal.hour, expiredAt: refusal.expiredAt },
      };
    case "range_not_satisfiable":
      return {
        status: 416,
        title: "The range is outside the part",
        detail: `The part has ${refusal.bytes} bytes; ask for a range within them.`,
        members: { bytes: refusal.bytes },
        headers: { "content-range": `bytes */${refusal.bytes}`, "accept-ranges": "bytes" },
      };
    case "misconfigured":
      return {
        status: 503,
        title: "The deployment is not complete",
        detail: refusal.detail,
        members: { variable: refusal.variable },
        headers: retryAfter(60),
      };
    case "overloaded":
      // 429 and not 503: some clients honour `Retry-After` only with it.
      return {
        status: 429,
        title: "Overloaded",
        detail: `Nothing was taken; send the same request again after ${refusal.retryAfterSeconds} s.`,
        headers: retryAfter(refusal.retryAfterSeconds),
      };
    case "rate_limited":
      return {
        status: 429,
        title: "Over a rate",
        detail: `The events at the indexes in \`failed\` were not taken, for the rate of ${refusal.rates.join(", ")} is reached; send the whole request again after ${refusal.retryAfterSeconds} s, nothing is counted twice.`,
        members: { failed: refusal.failed, "violated-policies": refusal.rates },
        headers: retryAfter(refusal.retryAfterSeconds),
      };
    case "stream_drained":
      return {
        status: 503,
        title: "A stream takes no new events for now",
        detail: `The events at the indexes in \`failed\` were not taken, and \`drained\` says of which stream; keep them, and send the whole request again after ${refusal.retryAfterSeconds} s, nothing is counted twice.`,
        members: { failed: refusal.failed },
        headers: retryAfter(refusal.retryAfterSeconds),
      };
    case "not_durable":
      return {
        status: 503,
        title: "Some events are not known to be durable",
        detail: `The events at the indexes in \`failed\` may be lost; send the whole request again after ${refusal.retryAfterSeconds} s, nothing is counted twice.`,
        members: { failed: refusal.failed },
        headers: retryAfter(refusal.retryAfterSeconds),
      };
    case "unavailable":
      return {
        status: 503,
        title: "Unavailable for the moment",
        detail: refusal.detail,
        headers: retryAfter(refusal.retryAfterSeconds),
      };
    default:
      return unreachable(refusal);
  }
}

function retryAfter(seconds: number): Readonly<Record<string, string>> {
  return { "retry-after": String(Math.max(1, Math.ceil(seconds))) };
}
