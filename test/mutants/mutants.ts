/**
 * Deliberately broken variants of production code. Each one breaks a rule in the way in which somebody might by mistake;
 * `run.ts` says which check catches it. A patch names the exact text that it replaces, so that it cannot rot unseen.
 *
 * Not here, because they change nothing that can be seen: a merge plan that is not kept (what it is made of is, so that
 * it would be made again), and a bucket that enrols a shard under another plan (the shard compares plans itself).
 */

export interface Patch {
  readonly file: string;
  readonly text: string;
  readonly becomes: string;
}

export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Tests that hold the rule, for what the simulation does not reach. */
  readonly tests: readonly string[];
}

const queue = "durable-objects/event-shard/commit-queue.ts";
const shard = "durable-objects/event-shard/shard.ts";
const flush = "durable-objects/event-shard/flush.ts";
const shardStore = "durable-objects/event-shard/store.ts";
const bucket = "durable-objects/hour-bucket/bucket.ts";
const bucketStore = "durable-objects/hour-bucket/store.ts";
const steps = "durable-objects/hour-bucket/seal-steps.ts";
const ledger = "durable-objects/edge-ledger/ledger.ts";
const resolve = "durable-objects/event-shard/resolve.ts";
const homes = "durable-objects/event-shard/homes.ts";
const undatedHome = "durable-objects/undated-home/home.ts";
const commit = "domain/commit.ts";
const identities = "domain/identities.ts";
const table = "domain/identity-table.ts";
const claim = "domain/claim.ts";
const enrol = "domain/enrol.ts";
const seal = "domain/seal.ts";
const append = "workers/ingest/append.ts";
const account = "workers/ingest/edge-account.ts";
const edgeRates = "workers/ingest/edge-rates.ts";
const partWriter = "platform/part-writer.ts";
const auditDue = "workers/flusher/audit/audit-due.ts";

function mutant(name: string, patches: readonly Patch[], ...tests: string[]): Mutant {
  return { name, patches, tests };
}

function change(file: string, text: string, becomes: string): Patch {
  return { file, text, becomes };
}

