/**
 * What one machine's run showed: `npm run bench` and `npm run cost`, at 20 events of some 500 bytes a request. One process
 * had everything, edge, shard and ledger, on one thread; a deployment has a thread for each object, and more of them.
 */
export const measured = {
  /** Through one shard, the whole path on one core. */
  shardEventsPerSecond: 43_000,
  /** CPU of the whole runtime for one request, edge and objects together. */
  cpuMsPerRequest: 1.3,
  /** A commit, until it is durable: assumed, for only a deployment shows it. What arrives meanwhile shares the next one. */
  commitSeconds: 0.01,
  /** Of one isolate, for as long as reports take: what comes meanwhile goes into the next one. */
  reportsPerSecondOfIsolate: 100,
  /** gzip, level 6, of GitHub's public events; Zeek's logs shrink to an eleventh. */
  gzipRatio: 7,
  /** Plain bytes that one thread compresses into parts. */
  flushBytesPerSecond: 100e6,
  /** Plain bytes that one thread reads back, inflates, parses and sums. */
  auditBytesPerSecond: 80e6,
  /** Bytes of one part's entry in a manifest. */
  manifestBytesPerPart: 500,
};
