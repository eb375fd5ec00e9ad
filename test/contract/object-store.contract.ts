/** What every `ObjectStore` does: R2 in production, R2's simulator, and the fake. */
import { describe, expect, it } from "vitest";
import { type ObjectStore, bytesOf, sha256Hex } from "../../platform/objects.ts";

const encoder = new TextEncoder();

/** `open` gives a store; `prefix` keeps what one run puts apart from everything else in it. */
export function objectStoreContract(name: string, prefix: string, open: () => ObjectStore): void {
  const bytesFor = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(encoder.encode(text));
  const put = async (key: string, text: string): Promise<string> =>
    open().create(prefix + key, bytesFor(text), await sha256Hex(bytesFor(text)));

  describe(`object store: ${name}`, () => {
    it("[PA2] creates an object once and keeps the first bytes", async () => {
      expect(await put("once", "first")).toBe("created");
      expect(await put("once", "first")).toBe("exists");
      expect(await put("once", "other")).toBe("exists");
      const found = await open().get(`${prefix}once`);
      expect(found === null ? null : await bytesOf(found.body)).toEqual(bytesFor("first"));
    });

    it("[PA2] stores nothing under a sha256 that is not the bytes'", async () => {
      const wrong = await sha256Hex(bytesFor("other"));
      await expect(open().create(`${prefix}wrong`, bytesFor("these"), wrong)).rejects.toThrow();
      expect(await open().head(`${prefix}wrong`)).toBeNull();
      expect(await put("wrong", "these")).toBe("created");
    });

    it("[PA3] looks an object up with its size and sha256", async () => {
      await put("looked-up", "some bytes");
      const expected = {
        key: `${prefix}looked-up`,
        bytes: 10,
        sha256: await sha256Hex(bytesFor("some bytes")),
      };
      expect(await open().head(`${prefix}looked-up`)).toEqual(expected);
      const found = await open().get(`${prefix}looked-up`);
      await found?.body.cancel();
      expect(found?.object).toEqual(expected);
    });

    it("[PA3] answers null for a key that holds nothing", async () => {
      expect(await open().head(`${prefix}nothing`)).toBeNull();
      expect(await open().get(`${prefix}nothing`)).toBeNull();
    });

    it("[BU5] takes an object without bytes", async () => {
      expect(await put("_SUCCESS", "")).toBe("created");
      expect(await open().head(`${prefix}_SUCCESS`)).toMatchObject({ bytes: 0 });
      expect(await put("_SUCCESS", "")).toBe("exists");
    });

    it("[AU6] lists what lies under a prefix, in key order, and nothing else", async () => {
      for (const key of ["list/b", "list/a%2F1", "list/a", "listed"]) await put(key, key);
      const keys = (await open().list(`${prefix}list/`)).map((object) => object.key);
      expect(keys).toEqual([`${prefix}list/a`, `${prefix}list/a%2F1`, `${prefix}list/b`]);
      expect(await open().list(`${prefix}absent/`)).toEqual([]);
    });

    it("[KE6] keeps keys that hold percent signs, spaces and other scripts apart", async () => {
      const keys = ["type=a%20b/x", "type=a b/x", "type=%E2%82%AC/x", "type=€/x"];
      for (const key of keys) expect(await put(key, key)).toBe("created");
      for (const key of keys) {
        const found = await open().get(prefix + key);
        expect(found === null ? null : await bytesOf(found.body)).toEqual(bytesFor(key));
      }
    });
  });
}
