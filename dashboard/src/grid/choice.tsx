/** Chooses which streams the grid shows, in which order, and how many hours. */
import type { GridChoice, GridOrder } from "../model/grid.ts";

interface Given {
  readonly choice: GridChoice;
  readonly change: (choice: GridChoice) => void;
  readonly hours: number;
  readonly changeHours: (hours: number) => void;
}

const orders: readonly (readonly [GridOrder, string])[] = [
  ["name", "by name"],
  ["worst", "worst first"],
  ["owner", "by owner"],
  ["priority", "by priority"],
];

const spans: readonly (readonly [number, string])[] = [
  [24, "24 hours"],
  [72, "3 days"],
  [168, "7 days"],
  [336, "14 days"],
];

export function Choice({ choice, change, hours, changeHours }: Given) {
  return (
    <form
      class="choice"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <label>
        <span>Find</span>
        <input
          type="search"
          placeholder="stream or owner"
          value={choice.text}
          onInput={(event) => {
            change({ ...choice, text: event.currentTarget.value });
          }}
        />
      </label>
      <label>
        <span>Order</span>
        <select
          value={choice.order}
          onChange={(event) => {
            const order = orders.find(([name]) => name === event.currentTarget.value)?.[0] ?? "name";
            change({ ...choice, order });
          }}
        >
          {orders.map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Hours</span>
        <select
          value={String(hours)}
          onChange={(event) => {
            changeHours(Number(event.currentTarget.value));
          }}
        >
          {spans.map(([span, text]) => (
            <option key={span} value={String(span)}>
              {text}
            </option>
          ))}
        </select>
      </label>
    </form>
  );
}
