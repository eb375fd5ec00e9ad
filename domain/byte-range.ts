/**
 * The `Range` header for one range of bytes (RFC 9110, section 14). Several ranges, or another unit, are ignored, as
 * the RFC allows: the whole is answered.
 */

export type ByteRange =
  | { readonly range: "whole" }
  | { readonly range: "part"; readonly offset: number; readonly length: number }
  | { readonly range: "unsatisfiable" };

/** What of `bytes` bytes the header asks for; `bytes` is at least 1. */
export function parseByteRange(header: string | null, bytes: number): ByteRange {
  const parts = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.trim() ?? "");
  const [, first = "", last = ""] = parts ?? [];
  if (first === "" && last === "") return { range: "whole" };
  if (first === "") {
    const length = Math.min(Number(last), bytes);
    return length === 0 ? { range: "unsatisfiable" } : { range: "part", offset: bytes - length, length };
  }
  const offset = Number(first);
  if (last !== "" && Number(last) < offset) return { range: "whole" };
  if (offset >= bytes) return { range: "unsatisfiable" };
  const end = last === "" ? bytes : Math.min(Number(last) + 1, bytes);
  return { range: "part", offset, length: end - offset };
}
