/** Where a kill lands. `start`: right after the start that follows another kill, while every client tries again. */
export const phases = ["load", "start", "seal", "audit"] as const;
export type Phase = (typeof phases)[number];

export type PhaseCounts = Readonly<
  Record<
    Phase,
    {
      kills: number;
      /** Of them: before the step that was aimed at had its answer. Load and start are always under way. */
      cutOff: number;
    }
  >
>;

export function phaseCounts(): PhaseCounts {
  return {
    load: { kills: 0, cutOff: 0 },
    start: { kills: 0, cutOff: 0 },
    seal: { kills: 0, cutOff: 0 },
    audit: { kills: 0, cutOff: 0 },
  };
}
