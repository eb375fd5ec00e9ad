/** The only SQL of the virtual clock: its offset, and the alarms it expects. */
import type { AlarmOwner } from "../../platform/clock.ts";

/** An alarm some object asked for. `no` tells one asking from the next: what was asked meanwhile is not overwritten. */
export interface ExpectedAlarm {
  readonly owner: AlarmOwner;
  readonly atMs: number;
  readonly attempts: number;
  readonly no: number;
}

type AlarmRow = {
  class: AlarmOwner["class"];
  name: string;
  at_ms: number;
  attempts: number;
  no: number;
};

export class ClockStore {
  readonly #sql: SqlStorage;
  #offsetMs: number;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), offset_ms INTEGER);
      CREATE TABLE IF NOT EXISTS alarm (class TEXT, name TEXT, at_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
        no INTEGER NOT NULL, PRIMARY KEY (class, name)) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS alarm_by_time ON alarm (at_ms, class, name)`);
    const row = sql.exec<{ offset_ms: number }>("SELECT offset_ms FROM clock").toArray()[0];
    this.#offsetMs = row?.offset_ms ?? 0;
  }

  offsetMs(): number {
    return this.#offsetMs;
  }

  setOffset(offsetMs: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO clock (one, offset_ms) VALUES (1, ?)", offsetMs);
    this.#offsetMs = offsetMs;
  }

  /** True once the clock was set, or an alarm was armed by it: from then on it never goes back. */
  started(): boolean {
    return this.#sql.exec("SELECT 1 FROM clock").toArray().length > 0;
  }

  expect(owner: AlarmOwner, atMs: number): void {
    if (!this.started()) this.setOffset(0);
    this.#sql.exec(
      `INSERT INTO alarm (class, name, at_ms, attempts, no) VALUES (?, ?, ?, 0, 0)
       ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, attempts = 0, no = no + 1`,
      owner.class,
      owner.name,
      atMs,
    );
  }

  /** The alarm that falls due first; of several at the same time, by class and name, so that runs repeat. */
  earliest(): ExpectedAlarm | null {
    const row = this.#sql
      .exec<AlarmRow>("SELECT * FROM alarm ORDER BY at_ms, class, name LIMIT 1")
      .toArray()[0];
    if (row === undefined) return null;
    const { class: className, name, at_ms: atMs, attempts, no } = row;
    return { owner: { class: className, name }, atMs, attempts, no };
  }

  /** The alarm now stands at another time, unless its owner has asked anew. */
  move(alarm: ExpectedAlarm, atMs: number, attempts: number): void {
    this.#sql.exec(
      "UPDATE alarm SET at_ms = ?, attempts = ?, no = no + 1 WHERE class = ? AND name = ? AND no = ?",
      atMs,
      attempts,
      alarm.owner.class,
      alarm.owner.name,
      alarm.no,
    );
  }

  /** The alarm is done, unless its owner has asked anew. */
  forget(alarm: ExpectedAlarm): void {
    this.#sql.exec(
      "DELETE FROM alarm WHERE class = ? AND name = ? AND no = ?",
      alarm.owner.class,
      alarm.owner.name,
      alarm.no,
    );
  }
}
