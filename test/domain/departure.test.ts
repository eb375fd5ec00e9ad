/** When rows that wait in a lane leave for their shard. */
import { expect, test } from "vitest";
import { type LaneView, departs, isBusy } from "../../domain/departure.ts";
import { laneCrowd, laneLoneMax, laneLooksMax } from "../../domain/limits.ts";

/** A busy lane with room for an append, in which rows keep coming. */
const busy: LaneView = { placeFree: true, loneAppends: 0, waiting: 2, joined: 1, looks: 0 };

test("a lane is busy until so many appends in a row carried one request's rows alone", () => {
  expect(isBusy({ loneAppends: laneLoneMax - 1 })).toBe(true);
  expect(isBusy({ loneAppends: laneLoneMax })).toBe(false);
});

test("a lane that is not busy sends what it has as soon as it may", () => {
  const idle = { ...busy, loneAppends: laneLoneMax };
  expect(departs(idle)).toBe(true);
  expect(departs({ ...idle, placeFree: false })).toBe(false);
});

test("a busy lane waits while rows keep coming, and leaves once none joined between two looks", () => {
  expect(departs(busy)).toBe(false);
  expect(departs({ ...busy, joined: 0 })).toBe(true);
});

test("a busy lane waits for so many looks, and no longer", () => {
  expect(departs({ ...busy, looks: laneLooksMax - 1 })).toBe(false);
  expect(departs({ ...busy, looks: laneLooksMax })).toBe(true);
});

test("a busy lane waits for so many requests, and no more", () => {
  expect(departs({ ...busy, waiting: laneCrowd - 1 })).toBe(false);
  expect(departs({ ...busy, waiting: laneCrowd })).toBe(true);
});

test("nothing leaves while as many appends as may be are under way", () => {
  expect(departs({ ...busy, placeFree: false, joined: 0, waiting: laneCrowd, looks: laneLooksMax })).toBe(
    false,
  );
});
