/**
 * Every number that bounds something, with its unit last and its reason.
 * Tests hold each limit at its value and one past it; relations between limits are asserted at the end.
 */

const KiB = 1024;
const MiB = 1024 * KiB;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

// ── Request ────────────────────────────────────────────────────────────────────────────────────────────────

/** Compressed or plain bytes of one request body. Bounds an isolate's memory per request (128 MB shared). */
export const bodyBytesMax = 8 * MiB;

/** Bytes of one request body after inflation. A body that passes it is refused while it inflates. */
export const inflatedBytesMax = 16 * MiB;

/** Events in one request. Bounds the reply and the time one client can hold a shard's commit queue. */
export const eventsPerRequestMax = 10_000;

/** UTF-8 bytes of one event in its JSON form, as stored. With the row envelope it must fit one SQLite row. */
export const eventBytesMax = 1 * MiB;

/** UTF-8 bytes of a `type`. Percent-encoded (3×) inside an R2 key of 1,024 bytes it leaves room for the rest. */
export const typeBytesMax = 255;

/** UTF-8 bytes of an `id`, a `source` or any other attribute. Bounds what hashing and indexing one event costs. */
export const attributeBytesMax = 8 * KiB;

/** Attributes of one event, extensions included. Bounds parsing of hostile envelopes. */
export const attributesPerEventMax = 128;

/** Nesting of one event's JSON. JSON.parse is recursive in many readers; 512 is far past any real payload. */
export const nestingMax = 512;

// ── Shard ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Bytes of one SQLite row, all columns. The platform's limit is 2 MB; the local runtime does not enforce it,
 * so the shard asserts it.
 */
export const sqliteRowBytesMax = 2_000_000;

/** Payload bytes of one batch row; the remainder of the row is fingerprints, append ids and counters. */
export const batchPayloadBytesMax = 1_200_000;

/** Rows in one batch row: 16 bytes of fingerprint each, so that they stay a fraction of the row. */
export const batchRowsMax = 20_000;

/** Rows in one row of foreign rows: they keep their packed headers, 44 bytes each, until their claims are resolved. */
export const foreignRowsMax = 10_000;

/** Bytes one commit may take from the queue: bounds the transaction that a client waits for, and the copy that is stored. */
export const commitBytesMax = 4 * MiB;

/**
 * Bytes that may wait in a shard's commit queue, or for the commit that is under way. Past it an append is answered
 * `overloaded`. With the copy for a commit, 4 MiB, the buffer of a part, 24, and the identities of a million home rows, 23, it is
 * 63 MiB of the 128 that the objects of an isolate share.
 */
export const queueBytesMax = 12 * MiB;

/**
 * Identities one shard remembers before it answers `full`. A fingerprint takes 16 bytes, and their index is at most 3/4 full
 * and doubles: this many fit 2^21 slots of 4 bytes, 31 MiB altogether of the 128 MB that the isolate's objects share. Where
 * they are foreign rows or claims, each has a number of 4 bytes: 37 MiB.
 */
export const identitiesPerShardMax = 1_500_000;

/**
 * Identities a home remembers altogether, claims of other holders included: what spills from a full shard is claimed
 * there. Past it a claim waits, as if the home could not be reached. With owners as numbers they take at most 55 MiB, also
 * while their index grows.
 */
export const identitiesPerHomeMax = 2_000_000;

/**
 * Bytes that a shard keeps until it retires of a million events whose payloads were dropped, with four requests to a
 * commit: 16 bytes of fingerprint each, 24 bytes of append id a request, and what a row of the table and its pages take.
 * `batched`: 20 events a request; `single`: one.
 */
export const storedBytesPerMillion = { batched: 24_000_000, single: 60_000_000 };

/** Fingerprints and append ids in one row, once payloads are dropped: large enough that pages are full. */
export const compactBytesMax = 256 * KiB;

/** Appends one commit answers: their ids (24 bytes each) are stored beside the rows they brought. */
export const appendsPerCommitMax = 4_096;

