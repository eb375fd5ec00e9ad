/** What a scrolled element shows: where it stands, how large it is, and how many pixels a CSS pixel has. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

export interface Viewport {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  /** The pointer is a finger. */
  readonly coarse: boolean;
}

export function useViewport(element: RefObject<HTMLElement | null>): Viewport {
  const [viewport, setViewport] = useState<Viewport>({
    left: 0,
    top: 0,
    width: 0,
    height: 0,
    scale: 1,
    coarse: false,
  });
  useLayoutEffect(() => {
    const place = element.current;
    if (place === null) return undefined;
    let frame = 0;
    const measure = (): void => {
      frame = 0;
      setViewport({
        left: place.scrollLeft,
        top: place.scrollTop,
        width: place.clientWidth,
        height: place.clientHeight,
        scale: devicePixelRatio,
        coarse: matchMedia("(pointer: coarse)").matches,
      });
    };
    // Many scroll events may come before a frame; each frame is drawn once.
    const soon = (): void => {
      if (frame === 0) frame = requestAnimationFrame(measure);
    };
    const sizes = new ResizeObserver(soon);
    sizes.observe(place);
    place.addEventListener("scroll", soon, { passive: true });
    measure();
    return () => {
      cancelAnimationFrame(frame);
      sizes.disconnect();
      place.removeEventListener("scroll", soon);
    };
  }, []);
  return viewport;
}
