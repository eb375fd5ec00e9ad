/** What the catalog relies on in D1: the real binding, its simulator, and the fake. */
import { beforeAll, describe, expect, it } from "vitest";

export function d1Contract(name: string, open: () => D1Database): void {
  describe(`D1: ${name}`, () => {
    const table = "contract_thing";
    const numbers = async (db: D1Database): Promise<unknown[]> =>
      (await db.prepare(`SELECT no FROM ${table} ORDER BY no`).all()).results.map(({ no }) => no);
    let db: D1Database;

    beforeAll(async () => {
      db = open();
      await db
        .prepare(`CREATE TABLE ${table} (no INTEGER PRIMARY KEY, value TEXT, CHECK (no < 100)) STRICT`)
        .run();
    });

    it("answers rows, and how many a statement changed", async () => {
      const insert = db.prepare(`INSERT INTO ${table} (no, value) VALUES (?1, ?2), (?3, ?2)`);
      expect((await insert.bind(1, "a", 2).run()).meta.changes).toBe(2);
      const select = await db
        .prepare(`SELECT no, value FROM ${table} WHERE no <= ?1 ORDER BY no`)
        .bind(2)
        .all();
      expect(select.results).toEqual([
        { no: 1, value: "a" },
        { no: 2, value: "a" },
      ]);
      expect(select.meta.changes).toBe(0);
      const same = await db.prepare(`UPDATE ${table} SET value = 'b' WHERE no = ?1`).bind(3).run();
      expect(same.meta.changes).toBe(0);
    });

    it("answers what a statement returns", async () => {
      const upsert = `INSERT INTO ${table} (no, value) VALUES (?1, ?2)
        ON CONFLICT (no) DO UPDATE SET value = excluded.value RETURNING no, value`;
      for (const value of ["x", null])
        expect((await db.prepare(upsert).bind(10, value).all()).results).toEqual([{ no: 10, value }]);
    });

    it("makes one transaction of a batch: all of it, or nothing", async () => {
      const insert = (no: number): D1PreparedStatement =>
        db.prepare(`INSERT INTO ${table} (no) VALUES (?1)`).bind(no);
      const answers = await db.batch([insert(20), insert(21)]);
      expect(answers.map(({ meta }) => meta.changes)).toEqual([1, 1]);
      const before = await numbers(db);
      await expect(db.batch([insert(22), insert(100)])).rejects.toThrow("CHECK");
      await expect(db.batch([insert(23), insert(20)])).rejects.toThrow("UNIQUE");
      expect(await numbers(db)).toEqual(before);
    });

    it("reads JSON that is bound as one text, joins it and updates from it", async () => {
      const steps = JSON.stringify([
        { no: 30, values: ["p", "q"] },
        { no: 31, values: ["r"] },
      ]);
      const select = db
        .prepare(
          `SELECT step.value ->> '$.no' AS no, inner_step.value AS value
           FROM json_each(?1) AS step JOIN json_each(step.value, '$.values') AS inner_step ORDER BY no, value`,
        )
        .bind(steps);
      expect((await select.all()).results).toEqual([
        { no: 30, value: "p" },
        { no: 30, value: "q" },
        { no: 31, value: "r" },
      ]);
      await db
        .prepare(`INSERT INTO ${table} (no) SELECT value ->> '$.no' FROM json_each(?1)`)
        .bind(steps)
        .run();
      const update = db
        .prepare(
          `UPDATE ${table} SET value = step.value ->> '$.values[0]'
           FROM json_each(?1) AS step WHERE no = step.value ->> '$.no'`,
        )
        .bind(steps);
      expect((await update.run()).meta.changes).toBe(2);
    });

    it("numbers rows within their group", async () => {
      const place = db.prepare(
        `SELECT value, row_number() OVER (PARTITION BY value ->> '$.of' ORDER BY value ->> '$.no') AS place
         FROM json_each('[{"of":"a","no":2},{"of":"b","no":1},{"of":"a","no":1}]') ORDER BY value`,
      );
      expect((await place.all()).results.map((row) => row["place"])).toEqual([1, 2, 1]);
    });

    it("takes no undefined", async () => {
      const bind = async (): Promise<unknown> => db.prepare("SELECT ?1 AS one").bind(undefined).all();
      await expect(bind()).rejects.toThrow("D1_TYPE_ERROR");
    });
  });
}