export const mutants: readonly Mutant[] = [
  // ── Appends ──────────────────────────────────────────────────────────────────────────────────────────────
  mutant("an append is answered before its commit is durable", [
    change(queue, "await this.#deps.sync();", "await Promise.resolve();"),
  ]),
  mutant("a duplicate is answered from a commit that is not durable", [
    change(
      queue,
      `    const outcome = await this.#push(waiting);
    if (outcome === null) return { refused: "closed" };`,
      `    const { rows } = append;
    const known = (row: number): boolean => this.#identities.knows(rows.bytes, rows.fingerprintAt(row));
    if (Array.from({ length: rows.count }, (_, row) => known(row)).every(Boolean)) {
      const accepted = { rows: 0, sum: "0000000000000000" as AppendOutcome["accepted"]["sum"] };
      return { accepted, duplicates: rows.count, acceptedRows: new Uint8Array(rows.count) };
    }
    const outcome = await this.#push(waiting);
    if (outcome === null) return { refused: "closed" };`,
    ),
  ]),
  mutant("a commit that fails does not end the object", [
    change(
      queue,
      `this.#broken = true;
        // On the platform nothing runs after it: whoever waits hears the reason from there.
        this.#deps.abort(\`a commit failed: \${String(error)}\`);
        for (const { fail } of [...entries, ...this.#take(this.#entries.length)]) fail(error);
        return;`,
      "for (const { fail } of entries) fail(error);",
    ),
  ]),
  mutant("identities are not rebuilt on wake", [change(queue, "rows: store.fingerprints(),", "rows: [],")]),
  mutant(
    "an append under another plan is taken",
    [change(enrol, "if (!samePlan(shard.plan, append.plan)) {", "if (append.plan === null) {")],
    "test/domain/enrol.test.ts",
  ),
  mutant(
    "the home hash is not checked",
    [
      change(
        enrol,
        "if (homeIndex(append.rows.hash(row, shard.plan.partitionBy), shard.plan) !== shard.index) {",
        "if (homeIndex(append.rows.hash(row, shard.plan.partitionBy), shard.plan) < 0) {",
      ),
    ],
    "test/domain/enrol.test.ts",
  ),

  // ── Enrolment ────────────────────────────────────────────────────────────────────────────────────────────
  mutant("a shard takes rows before its enrolment is confirmed", [
    change(
      shard,
      "const reply = await this.#deps.enrol(hour, { protocol: protocolVersion, hour, index, plan });",
      `const reply = await this.#deps
      .enrol(hour, { protocol: protocolVersion, hour, index, plan })
      .catch(() => ({ enrolled: true as const, plan }));`,
    ),
  ]),
  mutant("an enrolment is confirmed before it is durable", [
    change(bucket, "await this.#storage.sync();\n    return decision.reply;", "return decision.reply;"),
  ]),
  mutant("a bucket enrols while it seals", [
    change(
      enrol,
      `case "sealed":
      return refuse({ enrolled: false, why: "closed" });`,
      `case "sealed":
      return { act: "enrol", reply: { enrolled: true, plan: request.plan } };`,
    ),
  ]),
  mutant("a blank bucket opens after its hour", [
    change(
      enrol,
      'if (now >= dueAt(hour, graceMs)) return refuse({ enrolled: false, why: "closed" });\n      if (now <',
      "if (now <",
    ),
  ]),

  // ── Closing ──────────────────────────────────────────────────────────────────────────────────────────────
  mutant("a shard takes appends after its receipt", [
    change(shard, "this.#state = this.#store.state();\n    this.#queue?.close();", ""),
  ]),
  mutant("a shard is closed in memory only", [
    change(
      shard,
      "this.#store.close(hour, duplicates, now);\n    });\n    this.#state = this.#store.state();",
      'this.#store.addDelivery(hour);\n    });\n    this.#state = { ...this.#state, phase: "closed", duplicates };',
    ),
  ]),
  mutant("a receipt is given before the close is durable", [
    change(
      shard,
      "await this.#storage.sync();\n    return { closed: true, receipt };",
      "return { closed: true, receipt };",
    ),
  ]),
  mutant("a receipt leaves out the tail", [
    change(shard, "const tail = this.#store.tail(hour)?.content ?? null;", "const tail = null;"),
    change(
      shard,
      "accepted: hour === own ? addTallies([this.#store.acceptedHome(hour), appended]) : zeroTally,",
      "accepted: addTallies([...held.map((content) => content.tally), denied, moved]),",
    ),
  ]),

  // ── Claims ───────────────────────────────────────────────────────────────────────────────────────────────
  mutant("a home forgets who owns an identity", [
    change(
      identities,
      'return number === this.#owners.get(owner) ? "granted_before" : "denied";',
      'return "denied";',
    ),
  ]),
  mutant("a home grants to whoever asks", [
    change(
      identities,
      'return number === this.#owners.get(owner) ? "granted_before" : "denied";',
      'return "granted_before";',
    ),
  ]),
  mutant(
    "a home denies what came to it as a foreign row",
    [change(identities, "if (fresh || number === unclaimed) {", "if (fresh) {")],
    "test/domain/claim.test.ts",
  ),
  mutant(
    "a table of identities that grows forgets some of them",
    [change(table, "while (slots[slot] !== 0) slot = (slot + 1) & mask;", "")],
    "test/domain/identity-table.test.ts",
  ),
  mutant(
    "a table of identities takes the start of a fingerprint for all of it",
    [change(table, " && this.#lies(held & mask, a, b, c, d)", "")],
    "test/domain/identity-table.test.ts",
  ),
  mutant(
    "claims are made for rows that are not durable",
    [change(resolve, "await deps.sync();", "await Promise.resolve();")],
    "test/crash/resolve.test.ts",
  ),
  mutant("a foreign row is delivered without a claim", [
    change(commit, "if (foreignRow) foreign.add(rows, row);", "if (rows.count < 0) foreign.add(rows, row);"),
  ]),
  mutant("a row whose home does not answer is delivered all the same", [
    change(claim, 'if (answers.includes("unreached")) return rowStates.unresolved;', ""),
  ]),
  mutant("rows that should move are dropped", [change(resolve, "moving.add(row.rows, row.row);", "")]),
  mutant("claims go by the plan that the edge assumed", [
    change(homes, "const { plan } = reply;", "const plan = proposed;"),
  ]),
  mutant("an undated home forgets what it granted", [
    change(undatedHome, "await this.#storage.sync();", "await Promise.resolve();"),
  ]),
  mutant(
    "a home past its window answers as one that knows nothing",
    [
      change(
        enrol,
        "if (isForgotten(hour, proposed.windowMs, now)) return { reply: { known: false }, fix: false };",
        "",
      ),
    ],
    "test/domain/enrol.test.ts",
  ),
  mutant("rows that move are recorded before the bucket that takes them waits for them", [
    change(
      resolve,
      "const to = request.mayMove ? await deps.enrolLater(request.hour, request.plan) : null;",
      "const to = request.mayMove ? nextHour(request.hour) : null;",
    ),
    change(
      resolve,
      "function askedRows(",
      `function nextHour(hour: Hour): Hour {
  return new Date(Date.parse(\`\${hour}:00:00Z\`) + 3_600_000).toISOString().slice(0, 13) as Hour;
}

function askedRows(`,
    ),
  ]),
  mutant(
    "grants are compared while rows wait for their claims",
    [
      change(
        "domain/audit-claims.ts",
        "const found = settled\n      ?",
        "const found = settled || true\n      ?",
      ),
    ],
    "test/domain/audit-claims.test.ts",
  ),
  mutant("claims are not rebuilt on wake", [change(queue, "claims: store.claims(),", "claims: [],")]),

  // ── Parts ────────────────────────────────────────────────────────────────────────────────────────────────
  mutant("a part is overwritten instead of created", [
    change("platform/objects.ts", '{ onlyIf: { etagDoesNotMatch: "*" }, sha256 }', "{ sha256 }"),
  ]),
  mutant("a part is put before it is durably frozen", [change(flush, "await deps.sync();", "")]),
  mutant("a part is computed anew with the rows that came since", [
    change(
      flush,
      "store.payloads(hour, frozen.firstSeq, frozen.lastSeq)",
      "store.payloads(hour, frozen.firstSeq, store.unfrozenBatches(hour).at(-1)?.seq ?? frozen.lastSeq)",
    ),
  ]),
  mutant("a stray is adopted without a comparison", [
    change(partWriter, 'if (!sameContent) return { put: "stray" };', ""),
  ]),
  mutant("a lost reply to a put counts as a stray", [
    change(
      partWriter,
      '  if (created === "created") return ours;\n  const found = await objects.get(key);',
      '  if (created === "created") return ours;\n  if (created === "exists") return { put: "stray" };\n  const found = await objects.get(key);',
    ),
  ]),
  mutant("rows are frozen in the first of their formats only", [
    change(
      flush,
      "store.freeze(hour, lastSeq, formats, schema);",
      "store.freeze(hour, lastSeq, formats.slice(0, 1), schema);",
    ),
  ]),
  mutant(
    "an edge takes what is over a quota",
    [change(edgeRates, "if (quota === undefined || now >= quota.until) return null;", "return null;")],
    "test/ingest/edge-quotas.test.ts",
  ),
  mutant(
    "a quota that was used up stays so past its window",
    [
      change(
        edgeRates,
        "if (quota === undefined || now >= quota.until) return null;",
        "if (quota === undefined) return null;",
      ),
    ],
    "test/ingest/edge-quotas.test.ts",
  ),
  mutant(
    "a delivery that is closed is closed again, as another caller wants it",
    [change(shard, 'if (closing && this.#store.delivery(hour)?.state !== "open") return;', "")],
    "test/workerd/event-shard.test.ts",
  ),
  mutant(
    "a frozen part is put by the encoder of the moment",
    [
      change(
        flush,
        "const encoding = { encoder, typed",
        "const encoding = { encoder: encoderOf(format), typed",
      ),
    ],
    "test/workerd/event-shard.test.ts",
  ),
  mutant("columns go by the schema of the moment", [
    change(flush, "typed: columnsOf(frozen.schema), facts", "typed: columnsOf(await deps.schema()), facts"),
  ]),
  mutant("tails are merged into the first of their formats only", [
    change(
      steps,
      "planMerge(pageBytes, bytesMax), formats,",
      "planMerge(pageBytes, bytesMax), formats.slice(0, 1),",
    ),
  ]),
  mutant(
    "a merged part that is split loses a page",
    [change(bucketStore, "first + kept,\n        no,", "first + kept + 1,\n        no,")],
    "test/crash/bucket.test.ts",
  ),
  mutant(
    "a page of a tail begins with the first batch of the one before",
    [change(shardStore, "      firstSeq = null;\n      bytes = 0;", "      bytes = 0;")],
    "test/crash/bucket.test.ts",
  ),
  mutant("rows that moved lie in the formats of the bucket that they left", [
    change(
      shard,
      "await this.#work(hour, { closing: true, mayMove, formats, carryBytes });",
      "await this.#work(hour, { closing: true, mayMove, carryBytes, formats: plan?.formats ?? formats });",
    ),
  ]),
  mutant("a part is frozen over rows that a part holds already", [
    change(
      shardStore,
      "coalesce(max(last_seq), 0) + 1 AS first_seq,",
      "max(coalesce(max(last_seq), 0), 1) AS first_seq,",
    ),
  ]),

  // ── The seal ─────────────────────────────────────────────────────────────────────────────────────────────
  mutant("a bucket seals without one receipt", [
    change(seal, "if (progress.missingReceipts.length > 0)", "if (progress.missingReceipts.length > 1)"),
    change(
      bucketStore,
      "[receipt ?? broken(`shard ${holderName(holder)} has not given its receipt`)]",
      "(receipt ?? [])",
    ),
  ]),
  mutant("the next step begins before what the last one froze is durable", [
    change(
      bucket,
      "// What a step froze is durable before the next one shows it to the outside.\n        await this.#storage.sync();",
      "",
    ),
  ]),
  mutant("each try puts a manifest with its own time", [
    change(
      steps,
      "bytesOfText(this.#store.manifestText())",
      'bytesOfText(this.#store.manifestText().replace(/"sealedAt": "[^"]*"/, `"sealedAt": "${isoOf(now)}"`))',
    ),
  ]),
  mutant("_SUCCESS is put before the manifest", [
    change(
      seal,
      'if (!progress.manifestCreated) return { step: "create_manifest" };\n  if (!progress.successMarked) return { step: "mark_success" };',
      'if (!progress.successMarked) return { step: "mark_success" };\n  if (!progress.manifestCreated) return { step: "create_manifest" };',
    ),
  ]),
  mutant(
    "parts are not looked up before the manifest",
    [change(seal, 'if (!progress.partsChecked) return { step: "check_parts" };', "")],
    "test/domain/seal.test.ts",
  ),
  mutant("payloads are dropped whatever the verdict", [
    change(
      auditDue,
      `if (found === "balanced")
    await bucketStub(env.HOUR_BUCKET, address).verified({ nowMs: now, verdict: found, ...carried() });`,
      'await bucketStub(env.HOUR_BUCKET, address).verified({ nowMs: now, verdict: "balanced" });',
    ),
  ]),
  mutant("payloads are dropped without a verdict", [
    change(bucket, 'if (record.verdict !== "balanced") return;', ""),
  ]),

  mutant("a bucket that is told its verdict again answers before the first telling is durable", [
    change(
      bucket,
      "nobody is answered before, for after that nobody tells it again.\n    await this.#storage.sync();",
      'nobody is answered before, for after that nobody tells it again.\n    if (record.verdict !== "balanced") await this.#storage.sync();',
    ),
  ]),
  mutant("a balanced verdict is recorded before its bucket is told", [
    change(
      auditDue,
      `if (found === "balanced")
    await bucketStub(env.HOUR_BUCKET, address).verified({ nowMs: now, verdict: found, ...carried() });
  const verdict = await recordVerdict(env.CATALOG, { address, findings, load, attempts, at: now });`,
      `const verdict = await recordVerdict(env.CATALOG, { address, findings, load, attempts, at: now });
  if (found === "balanced")
    await bucketStub(env.HOUR_BUCKET, address).verified({ nowMs: now, verdict: found, ...carried() });`,
    ),
  ]),
  mutant("an alarm that throws does not come back", [
    change(
      "platform/run-alarm.ts",
      "await deps.armAlarm((now + alarmRetryMs) as EpochMs, now);",
      "await Promise.resolve();",
    ),
  ]),

  // ── Ledger and audit ─────────────────────────────────────────────────────────────────────────────────────
  mutant("an edge answers before the ledger knows of the append", [
    change(
      append,
      "const [reply] = await Promise.all([send(env, address, account.edge, no, plan, rows), account.reported()]);",
      `account.reported().catch(() => undefined);
    const reply = await send(env, address, account.edge, no, plan, rows);`,
    ),
  ]),
  mutant("an append is sent before the ledger knows the edge", [
    change(append, "await account.opened();", "void account.opened().catch(() => undefined);"),
  ]),
  mutant(
    "a report is taken before it is durable",
    [change(ledger, "await this.#storage.sync();\n    return { taken: true };", "return { taken: true };")],
    "test/crash/ledger.test.ts",
  ),
  mutant(
    "a report that is repeated counts twice",
    [
      change("domain/ledger.ts", 'return "taken_already";', 'return "take";'),
      change("durable-objects/edge-ledger/store.ts", "INSERT INTO report", "INSERT OR IGNORE INTO report"),
    ],
    "test/domain/ledger.test.ts",
  ),
  mutant(
    "a report after a missing one is taken",
    [change("domain/ledger.ts", '? "take" : "gap";', '? "take" : "take";')],
    "test/domain/ledger.test.ts",
  ),
  mutant("an append is repeated under its old number", [
    change(account, "++this.#lastAppend as AppendNo", "(this.#lastAppend ||= 1) as AppendNo"),
  ]),
  mutant(
    "appends without an outcome are not looked up",
    [change("domain/audit.ts", "account.unresolved.map(({ no }) => no),", "[],")],
    "test/domain/audit.test.ts",
  ),

  // ── Schemas ──────────────────────────────────────────────────────────────────────────────────────────────
  mutant(
    "a schema may be tightened",
    [change("domain/stream-change.ts", "evolutionFaults(before.schema, after.schema)", "[]")],
    "test/domain/stream-change.test.ts",
  ),
  mutant(
    "a column may change its type",
    [
      change(
        "domain/schema/evolution.ts",
        "return [{ path, reason: `its column would change from ${from.kind} to ${to.kind}` }];",
        "return [];",
      ),
    ],
    "test/domain/schema/evolution.test.ts",
  ),
  mutant(
    "a pattern may match in any number of ways",
    [change("domain/schema/pattern.ts", "if (!atom.single) this.fault", "if (false) this.fault")],
    "test/domain/schema/check.test.ts",
  ),
  mutant(
    "references unfold without a bound",
    [change("domain/schema/check.ts", "if (++this.#nodes > schemaNodesMax)", "if (++this.#nodes > 1e9)")],
    "test/domain/schema/check.test.ts",
  ),
  mutant(
    "an auditor does not count schema versions",
    [change("domain/recount.ts", "row.timeMs, 0, row.schemaVersion);", "row.timeMs, 0, 0);")],
    "test/domain/recount.test.ts",
  ),

  // ── Quarantine ───────────────────────────────────────────────────────────────────────────────────────────
  mutant(
    "an event that is quarantined again is another one",
    [
      change(
        "domain/quarantine.ts",
        "bytesToHex(fingerprintOf(event));",
        "bytesToHex(fingerprintOf({ ...event, id: `${event.id}/${position}` }));",
      ),
    ],
    "test/domain/quarantine.test.ts",
  ),
  mutant(
    "an event in quarantine has another time than its own",
    [
      change(
        "domain/quarantine.ts",
        "    timeMs,\n    partitionKey: type,",
        "    timeMs: null,\n    partitionKey: type,",
      ),
    ],
    "test/domain/quarantine.test.ts",
  ),
  mutant(
    "an event in quarantine is counted once",
    [change("workers/ingest/event-counts.ts", 'if (fate?.fate === "quarantined")', "if (false)")],
    "test/ingest/event-counts.test.ts",
  ),
  mutant(
    "an auditor does not count quarantined events as answered for",
    [change("domain/audit.ts", "(events.quarantined ?? 0) + ", "")],
    "test/domain/audit.test.ts",
  ),

  mutant(
    "the parts of an hour are deleted before a digest lists it as expired",
    [
      change(
        "platform/catalog/expiry.ts",
        "AND expired_at_ms IS NOT NULL AND digest_sequence IS NOT NULL",
        "AND expired_at_ms IS NOT NULL",
      ),
    ],
    "test/crash/expiry.test.ts",
  ),
  mutant(
    "an hour that waits for an audit may expire",
    [change("platform/catalog/expiry.ts", "AND oldest.audit_retry_at_ms IS NULL", "")],
    "test/crash/expiry.test.ts",
  ),
  mutant(
    "an hour is expired if a digest says so, though none says that it was balanced",
    [change("domain/chain.ts", "if (this.#balanced.has(key)) this", "if (key !== null) this")],
    "test/domain/chain.test.ts",
  ),
  mutant(
    "the mark of an expired hour is deleted last",
    [
      change(
        "domain/expiry.ts",
        "[successKey(manifest), ...manifest.parts.map(({ key }) => key), ...manifest.strays]",
        "[...manifest.parts.map(({ key }) => key), ...manifest.strays, successKey(manifest)]",
      ),
    ],
    "test/domain/expiry.test.ts",
  ),

  mutant(
    "a type that is a step of a path is written into a URL as any other",
    [
      change(
        "domain/segment.ts",
        'type === "." || type === ".." ? `=${type}` : encodeSegment(type)',
        "encodeSegment(type)",
      ),
    ],
    "test/domain/segment.test.ts",
  ),
  mutant(
    "an outcome is in the metrics only once an event had it",
    [
      change(
        "domain/metrics/families.ts",
        '.filter((outcome) => outcome !== "received")',
        '.filter((outcome) => outcome !== "received" && counters.has(`events_${outcome}`))',
      ),
    ],
    "test/domain/metrics/metrics.test.ts",
  ),
  mutant(
    "a stream's page looks at all that is in quarantine",
    [
      change(
        "domain/view/quarantine.ts",
        "if (this.#lookedAt === quarantineViewRowsMax) return",
        "if (this.#lookedAt === Infinity) return",
      ),
    ],
    "test/domain/quarantine-view.test.ts",
  ),
  mutant(
    "explain says nothing of events that went into quarantine",
    [change("domain/explain.ts", "if (quarantined > 0) {", "if (quarantined < 0) {")],
    "test/domain/explain.test.ts",
  ),
  mutant(
    "an hour that nobody has audited is waited for no longer than one that does not balance",
    [change("domain/settled.ts", "faultAtMs === null || now - faultAtMs", "now - (faultAtMs ?? 0)")],
    "test/domain/settled.test.ts",
  ),
  mutant(
    "what is frozen is deleted",
    [
      change(
        "platform/deletion.ts",
        "if (await deps.mayDelete()) return false;",
        "if ((await deps.mayDelete()) || now > 0) return false;",
      ),
    ],
    "test/crash/retire.test.ts",
  ),
  mutant(
    "an edge does not look whether a stream is drained",
    [
      change(
        "workers/ingest/permit.ts",
        "const drained = stream === undefined ? null : drainRefusal(stream);",
        "const drained: EventRefusal | null = null;",
      ),
    ],
    "test/ingest/permit.test.ts",
  ),
  mutant(
    "what a drained stream does not take is refused for good",
    [
      change(
        "domain/drain.ts",
        'return code === "stream_drained";',
        'return code === "stream_drained" && false;',
      ),
    ],
    "test/domain/drain.test.ts",
  ),
];
