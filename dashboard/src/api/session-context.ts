/** What every page needs of the session: who asks, what to do when the key is refused, and what time it is. */
import { createContext } from "preact";
import type { Asker } from "./ask.ts";

export interface Session {
  /** Null while no key is good: pages keep what they show, and ask nothing. */
  readonly asker: Asker | null;
  readonly refused: (detail: string) => void;
  /** Told with every answer: the time by the clock that decides. */
  readonly heard: (nowMs: number | null) => void;
  readonly lost: () => void;
}

export const SessionContext = createContext<Session>({
  asker: null,
  refused: () => undefined,
  heard: () => undefined,
  lost: () => undefined,
});
