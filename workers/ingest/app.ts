/**
 * The edge's front: `POST /v1/events`. Authenticate, bound, parse, validate, deliver, answer per event.
 *
 * Promises: 200 only for events whose fate is durable; every event is in the answer, as taken or with its reason; a
 * request that could not be made durable is 503 and safe to repeat as a whole.
 */
import { Hono } from "hono";
import { cors } from "hono/cors";
import type { Admission } from "../../domain/event/index.ts";
import { type EpochMs, hourOf } from "../../domain/hour.ts";
import { retryAfterSeconds } from "../../domain/limits.ts";
import { hasQuota } from "../../domain/quota.ts";
import { type Limit, rateLimitFields } from "../../domain/rate.ts";
import { type EventRefusal, type RequestRefusal, type Result, no, ok } from "../../domain/refusal.ts";
import { mayWriteSomething } from "../../domain/scope.ts";
import type { Stream } from "../../domain/stream.ts";
import { type AuthEnv, type Principal, authenticate } from "../../platform/auth.ts";
import { type ClockEnv, readClock } from "../../platform/clock.ts";
import { problemOf } from "../../platform/problem.ts";
import { type LogEnv, note } from "../../platform/span.ts";
import { type SnapshotEnv, type SnapshotView, edgeSnapshots } from "../../platform/snapshot.ts";
import { answerOf } from "./answer.ts";
import { admitRequest } from "./body.ts";
import { type DeliverEnv, type Deliverable, type Fate, deliver } from "./deliver.ts";
import { EdgeMemory } from "./edge-memory.ts";
import { noteEvents } from "./event-counts.ts";
import { type AppendNote, noteRequest } from "./request-line.ts";
import { permitOf } from "./permit.ts";

export type IngestEnv = DeliverEnv & ClockEnv & AuthEnv & SnapshotEnv & LogEnv;

/** What this isolate remembers. */
const memory = new EdgeMemory();

export const ingest = new Hono<{ Bindings: IngestEnv }>({ strict: false });

/** What a page of another origin may read of an answer. */
const exposedHeaders = ["Retry-After", "RateLimit", "RateLimit-Policy", "traceresponse"];

ingest.options(
  "/v1/events",
  cors({
    origin: "*",
    allowMethods: ["POST", "OPTIONS"],
    exposeHeaders: exposedHeaders,
    maxAge: 86_400,
  }),
);

ingest.post("/v1/events", async (context) => {
  const answer = await postEvents(context.req.raw, context.env, (task) => {
    context.executionCtx.waitUntil(task);
  });
  return openToAnyOrigin(answer);
});

ingest.all("/v1/events", () =>
  openToAnyOrigin(problemOf({ code: "method_not_allowed", allow: "POST, OPTIONS" })),
);

/** On the answer itself: a middleware would make every answer a second time, for 5 % of a request's CPU. */
function openToAnyOrigin(answer: Response): Response {
  answer.headers.set("access-control-allow-origin", "*");
  answer.headers.set("access-control-expose-headers", exposedHeaders.join(","));
  return answer;
}

// The router would answer 500, on which clients drop their events. The Worker's own frame answers 503.
ingest.onError((error) => {
  throw error;
});

async function postEvents(
  request: Request,
  env: IngestEnv,
  waitUntil: (task: Promise<void>) => void,
): Promise<Response> {
  const arrived = await readClock(env);
  const allowed = await authorize(request, env, arrived);
  if (!allowed.ok) return refused(allowed.reason);
  const { principal, snapshot } = allowed.value;
  note({ key: principal.keyId });
  const admitted = await admitRequest(request);
  if (!admitted.ok) return refused(admitted.reason);
  const now = await readClock(env);
  const streams = await knownStreams(admitted.value, snapshot, env, now);
  const appends: AppendNote[] = [];
  const { fates, types, limits } = await fatesOf(
    admitted.value,
    { principal, snapshot, streams },
    env,
    now,
    appends,
  );
  noteRequest(now, fates, appends);
  // After the answer: the ledger's own equation must not hold a client up.
  const account = memory.accounts.of(env.EDGE_LEDGER, hourOf(now));
  const noting = noteEvents(account, types, fates, keyWithQuota(principal, snapshot));
  if (noting !== null) waitUntil(noting);
  return answerOf(admitted.value, fates, retryAfterSeconds, rateLimitFields(limits));
}