/** Unflushed payload bytes at which a shard first looks whether they fill a part: rows that do not compress fill one soon after. */
export const flushBytes = 16 * MiB;

/** Bytes of rows that are encoded to see how well they compress: a small part of what they decide about. */
export const partSampleBytes = 1 * MiB;

/** Bytes of one part in R2: one conditional put must hold it in the object's memory. */
export const partBytesMax = 24 * MiB;

/** Bytes of a part that is filled: what is sampled may be off by a sixth before it is more than one put takes. */
export const partBytesTarget = 20 * MiB;

/**
 * Bytes of rows that fill a part however well they compress, the batch that passes them included: what is left of an hour
 * is encoded after its end, and a reader that holds a part whole needs room for it.
 */
export const partPlainBytesMax = 128 * MiB;

/**
 * Bytes of rows in one row group of a Parquet part: what the encoder, and a reader, hold in memory at a time. Encoded a fifth
 * faster than groups of 8 MiB, to files of the same size that are read as fast (`npm run bench:row-groups`). Another value
 * needs a new number in encoding.ts.
 */
export const rowGroupBytes = 4 * MiB;

/** Bytes of one row group, before compression, that a reader takes: a group of ours with its last, largest row. */
export const rowGroupReadBytesMax = 32 * MiB;

/** Bytes of a column's smallest and largest value: past the prefix that URIs of one site share. */
export const statisticsBytesMax = 128;

/** Typed columns of a Parquet part, counting the leaves of nested ones: each costs the footer once per row group. */
export const parquetColumnsMax = 500;

/** How deep typed columns nest; what lies deeper is JSON text. */
export const parquetDepthMax = 8;

/**
 * Bytes of rows that receipts carry, so that their bucket merges them: what its one object encodes after the hour's end, a
 * second or two of lines. As much as a part may hold, so that an hour of one part's rows is one part.
 */
export const carriedBytesMax = 128 * MiB;

/** … and what each of however many receipts may carry: less would be put as parts of some kilobytes. */
export const carryBytesMin = 1 * MiB;

/** What the receipt of a bucket's only shard may carry: of more, the shard makes the same parts without sending rows. */
export const carryAloneBytesMax = 10 * MiB;

/** How long a bucket waits for a shard to say how much it holds, twice: it closes the shards only then. */
export const heldDeadlineMs = 5 * SECOND_MS;

/**
 * Bytes after which a page of a tail ends, with the batch that fills it: what travels, and what an object holds, at a
 * time. A merged part is some of them, so they are small beside one.
 */
export const tailPageBytes = 4 * MiB;

// ── Bucket ─────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Home shards of one bucket. By `identitiesPerShardMax` they take 427,000 events/s, what the busiest of 250 streams has
 * where all of them have 1.5M events/s (`npm run scale`).
 */
export const shardsMax = 1_024;

/**
 * Rows an hour that the planner gives one shard: half of what it takes before it is full. What comes within an hour may be
 * twice what was expected; and even events posted one by one are then 208 a second, a fifth of what one object serves.
 */
export const shardRowsTarget = identitiesPerShardMax / 2;

/** Bytes an hour, before compression, that the planner gives one shard: a fifth of the 10 GB that its storage may hold. */
export const shardBytesTarget = 2_000 * MiB;

/** Share of a shard's target that the planner leaves to the other keys beside a hot one: more shards would only stand empty. */
export const hotRoomMin = 0.25;

/** The newest hours that the planner looks at: a burst is remembered as long, and one quiet hour brings nothing down. */
export const lastHoursSeen = 3;

/** How much more than the newest hour the planner expects at most because it was so a day, or a week, before. */
export const plannedGrowthMax = 4;

/** How long before an hour it is planned: the hour before last is then sealed and audited, with the default grace. */
export const planLeadMs = 30 * MINUTE_MS;

/** How long a plan takes from the catalog to every edge: one cron and one reading of the snapshot, and as much to spare. */
export const planPublishMs = 3 * MINUTE_MS;

