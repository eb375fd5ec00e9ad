/**
 * The orders of events that a set of runs must reach: a simulation that never gets into trouble proves nothing.
 * Each is counted where it is seen to happen.
 */
export const orders = {
  duplicate_beside_lost_commit:
    "a shard crashed while an append and its duplicate waited for the same commit",
  enrol_reply_lost: "the reply to an enrolment was lost",
  enrol_refused: "a shard asked to be enrolled in an hour that had closed",
  old_plan_corrected: "an edge with an old plan was told the right one",
  close_during_commit: "a shard was closed while appends waited for their commit",
  queue_refused: "a shard's queue was full",
  part_reply_lost: "a part was put and the reply lost",
  part_again_after_more_rows: "a part was put again after more rows had come",
  part_put_by_dead_object: "an object's put arrived after the object had ended",
  part_put_and_forgotten: "a shard crashed between the put of a part and its record",
  shard_part: "a shard put a part of its own",
  merged_part: "a bucket merged the tails of its shards",
  stray: "the key of a part held other content",
  adopted: "the key of a part held the same content in other bytes",
  manifest_put_and_forgotten: "a bucket crashed between the put of its manifest and its record",
  manifest_reply_lost: "a manifest was put and the reply lost",
  bucket_crash_in_seal: "a bucket crashed while it sealed",
  two_seals: "two callers sealed a bucket at once",
  sealed_by_alarm: "a bucket's own alarm sealed it",
  seal_failed: "a step of a seal failed",
  alarm_repeated: "an alarm was repeated because its object had crashed",
  alarm_lost: "an alarm never came",
  bucket_woken_by_shard: "a shard that nobody had closed woke its bucket",
  empty_hour: "an hour in which nothing came was sealed",
  commit_failed: "a commit could not be written",
  slow_edge: "an edge with a slow clock was told that its hour is closed",
  hour_boundary: "an event of the hour before was taken within its grace",
  late: "an event was refused as late",
  overloaded: "a call was refused for overload",
  append_reply_lost: "rows were committed and the reply was lost",
  duplicate_message: "a message arrived twice",
  edge_crash: "an edge ended with requests under way",
  edge_life_over: "an edge could not report and began anew under another id",
  ledger_reply_lost: "the reply to a report was lost",
  report_repeated: "a report was taken again as nothing",
  unresolved_committed: "an append without an outcome had been committed all the same",
  unanswered_committed: "rows of an append were committed that its edge had not reported as sent",
  append_delivered_twice:
    "one append was delivered twice, and only the second was heard (the audit calls it surplus)",
  client_retry: "a client sent an event again, beside others, through another edge",
  resent_after_answer: "a client sent an event again that it had an answer for",
  payloads_dropped: "a bucket that was verified dropped its payloads",
  retired: "objects deleted themselves after the window",
  retired_woken: "a retired object was woken by an append",
} as const;

export type Order = keyof typeof orders;
