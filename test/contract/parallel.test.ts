import { describe, expect, it } from "vitest";
import { inFairParallel, inParallel } from "../../platform/parallel.ts";

/** Items by group and number; `order` is how they were taken up, `most` how many of a group were at work at once. */
async function run(items: readonly string[], parallelism: number, ofGroupMax: number) {
  const order: string[] = [];
  const atWork = new Map<string, number>();
  const most = new Map<string, number>();
  let all = 0;
  let mostOfAll = 0;
  const groupOf = (item: string): string => item.slice(0, 1);
  await inFairParallel(items, { parallelism, groupOf, ofGroupMax }, async (item) => {
    const group = groupOf(item);
    order.push(item);
    mostOfAll = Math.max(mostOfAll, ++all);
    atWork.set(group, (atWork.get(group) ?? 0) + 1);
    most.set(group, Math.max(most.get(group) ?? 0, atWork.get(group) ?? 0));
    // The first group takes long.
    for (let turn = 0; turn < (group === "a" ? 20 : 1); turn++) await Promise.resolve();
    atWork.set(group, (atWork.get(group) ?? 0) - 1);
    all--;
  });
  return { order, most: Object.fromEntries(most), mostOfAll };
}

describe("[IS2] work in fair lanes", () => {
  it("passes over a group that has its share, and comes back to it", async () => {
    const { order, most, mostOfAll } = await run(["a1", "a2", "a3", "a4", "b1", "b2", "c1"], 3, 1);
    expect(order.slice(0, 3)).toEqual(["a1", "b1", "c1"]);
    expect(order.toSorted()).toEqual(["a1", "a2", "a3", "a4", "b1", "b2", "c1"]);
    expect(order.indexOf("b2")).toBeLessThan(order.indexOf("a2"));
    expect(most).toEqual({ a: 1, b: 1, c: 1 });
    expect(mostOfAll).toBe(3);
  });

  it("does all of it, each once, with any number of lanes and groups", async () => {
    for (const parallelism of [1, 2, 5, 50]) {
      for (const ofGroupMax of [1, 2, 5]) {
        const items = Array.from({ length: 60 }, (_, no) => `${"aabcd".charAt(no % 5)}${no}`);
        const { order, most, mostOfAll } = await run(items, parallelism, ofGroupMax);
        expect(order.toSorted()).toEqual(items.toSorted());
        expect(Math.max(...Object.values(most))).toBeLessThanOrEqual(ofGroupMax);
        expect(mostOfAll).toBeLessThanOrEqual(parallelism);
      }
    }
  });

  it("keeps the order of the items where no group is at its share", async () => {
    const items = ["a1", "b1", "c1", "d1"];
    expect((await run(items, 1, 1)).order).toEqual(items);
  });
});

it("work in lanes runs as many at once as it may", async () => {
  let all = 0;
  let most = 0;
  await inParallel([1, 2, 3, 4, 5], 2, async () => {
    most = Math.max(most, ++all);
    await Promise.resolve();
    all--;
  });
  expect(most).toBe(2);
});
