/** The frame of every page: who asks, where one is, whether what is shown is fresh. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Asker } from "./api/ask.ts";
import { type Session, SessionContext } from "./api/session-context.ts";
import { BucketPage } from "./bucket/bucket-page.tsx";
import { GridPage } from "./grid/grid-page.tsx";
import { PaletteContext, usePalette } from "./grid/palette.ts";
import { KeyPrompt } from "./key-prompt.tsx";
import { KeysPage } from "./lists/keys-page.tsx";
import { StreamsPage } from "./lists/streams-page.tsx";
import { type Route, hrefOf, routeOf } from "./route.ts";
import { keepKey, keptKey } from "./session.ts";
import { Freshness } from "./parts/freshness.tsx";
import { StreamPage } from "./stream/stream-page.tsx";
import { TrendPage } from "./trend/trend-page.tsx";

interface KeyState {
  readonly key: string | null;
  /** Why it is not good any more. */
  readonly fault: string | null;
}

export function App() {
  const [held, setHeld] = useState<KeyState>(() => ({ key: keptKey(), fault: null }));
  const [fresh, setFresh] = useState<{ readonly nowMs: number | null; readonly away: boolean }>({
    nowMs: null,
    away: false,
  });
  const route = useRoute();
  const palette = usePalette();
  const session = useMemo<Session>(
    () => ({
      asker: held.key === null || held.fault !== null ? null : new Asker(held.key),
      refused: (detail) => {
        keepKey(null);
        setHeld((before) => ({ ...before, fault: detail }));
      },
      heard: (nowMs) => {
        setFresh((before) => ({ nowMs: nowMs ?? before.nowMs, away: false }));
      },
      lost: () => {
        setFresh((before) => ({ ...before, away: true }));
      },
    }),
    [held],
  );
  const enter = (key: string): void => {
    keepKey(key);
    setHeld({ key, fault: null });
  };
  const forget = (): void => {
    keepKey(null);
    setHeld({ key: null, fault: null });
    setFresh({ nowMs: null, away: false });
  };
  if (held.key === null) return <KeyPrompt fault={null} enter={enter} />;
  return (
    <SessionContext.Provider value={session}>
      <a class="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href={hrefOf({ page: "grid" })}>
          Hourseal
        </a>
        <nav aria-label="Pages">
          <NavLink route={route} to={{ page: "grid" }} text="Grid" />
          <NavLink route={route} to={{ page: "trend" }} text="Trend" />
          <NavLink route={route} to={{ page: "streams" }} text="Streams" />
          <NavLink route={route} to={{ page: "keys" }} text="Keys" />
        </nav>
        <Freshness {...fresh} asking={session.asker !== null} />
        <button type="button" class="quiet" onClick={forget}>
          Forget key
        </button>
      </header>
      {held.fault !== null && <KeyPrompt fault={held.fault} enter={enter} />}
      <main id="main" tabIndex={-1} class={`page page-${route.page}`}>
        <PaletteContext.Provider value={palette}>
          <Page route={route} />
        </PaletteContext.Provider>
      </main>
    </SessionContext.Provider>
  );
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case "grid":
      return <GridPage />;
    case "trend":
      return <TrendPage />;
    case "streams":
      return <StreamsPage />;
    case "keys":
      return <KeysPage />;
    case "stream":
      return <StreamPage key={route.type} type={route.type} />;
    case "bucket":
      return <BucketPage key={`${route.hour}/${route.type}`} type={route.type} hour={route.hour} />;
  }
}

function NavLink({ route, to, text }: { readonly route: Route; readonly to: Route; readonly text: string }) {
  return (
    <a href={hrefOf(to)} {...(route.page === to.page ? { "aria-current": "page" as const } : {})}>
      {text}
    </a>
  );
}

/** The page that the address names. A new page is announced by its title, and keyboards start at its content. */
function useRoute(): Route {
  const [hash, setHash] = useState(() => location.hash);
  const first = useRef(true);
  useEffect(() => {
    const changed = (): void => {
      setHash(location.hash);
    };
    addEventListener("hashchange", changed);
    return () => {
      removeEventListener("hashchange", changed);
    };
  }, []);
  useEffect(() => {
    document.title = titleOf(routeOf(hash));
    if (first.current) first.current = false;
    else {
      scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
  }, [hash]);
  return routeOf(hash);
}

function titleOf(route: Route): string {
  switch (route.page) {
    case "bucket":
      return `${route.type} ${route.hour} · Hourseal`;
    case "stream":
      return `${route.type} · Hourseal`;
    case "grid":
    case "trend":
    case "streams":
    case "keys":
      return `${route.page.charAt(0).toUpperCase()}${route.page.slice(1)} · Hourseal`;
  }
}

/** The address after `#` is the page, so the skip link moves the focus itself. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
