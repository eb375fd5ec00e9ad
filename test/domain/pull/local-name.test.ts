import { expect, it } from "vitest";
import { typeBytesMax } from "../../../domain/limits.ts";
import { localName, localNameBytesMax } from "../../../domain/pull/local-name.ts";
import { encodeSegment } from "../../../domain/segment.ts";

it("[KE6] a folder has the name of its step in R2, where a file system can hold it", () => {
  for (const step of ["hour=10", "type=.", "type=..", `type=${"x".repeat(localNameBytesMax - 5)}`]) {
    expect(localName(step)).toBe(step);
  }
});

it("[KE6] a name that is too long is cut, never within an encoded byte, and told apart from others", () => {
  const steps = [0, 1, 2].flatMap((before) => {
    const type = "x".repeat(before) + "🦭".repeat(63);
    return [type, `${type.slice(0, -2)}🐟`].map((text) => `type=${encodeSegment(text)}`);
  });
  const names = steps.map(localName);
  expect(new Set(names).size).toBe(steps.length);
  for (const [index, name] of names.entries()) {
    const [kept = "", digest] = name.split("~");
    expect(name.length).toBeLessThanOrEqual(localNameBytesMax);
    expect(steps[index]?.startsWith(kept)).toBe(true);
    expect(kept).not.toMatch(/%.?$/);
    expect(digest).toMatch(/^[0-9a-f]{32}$/);
  }
  expect(localName(`type=${"x".repeat(typeBytesMax)}`)).toHaveLength(localNameBytesMax);
});
