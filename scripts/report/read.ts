/** Reads the report, all its pages as one. */
import { AuditReport } from "../../domain/report.ts";
import { type Api, call } from "../local/client.ts";

/** Pages that are read: a thousand buckets each. What comes after them is said to be there. */
const pagesMax = 50;

export async function readPages(api: Api, query: URLSearchParams): Promise<AuditReport> {
  const first = await readPage(api, query);
  const notBalanced = [...first.notBalanced];
  let { next } = first;
  for (let page = 1; next !== null && page < pagesMax; page++) {
    const more = new URLSearchParams(query);
    more.set("after", next);
    const read = await readPage(api, more);
    notBalanced.push(...read.notBalanced);
    next = read.next;
  }
  return { ...first, notBalanced, next };
}

async function readPage(api: Api, query: URLSearchParams): Promise<AuditReport> {
  return AuditReport.parse(await call(api, "GET", `/v1/audit/report?${query.toString()}`));
}