/** Hours planned at a time, the next one first: how long an edge has a plan for while the catalog is away. */
export const planAheadHours = 3;

/** Hours before the planned one whose plan edges still know: past the longest grace, so that late rows find it. */
export const plannedHoursKept = 8;

/** Streams planned by one cron run: with the hours looked at, some thousands of rows of the catalog are read. */
export const streamsPlannedPerRunMax = 500;

/** How long decisions of the planner are kept: two weeks, to look at one beside the one of a week before. */
export const planHistoryMs = 14 * DAY_MS;

/** How long after the hour's end a bucket stays open unless its stream says otherwise. */
export const graceMsDefault = 10 * MINUTE_MS;

/** The longest grace a stream may choose; far below the window, so a retired bucket can never look young. */
export const graceMsMax = 6 * HOUR_MS;

/** Long-lived homes of a stream's undated events. Fixed: another number would send identities to other homes. */
export const undatedHomes = 8;

/** Overflow shards of a bucket: where rows go whose home cannot take them. */
export const overflowShardsMax = 4;

/** How far ahead of its arrival an event's own time is believed. */
export const plausibleAheadMs = 1 * HOUR_MS;

/** Within this distance of what is believed, an identity is claimed at its dated and at its undated home. */
export const plausibleEdgeMs = 1 * DAY_MS;

/** Fingerprints in one claim: bounds the message and the home's transaction. */
export const claimRowsMax = 10_000;

/** Bytes of one page of what homes answered a holder: a small part of the 32 MiB that a call may carry. */
export const grantsPageBytes = 1 * MiB;

/** Bytes of foreign rows that wait for their claims before a shard makes them within the hour. */
export const claimBytes = 4 * MiB;

/** How long a holder waits for one home's answer. */
export const claimDeadlineMs = 10 * SECOND_MS;

/** How long after it is due a bucket waits for claims before unresolved rows move to the next open bucket. */
export const claimPatienceMs = 2 * MINUTE_MS;

/** Hours tried for a bucket that takes moved rows in, from the current one on. */
export const moveHoursMax = 4;

/** How long before its hour a bucket may be opened: covers fast edge clocks and early opening. */
export const openEarlyMsMax = 5 * MINUTE_MS;

/** How long identities are remembered. */
export const windowMsDefault = 7 * DAY_MS;

/** The shortest window a stream may choose. */
export const windowMsMin = 7 * DAY_MS;

/** The longest window a stream may choose. */
export const windowMsMax = 7 * DAY_MS;

/** After the window, how long homes still take claims: for clocks that lie, and rows that are claimed hours after they came. */
export const forgetAfterWindowMs = 1 * DAY_MS;

/**
 * After the window, the time objects stay before they delete themselves: a day longer than they take claims, so that
 * whoever audits a claim finds the home that answered it.
 */
export const retireAfterWindowMs = 2 * DAY_MS;

/** Receipts asked for at the same time: six connections at once per invocation, minus one for R2. */
export const receiptParallelismMax = 5;

/** Spread of seal alarms over streams, so that all hours of all streams do not seal in the same second. */
export const sealJitterMsMax = 20 * SECOND_MS;

/** Steps one call of a seal makes: nine, and one for each merged part. More is a step that does not record its effect. */
export const stepsPerSealMax = 1_000;

/** First delay after a failed seal step; doubles up to `sealRetryMsMax`. */
export const sealRetryMsMin = 2 * SECOND_MS;

/** Longest delay between two tries of a seal step: what a bucket lags behind once the fault has gone. */
export const sealRetryMsMax = 5 * MINUTE_MS;

/** How long after an alarm that failed an object tries again. A seal that fails has delays of its own. */
export const alarmRetryMs = 30 * SECOND_MS;

/** How long an object whose deletion is frozen waits before it asks again. */
export const freezeRecheckMs = 1 * HOUR_MS;

/** How long after its due time an open shard waits for its bucket before it wakes the bucket itself. */
export const deadHandMs = 15 * MINUTE_MS;

