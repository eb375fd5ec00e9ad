/**
 * The running system with a stream for each fault, and what an operator sees of a bucket: its page, the report, the metrics,
 * what a webhook was sent, and what `explain` says; all as text.
 *
 * The hour before, all is well. In the hour after it everything goes wrong at once, each fault in a stream of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Explanation } from "../../../domain/explain.ts";
import { type Hour, HourText, plusHours } from "../../../domain/hour.ts";
import { bucketPrefix } from "../../../domain/manifest.ts";
import { AuditReport } from "../../../domain/report.ts";
import { TypeName } from "../../../domain/stream.ts";
import { ApiFailed, call, callOnce, createKey, putStream, runCron } from "../../../scripts/local/client.ts";
import { readProjectConfig } from "../../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../../scripts/local/runtime.ts";
import { pageOf } from "../../../scripts/report/render.ts";
import { browserPath, launchBrowser, openPage } from "../../browser/browser.ts";
import { untilReceived } from "../counted.ts";
import { moveTo } from "../pulling.ts";
import { alertsIn, isSigned, startReceiver } from "../receiver.ts";
import { bringCatalogBack, takeCatalogAway } from "./catalog-away.ts";
import { fill, ruin, shardFiles } from "./shard-storage.ts";

export const wellHour = HourText.parse("2026-11-23T09");
export const badHour = HourText.parse("2026-11-23T10");

/** A stream for each fault, named after it. */
export const streams = ["shop.lost", "shop.overdue", "shop.hot", "shop.flood"].map((type) =>
  TypeName.parse(type),
);
const [lost, overdue, hot, flood] = streams;

/** Everything that is said of one bucket. `page` is null where there is no Chromium. */
export interface Seen {
  readonly page: string | null;
  readonly report: string;
  readonly metrics: string;
  readonly webhooks: string;
  readonly explain: string;
}

export interface FaultySystem {
  /** Everything goes wrong, but for D1. */
  readonly goWrong: () => Promise<void>;
  readonly loseCatalog: () => Promise<void>;
  readonly findCatalog: () => Promise<void>;
  readonly look: (type: string, hour: Hour) => Promise<Seen>;
  readonly end: () => Promise<void>;
}

const adminKey = "the-admin-key-of-these-tests";

