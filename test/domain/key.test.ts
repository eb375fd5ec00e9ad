import * as fc from "fast-check";
import { expect, test } from "vitest";
import { basicUser, keyText, mintKey, parseAuthorization, parseKey } from "../../domain/key.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test("a key is parsed back from its text, and its secret is all of the random bytes", () => {
  fc.assert(
    fc.property(bytes(6), bytes(32), (id, secret) => {
      const key = mintKey(id, secret);
      expect(keyText(key)).toMatch(/^hs_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
      expect(parseKey(keyText(key))).toEqual(key);
      const base64 = btoa(String.fromCharCode(...secret));
      expect(key.secret).toBe(base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""));
      expect(key.id).toBe(Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join(""));
    }),
  );
});

test("too little randomness is refused", () => {
  expect(() => mintKey(new Uint8Array(6), new Uint8Array(31))).toThrow(RangeError);
});

test.each([
  "",
  "hs_",
  "hs_0123456789ab_",
  `hs_0123456789AB_${"a".repeat(43)}`,
  `hs_0123456789ab_${"a".repeat(42)}`,
  `hs_0123456789ab_${"a".repeat(44)}`,
  `hs_0123456789ab_${"+".repeat(43)}`,
  ` hs_0123456789ab_${"a".repeat(43)}`,
  `hs_0123456789ab_${"a".repeat(43)}\n`,
])("%j is no key", (text) => {
  expect(parseKey(text)).toBeNull();
});

test.each([
  ["Bearer abc", { scheme: "bearer", key: "abc" }],
  ["bearer   abc  ", { scheme: "bearer", key: "abc" }],
  ["BASIC YTpi", { scheme: "basic", encoded: "YTpi" }],
  ["Digest abc", null],
  ["Bearer", null],
  ["Bearer a b", null],
  ["", null],
] as const)("Authorization: %s", (header, expected) => {
  expect(parseAuthorization(header)).toEqual(expected);
});

test("the key is the user of Basic credentials, whatever the password", () => {
  expect(basicUser("key:")).toBe("key");
  expect(basicUser("key:a:b")).toBe("key");
  expect(basicUser("key")).toBe("key");
});
