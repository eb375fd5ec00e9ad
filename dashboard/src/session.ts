/** The key of this tab: typed once, kept until the tab is closed, sent nowhere but to this page's own host. */
const place = "hourseal-key";

export function keptKey(): string | null {
  try {
    return sessionStorage.getItem(place);
  } catch {
    return null; // Storage is switched off: the key is typed again after a reload.
  }
}

export function keepKey(key: string | null): void {
  try {
    if (key === null) sessionStorage.removeItem(place);
    else sessionStorage.setItem(place, key);
  } catch {
    // As above.
  }
}
