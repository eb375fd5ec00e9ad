import { expect, test } from "vitest";
import { nearMatches } from "../../domain/near.ts";

const types = ["PushEvent", "PullRequestEvent", "WatchEvent", "page.view", "page.viewed", "x"];

test.each([
  ["PsuhEvent", ["PushEvent"]],
  ["pushevent", ["PushEvent"]],
  ["page.veiw", ["page.view"]],
  ["page.view", ["page.view", "page.viewed"]],
  ["page", ["page.view", "page.viewed"]],
  ["y", ["x"]],
  ["something-else-entirely", []],
])("%s may have been %j", (name, expected) => {
  expect(nearMatches(name, types, 3)).toEqual(expected);
});

test("no more than asked for", () => {
  expect(nearMatches("page", types, 1)).toEqual(["page.view"]);
});