// ── Edge ───────────────────────────────────────────────────────────────────────────────────────────────────

/** How long the edge waits for one append before it counts it as unresolved. */
export const appendDeadlineMs = 10 * SECOND_MS;

/**
 * Appends of one isolate that are under way to one shard at a time. Past it rows of several requests wait and go together:
 * one call and one line in the ledger for all of them. More than one, so that a request seldom waits a whole round trip
 * before its own begins.
 */
export const appendsUnderWayMax = 2;

/**
 * How far apart looks at the rows that wait in a busy lane are, at least: they leave once none joined between two of them.
 * The least a timer waits; a round trip to a shard takes several times as long.
 */
export const laneLookMs = 1;

/** Looks after which rows leave a busy lane although more keep coming: some 10 ms, of which no client takes notice. */
export const laneLooksMax = 10;

/**
 * Requests that leave a busy lane without another look: a call and two commits, 1 ms of CPU, are then some 30 of
 * the 400 µs that each takes. Should the request that looks have ended, its lane goes on with this.
 */
export const laneCrowd = 32;

/**
 * Appends of one request's rows in a row after which a lane is not busy any more. More than one: the first request after
 * an append of many often finds the lane empty, though the others are on their way.
 */
export const laneLoneMax = 3;

/** Lanes that an isolate keeps though nothing is in them, for knowing which are busy; a few hundred bytes each. */
export const lanesKeptMax = 1_000;

/** Bytes of the rows of one append, their headers included; more go with the next one. A fraction of an RPC's 32 MiB. */
export const laneBytesMax = 4 * MiB;

/** How long rows wait for their answer, that of the append before theirs included, before they count as unresolved. */
export const laneDeadlineMs = 25 * SECOND_MS;

/** Appends tried for one group of events (re-routes after `closed` or `wrong_plan` included). */
export const appendAttemptsMax = 4;

/** Appends a shard knows again when one is delivered a second time: the network's copies come within seconds. */
export const recentAppendsMax = 20_000;

/** How long a client is asked to wait after 429 or 503. */
export const retryAfterSeconds = 2;

/** The window of a rate: a full bucket holds as much, so what was not used for so long may come at once. */
export const rateWindowMs = 10 * SECOND_MS;

/** The highest rate that can be set, in events a second: past what one isolate can take in. */
export const eventsPerSecondLimit = 1_000_000;

/** The highest quota that can be set, in events: sums of them stay whole numbers that JSON and SQLite agree on. */
export const quotaEventsLimit = 1_000_000_000_000;

/**
 * For so long into an hour the ledgers of the one before are asked too, for what counts in its day: edges report within
 * seconds, and one run of the cron may be late.
 */
export const quotaSettleMs = 5 * MINUTE_MS;

/** Rates that one answer tells of: the key's, and those of the streams that have least left. */
export const ratesToldMax = 8;

/** How long a link opens at least: shorter, nobody could follow it. */
export const linkMsMin = 1 * SECOND_MS;

/** How long a link opens at most: what object stores allow for theirs, so that tools know how to live with it. */
export const linkMsMax = 7 * DAY_MS;

/** How long a link opens if nobody says: a download's time, not a habit. */
export const linkMsDefault = 1 * HOUR_MS;

/** How old an edge's snapshot of streams and keys may get before it is read again. */
export const snapshotMaxAgeMs = 15 * SECOND_MS;

/**
 * How long a client waits before it sends events of a drained stream again: edges hear of the end of a drain in half of it,
 * and one that asks more often is answered the same.
 */
export const drainRetryMs = 30 * SECOND_MS;

/** How often an unknown type or key may force an early read of the snapshot. */
export const snapshotMinAgeMs = 1 * SECOND_MS;

/** How long a request waits for the snapshot before it goes by what is held. */
export const snapshotReadMs = 2 * SECOND_MS;

/**
 * How long an edge goes by the keys that it holds while it cannot read the snapshot: so long a revoked key can live there.
 * Past it every key is answered 503, which clients send again after. R2 has to be away as long for it.
 */