/** The id under which the ledger counts what the key sends; null: it has no quota. */
function keyWithQuota({ keyId }: Principal, { keys }: SnapshotView): string | null {
  const key = keys.get(keyId);
  return key !== undefined && hasQuota(key) ? keyId : null;
}

function refused(refusal: RequestRefusal): Response {
  note({ code: refusal.code });
  return problemOf(refusal);
}

async function authorize(
  request: Request,
  env: IngestEnv,
  now: EpochMs,
): Promise<Result<{ readonly principal: Principal; readonly snapshot: SnapshotView }, RequestRefusal>> {
  let snapshot = await edgeSnapshots.current(env, now);
  let principal = authenticate(request, snapshot, env, now);
  if (!principal.ok && principal.reason.code === "bad_key") {
    // The key may be younger than the snapshot.
    snapshot = await edgeSnapshots.refresh(env, now);
    principal = authenticate(request, snapshot, env, now);
  }
  if (!principal.ok) return principal;
  if (!mayWriteSomething(principal.value.scopes)) return no({ code: "missing_scope", scope: "write:<type>" });
  return ok({ principal: principal.value, snapshot });
}

/** The streams by type; read anew if an event's type is not among them, for it may be younger than the snapshot. */
async function knownStreams(
  admissions: readonly Admission[],
  snapshot: SnapshotView,
  env: IngestEnv,
  now: EpochMs,
): Promise<ReadonlyMap<string, Stream>> {
  const unknown = admissions.some(({ outcome }) => outcome.ok && !snapshot.streams.has(outcome.value.type));
  return unknown ? (await edgeSnapshots.refresh(env, now)).streams : snapshot.streams;
}

async function fatesOf(
  admissions: readonly Admission[],
  { principal, snapshot, streams }: Sender,
  env: IngestEnv,
  now: EpochMs,
  appends: AppendNote[],
): Promise<{
  readonly fates: readonly Fate[];
  readonly types: readonly string[];
  readonly limits: readonly Limit[];
}> {
  const deliverables: Deliverable[] = [];
  const sent: Sent[] = [];
  const types: string[] = [];
  const fates = admissions.map(({ outcome }, position): Fate => {
    if (!outcome.ok) {
      types.push("");
      return { fate: "refused", refusal: outcome.reason };
    }
    const permit = permitOf(outcome.value, position, principal, streams);
    types.push(permit.countedAs);
    if (permit.goes === "back") return { fate: "refused", refusal: permit.refusal };
    deliverables.push(permit.deliverable);
    sent.push({ position, quarantined: permit.goes === "to_quarantine" ? permit.refusal : null });
    return { fate: "failed", why: "unreachable" };
  });
  const { limits, over } = memory.rates.meter(principal, deliverables, snapshot.spent, now);
  const within = over.size === 0 ? deliverables : deliverables.filter(({ stream }) => !over.has(stream.type));
  const delivered = (await deliver(env, memory, within, now, appends)).values();
  deliverables.forEach(({ stream }, at) => {
    const { position, quarantined = null } = sent[at] ?? {};
    const fate = over.get(stream.type) ?? delivered.next().value;
    if (position !== undefined && fate !== undefined)
      fates[position] = quarantined === null ? fate : inQuarantine(fate, quarantined);
  });
  return { fates, types, limits };
}

/** Who sends, and what the edge goes by. `streams` may be younger than the snapshot. */
interface Sender {
  readonly principal: Principal;
  readonly snapshot: SnapshotView;
  readonly streams: ReadonlyMap<string, Stream>;
}

/** Where a deliverable stood in its request, and why it is on its way to quarantine, if it is. */
interface Sent {
  readonly position: number;
  readonly quarantined: EventRefusal | null;
}

/** What became of an event that its stream does not take, told from what became of it in quarantine. */
function inQuarantine(fate: Fate, refusal: EventRefusal): Fate {
  return fate.fate === "accepted" || fate.fate === "duplicate"
    ? { fate: "quarantined", refusal, new: fate.fate === "accepted" }
    : fate;
}
