/** The colours of the states, from the style sheet, so that light and dark are decided in one place. */
import { createContext } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type BucketState, bucketStates } from "../../../domain/view/state.ts";

export interface StateColours {
  readonly fill: string;
  readonly mark: string;
}

export interface Palette {
  readonly states: Readonly<Record<BucketState, StateColours>>;
  readonly line: string;
  readonly text: string;
  readonly faint: string;
  readonly ground: string;
  readonly focus: string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const states = Object.fromEntries(
    bucketStates.map((state) => [state, { fill: colour(`${state}-fill`), mark: colour(`${state}-mark`) }]),
  ) as Record<BucketState, StateColours>;
  return {
    states,
    line: colour("line"),
    text: colour("text"),
    faint: colour("text-faint"),
    ground: colour("ground"),
    focus: colour("focus"),
  };
}

export const PaletteContext = createContext<Palette>(readPalette());

/** Read again when the system turns from light to dark. */
export function usePalette(): Palette {
  const [palette, setPalette] = useState(readPalette);
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const changed = (): void => {
      setPalette(readPalette());
    };
    scheme.addEventListener("change", changed);
    return () => {
      scheme.removeEventListener("change", changed);
    };
  }, []);
  return palette;
}