export const keyOutageMsMax = 1 * DAY_MS;

/** Times a writer of the snapshot starts over because another one was faster. */
export const snapshotWritesMax = 8;

// ── Streams ────────────────────────────────────────────────────────────────────────────────────────────────

/** Characters of a stream's owner: every edge holds all streams in memory. */
export const ownerCharsMax = 200;

/** Characters of what says where an owner is reached: an address, a channel, a page. */
export const contactCharsMax = 200;

/** Characters of a stream's description: a paragraph, not a manual. */
export const descriptionCharsMax = 2_000;

/** How long past its window a sealed hour is kept at least: its objects have retired, and nothing asks for its parts. */
export const retentionAfterWindowMsMin = 3 * DAY_MS;

/** The shortest retention that any stream may choose. */
export const retentionMsMin = windowMsMin + retentionAfterWindowMsMin;

/** Hours recorded as expired, and hours whose parts are deleted, in one round: a handful of calls each. */
export const hoursExpiredPerRoundMax = 100;

/** Rounds of each in one cron run: months that expire at once take some runs, and nothing waits for them. */
export const expireRoundsMax = 5;

/** Hours whose parts are deleted at the same time. */
export const deleteParallelismMax = 4;

/** How long an hour whose parts R2 did not delete waits: a bucket lock lasts, and the hour is recorded as expired. */
export const deleteRetryMs = 1 * HOUR_MS;

/** How long hours that were rebuilt from R2 wait for an audit: their verdicts are to be there first, expired ones above all. */
export const auditAfterRebuildMs = 1 * HOUR_MS;

/** The longest retention that is not for ever: a century, below what a time in milliseconds can hold. */
export const retentionMsMax = 36_500 * DAY_MS;

/** The longest lateness a stream may aim at: past it a target tells nothing. */
export const targetLatenessMsMax = 1 * DAY_MS;

/** Streams altogether: every edge holds them all in memory, and one object in R2 carries them. */
export const streamsMax = 5_000;

/** UTF-8 bytes of one stream's JSON Schema: every edge holds all of them, and checks each event against one. */
export const schemaBytesMax = 16 * KiB;

/** UTF-8 bytes of all schemas together: they are in the one snapshot that every edge reads whole. */
export const schemasBytesMax = 4 * MiB;

/** How deep schemas nest within a schema: past any record, and far from any reader's stack. */
export const schemaDepthMax = 32;

/** Properties that one schema names: past it a record is a table of its own. */
export const schemaPropertiesMax = 500;

/** Schemas within a schema, each reference counted as what it refers to: a value is held against all of them. */
export const schemaNodesMax = 2_000;

/** Members of one object in checked data: what does not fit is noted member by member. */
export const schemaMembersMax = 10_000;

/** Characters of one regular expression in a schema. */
export const patternCharsMax = 500;

/** Ways in which a regular expression of a schema may match: the engine tries them one by one. */
export const patternWaysMax = 10_000;

/** The same if it also repeats without a bound: then each way may run through all of a text. */
export const patternEndlessWaysMax = 100;

/** Events in one page of what is in quarantine: as many as one request may post again with room to spare. */
export const quarantinePageRowsMax = 1_000;

/** Bytes of events after which a page of quarantine ends: posted again they fit one body. */
export const quarantinePageBytes = 4 * MiB;

/** Bytes of a body that changes streams: some two thousand of them with their descriptions. */
export const configBodyBytesMax = 1 * MiB;

/** Characters of the name of who made a change, and of what they say of it. */
export const authorCharsMax = 200;

/** Times a change of one stream starts over because others were made at the same time. */
export const streamChangeTriesMax = 16;

// ── Ledger ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Ledger objects per hour; an isolate reports to one of them. */
export const ledgersPerHour = 4;

/** How long the edge waits for a report. */
export const reportDeadlineMs = 5 * SECOND_MS;