/** It answers when the first hour is sealed, audited and well. */
export async function startFaultySystem(): Promise<FaultySystem> {
  const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
  const [receiver, browser] = await Promise.all([
    startReceiver(),
    browserPath === null ? null : launchBrowser(),
  ]);
  const variables = { HOURSEAL_ALERT_URL: receiver.url, HOURSEAL_ALERT_SECRET: receiver.secret };
  const run = (): Promise<LocalRuntime> =>
    startLocalRuntime({ port: 0, dataDir, adminKey, cron: false, variables });
  let runtime = await run();
  const admin = () => ({ url: runtime.url, key: adminKey });

  const runCrons = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done++) await runCron(admin());
  };
  await moveTo(admin(), `${wellHour}:00:00Z`);
  for (const type of streams) await putStream(admin(), type, settingsOf(type));
  const clientKey = await createKey(admin(), ["write:shop.*"], "shop");
  const readKey = await createKey(admin(), ["read:audit"], "on call");
  const complaints: string[] = [];
  const post = async (type: string, hour: Hour, ids: readonly number[], data: object): Promise<void> => {
    const time = `${hour}:00:30Z`;
    const events = ids.map((id) => ({
      specversion: "1.0",
      source: "e2e",
      type,
      time,
      id: `${hour} ${id}`,
      data,
    }));
    await call({ url: runtime.url, key: clientKey }, "POST", "/v1/events", events);
  };
  for (const type of streams) await post(type, wellHour, [1, 2, 3], { price: 1 });
  await moveTo(admin(), `${badHour}:12:00Z`);
  await runCrons(2);

  /** The shard of a stream that has none yet in this hour. */
  const newShardOf = async (type: string): Promise<string> => {
    const before = new Set(shardFiles(dataDir));
    await post(type, badHour, [1], { price: 1 });
    const [file, ...more] = shardFiles(dataDir).filter((path) => !before.has(path));
    if (file === undefined || more.length > 0) throw new Error(`${type} has not one new shard`);
    return file;
  };

  const page = async (type: string, hour: Hour): Promise<string | null> => {
    if (browser === null) return null;
    const opened = await openPage(browser, complaints);
    await opened.addInitScript(`sessionStorage.setItem("hourseal-key", ${JSON.stringify(readKey)})`);
    await opened.goto(`${runtime.url}/#/bucket/${type}/${hour}`);
    await opened.locator("main h2, main [role=alert]").first().waitFor();
    const text = await opened.locator("body").innerText();
    await opened.context().close();
    return text;
  };
  const ask = async (path: string, text: (answer: unknown) => string): Promise<string> => {
    try {
      return text(await callOnce({ url: runtime.url, key: readKey }, "GET", path));
    } catch (error) {
      if (error instanceof ApiFailed) return error.message;
      throw error;
    }
  };
  return {
    goWrong: async () => {
      const [shardOfOverdue, shardOfHot] = [await newShardOf(overdue ?? ""), await newShardOf(hot ?? "")];
      await runtime.dispose();
      ruin(shardOfOverdue);
      fill(shardOfHot);
      runtime = await run();
      await post(lost ?? "", badHour, numbers(20), { price: 1 });
      await post(hot ?? "", badHour, numbers(40).slice(1), { price: 1 });
      await post(flood ?? "", badHour, numbers(400), { price: "much" });
      await untilReceived(admin(), flood ?? "", badHour, 400);
      await moveTo(admin(), `${plusHours(badHour, 1)}:12:00Z`);
      await runCrons(2);
      const bucket = await runtime.miniflare.getR2Bucket("EVENTS", readProjectConfig("local").name);
      const prefix = bucketPrefix({ type: TypeName.parse(lost), hour: badHour });
      const { objects } = await bucket.list({ prefix });
      await bucket.delete(objects.filter(({ key }) => key.includes("/part-")).map(({ key }) => key));
      await call(admin(), "POST", `/v1/buckets/${lost}/${badHour}/audit`);
      await moveTo(admin(), `${plusHours(badHour, 1)}:20:00Z`);
      await runCrons(2);
    },
    loseCatalog: () => takeCatalogAway(runtime),
    findCatalog: () => bringCatalogBack(runtime),
    look: async (type, hour) => {
      const hours = `from=${hour}&to=${plusHours(hour, 1)}`;
      const metrics = await fetch(`${runtime.url}/metrics`, {
        headers: { authorization: `Bearer ${readKey}` },
      });
      return {
        page: await page(type, hour),
        report: await ask(`/v1/audit/report?type=${type}&${hours}`, (answer) =>
          pageOf(AuditReport.parse(answer)),
        ),
        metrics: await metrics.text(),
        webhooks: receiver.received
          .flatMap((message) => alertsIn(message).map((alert) => ({ ...alert, signed: isSigned(message) })))
          .filter((alert) => alert.type === type && alert.hour === hour)
          .map(({ condition, signed }) => `${signed ? "signed" : "NOT SIGNED"} ${condition}`)
          .join("\n"),
        explain: await ask(`/v1/ops/explain/${type}/${hour}`, explanationText),
      };
    },
    end: async () => {
      await browser?.close();
      await runtime.dispose();
      await receiver.close();
      rmSync(dataDir, { recursive: true, force: true });
      if (complaints.length > 0) throw new Error(complaints.join("\n"));
    },
  };
}

function settingsOf(type: string): object {
  const schema = { type: "object", required: ["price"], properties: { price: { type: "integer" } } };
  return { owner: "shop", ...(type === flood ? { onInvalid: "quarantine", schema } : {}) };
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function explanationText(answer: unknown): string {
  const { summary, reasons, todo } = answer as Explanation;
  return [
    summary,
    ...reasons.map(({ what, where, detail }) => `${what}: ${where}: ${detail}`),
    ...todo.map((line) => `do: ${line}`),
  ].join("\n");
}
