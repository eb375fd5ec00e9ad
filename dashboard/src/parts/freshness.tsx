/** Whether what is shown is fresh, and the time by the clock that decides. */
interface Given {
  readonly nowMs: number | null;
  readonly away: boolean;
  readonly asking: boolean;
}

export function Freshness({ nowMs, away, asking }: Given) {
  const time = nowMs === null ? "–" : `${new Date(nowMs).toISOString().slice(11, 19)} UTC`;
  const live = asking && !away;
  return (
    <p class={`freshness ${live ? "is-live" : "is-stale"}`}>
      <span class="lamp" aria-hidden="true" />
      <span class="state">{live ? "Live" : away ? "Not reached, trying again" : "Paused"}</span>{" "}
      <time>{time}</time>
      <span class="sr" role="status">
        {live ? "" : "What is shown is not fresh."}
      </span>
    </p>
  );
}