// ── Flusher and auditor ────────────────────────────────────────────────────────────────────────────────────

/**
 * How long an hour that does not balance holds up what waits for it: from its first fault, its ledgers; from its seal, the last
 * hours of a removed stream, for rows that it let go arrived long before. A fault that nobody mends must not make empty
 * hours, nor keep objects, for ever.
 */
export const unsettledMsMax = 8 * DAY_MS;

/** Buckets one cron run seals or audits per stream before the other streams get their turn. */
export const bucketsPerStreamPerRunMax = 24;

/** Buckets one cron run takes up altogether; the rest wait for the next minute. */
export const bucketsPerRunMax = 600;

/** Buckets sealed or audited at the same time by one cron run. */
export const flusherParallelismMax = 5;

/** … of which of one stream: one that hangs, or has much to make up for, leaves most lanes to the others. */
export const sealsOfStreamMax = 2;

/** Seals of one stream that fail in a run before its other buckets wait for the next run: they would most likely fail, too. */
export const sealFailuresOfStreamMax = 2;

/** Sealed buckets after which a run records what it has: what takes long must not keep the others from being known. */
export const sealsPerRecordMax = 50;

/** Buckets audited at the same time by one cron run: each holds one part in memory. */
export const auditParallelismMax = 2;

/** … of which of one stream. */
export const auditsOfStreamMax = 1;

/**
 * How long one bucket's audit may take in a run: then its lane goes on with others, and the audit from the parts that were
 * noted, in the next run. Five minutes read 24 GB at the measured 80 MB/s.
 */
export const auditDeadlineMs = 5 * MINUTE_MS;

/** How long the flusher waits for one bucket's seal; the bucket goes on by itself, and is asked again. */
export const sealDeadlineMs = 30 * SECOND_MS;

/** Wall time after which a run takes up no further seal: whatever hangs, audits get the other half. */
export const sealBudgetMs = 5 * MINUTE_MS;

/** Wall time that planning has beyond the budget of a run: audits that use all of that must not keep plans from being made. */
export const planBudgetMs = 1 * MINUTE_MS;

/** Rounds of sealing, and of auditing, in one cron run: bounds a run in which every round takes up something. */
export const roundsPerRunMax = 100;

/** Wall time after which a cron run takes up no further bucket; cron handlers end after 15 minutes. */
export const cronBudgetMs = 10 * MINUTE_MS;

/** How long after the due time a bucket that is not sealed counts as overdue. */
export const overdueMs = 5 * MINUTE_MS;

/** Streams whose shards spill or whose events are in quarantine, in one report. It is about the worst of them. */
export const strainedListedMax = 20;

/** Buckets that were sealed late and that a report lists: the latest ones; all of them are counted. */
export const lateListedMax = 100;

/** Rows one page of a listing holds at most. */
export const pageRowsMax = 1_000;

/** Bytes of a body on an ops route: settings and scopes are small. */
export const opsBodyBytesMax = 64 * KiB;

/** Scopes of one key; every edge holds all keys in memory. */
export const scopesPerKeyMax = 100;

/** How long a key that was rotated is still good, unless somebody says otherwise: a day to bring the new one everywhere. */
export const keyOverlapMsDefault = 1 * DAY_MS;

/** The longest such overlap. */
export const keyOverlapMsMax = 30 * DAY_MS;

/** Characters of a key's note. */
export const noteCharsMax = 200;

/** First delay before a bucket that is not balanced is audited again; doubles up to `auditRetryMsMax`. */
export const auditRetryMsMin = 1 * MINUTE_MS;

/** Longest delay between two audits of a bucket that is not balanced. */
export const auditRetryMsMax = 1 * HOUR_MS;

/** Findings the catalog keeps of one bucket; the worst ones, with their total beside them. */
export const findingsPerBucketMax = 100;

/** Characters of one error message or finding detail that the catalog keeps. */
export const detailCharsMax = 1_000;

/** Buckets one digest lists: with the longest types it stays within what one D1 parameter and one read may hold. */
export const digestBucketsMax = 1_000;

