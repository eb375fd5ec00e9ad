/**
 * A shard's state as lines of text, for an operator who looks: in pages, each within a bound, with a cursor from one to the
 * next. The first line says what the shard is, the last one whether it was changed while it was read.
 *
 * Foreign rows come before the rows that are sure, so that one that is claimed between two pages is there twice, and never
 * not at all. For looking only: restored in place it would forget what was acknowledged since.
 */
import * as z from "zod";

/** What a shard stores, in the order in which it is exported. */
export const exportSections = ["part", "tags", "foreign_tags", "claim", "answer", "foreign", "row"] as const;
export type ExportSection = (typeof exportSections)[number];

/** The last record of the page before, and how far the shard was at the beginning. */
export interface ExportCursor {
  readonly section: ExportSection;
  readonly seq: number;
  readonly mark: string;
}

/** Lines of JSON, each with its end; `next`: the cursor of the page after, null if this is the last one. */
export interface ExportPage {
  readonly text: string;
  readonly next: string | null;
}

export const ExportCursor: z.ZodType<ExportCursor, string> = z
  .string()
  .max(200)
  .regex(/^[a-z_]+\.\d{1,15}\.[a-z0-9-]+$/, "after is what hourseal-next said with the page before")
  .transform((text) => {
    const [section, seq, mark] = text.split(".");
    return { section, seq: Number(seq), mark };
  })
  .pipe(z.object({ section: z.enum(exportSections), seq: z.number(), mark: z.string() }));

export function cursorText({ section, seq, mark }: ExportCursor): string {
  return `${section}.${seq}.${mark}`;
}
