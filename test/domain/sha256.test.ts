import { createHash } from "node:crypto";
import { sha256 as plain } from "@noble/hashes/sha2.js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeUtf8 } from "../../domain/event/utf8.ts";
import { paddingBytesMax, sha256 } from "../../domain/sha256.ts";
import { hexOf } from "./make.ts";

/** In a buffer that held something else before. */
function digestOf(input: Uint8Array, outBytes: number): string {
  const buffer = new Uint8Array(input.length + paddingBytesMax).fill(0xa5);
  buffer.set(input);
  return hexOf(sha256(buffer, input.length, outBytes));
}

describe("sha256", () => {
  it("equals the general implementation at every length around the ends of blocks", () => {
    for (let length = 0; length <= 260; length++) {
      const input = Uint8Array.from({ length }, (_, at) => (at * 37 + length) & 0xff);
      expect(digestOf(input, 32)).toBe(hexOf(plain(input)));
    }
  });

  it("equals the platform's for any input, and gives as much of the digest as is asked for", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.constantFrom(4, 16, 32), (input, outBytes) => {
        const expected = createHash("sha256")
          .update(input)
          .digest("hex")
          .slice(0, outBytes * 2);
        expect(digestOf(input, outBytes)).toBe(expected);
      }),
    );
  });
});

describe("writeUtf8", () => {
  const anyText = fc.string({
    unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  });

  it.each(["", "a", "é", "€", "𝄞", "\ud834", "\udd1e", "a\ud834b", "\udd1e\ud834", "\uffff", "\u{10ffff}"])(
    "writes %j as the platform's encoder does",
    (text) => {
      const bytes = new Uint8Array(3 * text.length + 2);
      expect(hexOf(bytes.slice(2, writeUtf8(text, bytes, 2)))).toBe(hexOf(new TextEncoder().encode(text)));
    },
  );

  it("writes any text as the platform's encoder does, lone surrogates included", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string({ unit: "binary" })), (text) => {
        const bytes = new Uint8Array(3 * text.length);
        expect(hexOf(bytes.slice(0, writeUtf8(text, bytes, 0)))).toBe(hexOf(new TextEncoder().encode(text)));
      }),
    );
  });
});
