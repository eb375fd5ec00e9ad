/** Whether the window is as narrow as a phone's: the same bound as in style.css. */
import { useEffect, useState } from "preact/hooks";

const query = "(width < 720px)";

export function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = (): void => {
      setNarrow(list.matches);
    };
    list.addEventListener("change", changed);
    return () => {
      list.removeEventListener("change", changed);
    };
  }, []);
  return narrow;
}