/** Times one run starts over with a digest because another auditor had the number, or because more is waiting. */
export const digestTriesMax = 8;

/** Digests that one run takes in; a catalog that is further behind passes over the older ones. */
export const digestsTakenInMax = 100;

/** Hours that one audit report looks at: a month. Its totals walk every bucket of them. */
export const reportHoursMax = 744;

// ── Metrics ────────────────────────────────────────────────────────────────────────────────────────────────

/** Streams that have series of their own in the metrics, the most important ones; the others share one of each. */
export const metricsStreamsMax = 200;

/** Series of one answer of the metrics, whatever there is: bounds what a scraper has to keep. */
export const metricsSeriesMax = 2_000;

/** Hours that the metrics of streams look back: a day, so that each hour of it counts once. */
export const metricsHours = 24;

/** How long after its end an hour's ledgers still take reports: past every request of it, and its retries. */
export const ledgerRestMs = 15 * MINUTE_MS;

/** Hours whose ledgers one run adds to the counters, or one look at the metrics asks: each is `ledgersPerHour` calls. */
export const foldHoursMax = 6;

// ── Alerts ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Characters of the address that a stream's alerts go to. */
export const alertUrlCharsMax = 500;

/** Buckets that one message tells of: a storm becomes few messages, each of them far below a megabyte. */
export const alertsPerMessageMax = 100;

/** Messages that one run makes, and sends; the rest wait for the next minute. */
export const alertMessagesPerRunMax = 20;

/** Messages that are sent at the same time. */
export const alertParallelismMax = 4;

/** How long a receiver may take; then it counts as not taken, and is sent again. */
export const alertDeadlineMs = 10 * SECOND_MS;

/** First delay before a message is sent again; doubles up to `alertRetryMsMax`. */
export const alertRetryMsMin = 1 * MINUTE_MS;

/** Longest delay between two attempts. */
export const alertRetryMsMax = 1 * HOUR_MS;

/** Attempts before a message is given up: a day and a half of them. */
export const alertTriesMax = 40;

// ── Repair ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Actions by hand that are remembered. */
export const opsActionsMax = 10_000;

/** How long a bucket fails for missing receipts before a shard may be given up: outages of the platform are shorter. */
export const abandonAfterMs = 1 * HOUR_MS;

/** Hours whose manifests one request looks at, to rebuild the catalog: a week, each one read of R2. */
export const rebuildHoursMax = 168;

/** Digests whose verdicts one request takes over. */
export const rebuildDigestsMax = 100;

/** Shards that an explanation asks, of those that a bucket waits for: the others say the same, mostly. */
export const explainShardsMax = 10;

// ── Log ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Characters of a `traceparent` that is read: 55 of this version, and room for what a later one adds. */
export const traceparentCharsMax = 256;

/** The share of successes that is logged unless HOURSEAL_LOG_SAMPLE says otherwise: a line costs twice a request. */
export const logSampleDefault = 0.01;

/** Lines of successes that an isolate writes a second: clients choose their traces, and so could choose to be logged. */
export const successLinesPerSecondMax = 50;

/** Appends that the line of one request names; the others are counted. A line bears some 100 bytes for each. */
export const appendsLoggedMax = 16;

// ── Pages for operators ────────────────────────────────────────────────────────────────────────────────────

/** Hours one page for operators shows: a month, past what anyone reads at a glance. */
export const viewHoursMax = 744;

/** Cells of one page of the grid: bounds the catalog's rows that one answer reads, and what it holds in memory. */
export const gridCellsMax = 60_000;

/** Newest hours of a stream whose manifests are read for its page: each is one read of R2. */
export const recentHoursMax = 24;

/** Rows of quarantine that a stream's page looks at for its reasons: some MiB, decoded within a fraction of a second. */
export const quarantineViewRowsMax = 5_000;

/** Reasons for quarantine that a stream's page lists: those with the most events. */
export const quarantineReasonsShown = 12;

