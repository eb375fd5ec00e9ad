/** What the planner gave a stream's coming and last hours, and why, as comments of the file that `show` prints. */
import * as z from "zod";

const Decision = z.looseObject({
  hour: z.string(),
  shards: z.number(),
  before: z.number(),
  move: z.string(),
  because: z.string(),
  needed: z.number().nullable(),
  decidedAt: z.string(),
  evidence: z.array(
    z.looseObject({
      name: z.string(),
      hour: z.string(),
      needed: z.number().nullable(),
      doubt: z.string().nullable(),
    }),
  ),
});

export const Decisions = z.looseObject({
  planned: z.array(z.looseObject({ from: z.string(), shards: z.number() })),
  decisions: z.array(Decision),
});
export type Decisions = z.infer<typeof Decisions>;

export function decisionLines({ planned, decisions }: Decisions): string[] {
  const steps = planned.map(({ from, shards }) => `${countOf(shards)} from ${from}`).join(", ");
  return [
    `# planner: ${steps === "" ? "nothing is planned yet, the stream has its minimum" : steps}`,
    ...decisions.flatMap((one) => [
      `#   ${one.hour}: ${countOf(one.shards)}, ${moveOf(one)}, decided ${one.decidedAt}: ${words(one.because)}`,
      ...one.evidence.map(
        ({ name, hour, needed, doubt }) =>
          `#     ${words(name)} ${hour}: ${needed === null ? "not seen" : `needed ${number(needed)}`}${doubt === null ? "" : ` (${words(doubt)})`}`,
      ),
    ]),
  ];
}

function moveOf({ move, before }: z.infer<typeof Decision>): string {
  return move === "hold" ? "as before" : `${move} from ${before}`;
}

function countOf(shards: number): string {
  return shards === 1 ? "1 shard" : `${shards} shards`;
}

/** At most two decimals. */
function number(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function words(name: string): string {
  return name.replaceAll("_", " ");
}