/** Newest events in quarantine that a stream's page lists. */
export const quarantineNewestShown = 6;

/** Shards, and parts, that a bucket's page lists; the rest are counted. The manifest has all of them. */
export const viewRowsMax = 500;

/** Bytes after which a page of a shard's export ends: with the record that fills it far below the 32 MiB of a call. */
export const exportPageBytesMax = 4 * MiB;

const relations: readonly [string, boolean][] = [
  ["identities of appends leave room for claims", identitiesPerShardMax < identitiesPerHomeMax],
  [
    "a full foreign row fits a SQLite row",
    batchPayloadBytesMax + foreignRowsMax * 44 + 256 * KiB <= sqliteRowBytesMax,
  ],
  ["an event and its envelope fit a batch row", eventBytesMax + 16 * KiB <= batchPayloadBytesMax],
  [
    "a full batch row fits a SQLite row",
    batchPayloadBytesMax + batchRowsMax * 16 + 256 * KiB <= sqliteRowBytesMax,
  ],
  ["rows outwait two appends and a report", 2 * appendDeadlineMs + reportDeadlineMs <= laneDeadlineMs],
  ["what goes together fits the commit queue", 2 * laneBytesMax <= queueBytesMax],
  ["an event fits what goes together", 2 * eventBytesMax <= laneBytesMax],
  [
    "a filled part of rows that do not compress fits one put",
    partBytesTarget + batchPayloadBytesMax + partBytesTarget / 100 < partBytesMax,
  ],
  ["a sample is a small part of what it decides about", 4 * partSampleBytes <= flushBytes],
  ["rows are looked at before they fill a part", flushBytes <= partBytesTarget],
  [
    "a page of a tail fits one put, in columns too",
    2 * (tailPageBytes + batchPayloadBytesMax) < partBytesMax,
  ],
  ["what the only shard carries fits one put, in columns too", 2 * carryAloneBytesMax < partBytesMax],
  ["asking what shards hold leaves time to seal", 2 * heldDeadlineMs < sealDeadlineMs],
  ["an hour that is carried may be one part", carriedBytesMax <= partPlainBytesMax],
  ["what is carried anyway is one page", carryBytesMin <= tailPageBytes],
  [
    "claims are made before anything is forgotten",
    graceMsMax + (1 + moveHoursMax) * HOUR_MS < forgetAfterWindowMs / 2,
  ],
  [
    "a claim can be audited for as long as it may take",
    graceMsMax + (1 + moveHoursMax) * HOUR_MS < retireAfterWindowMs - forgetAfterWindowMs,
  ],
  ["an audit that hangs leaves time for others", auditDeadlineMs < cronBudgetMs],
  ["sealing leaves time for audits", sealBudgetMs + sealDeadlineMs < cronBudgetMs],
  [
    "one stream leaves lanes to the others",
    2 * sealsOfStreamMax < flusherParallelismMax && auditsOfStreamMax < auditParallelismMax,
  ],
  ["an hour is planned before it may open", planLeadMs > openEarlyMsMax + planPublishMs],
  ["edges know the plan of every hour that takes rows", plannedHoursKept * HOUR_MS > graceMsMax + HOUR_MS],
  [
    "rows that a removed stream's hour let go have arrived when it is given up",
    (1 + moveHoursMax) * HOUR_MS + graceMsMax < unsettledMsMax,
  ],
  ["the grace ends before anything retires", graceMsMax < windowMsMin],
  ["an hour's objects retire before it expires", retireAfterWindowMs < retentionAfterWindowMsMin],
  [
    "a page of an export and the record that fills it fit a call",
    exportPageBytesMax + sqliteRowBytesMax + batchRowsMax * 256 < 16 * MiB,
  ],
  ["a page of quarantine fits a body", quarantinePageBytes + eventBytesMax + 16 * KiB < bodyBytesMax],
];
for (const [relation, holds] of relations) {
  if (!holds) throw new Error(`limits.ts: broken relation: ${relation}`);
}
