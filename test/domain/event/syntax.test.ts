import * as fc from "fast-check";
import { expect, test } from "vitest";
import { base64Of, isBase64 } from "../../../domain/event/base64.ts";
import { charsetOf, isJsonMediaType, isMediaType } from "../../../domain/event/media-type.ts";
import { isAbsoluteUri, isUriReference } from "../../../domain/event/uri.ts";
import { utf8Length } from "../../../domain/event/utf8.ts";

// RFC 3986 sections 1.1.2 and 5.4, and what its grammar allows beside them.
test.each([
  "ftp://ftp.is.co.za/rfc/rfc1808.txt",
  "http://www.ietf.org/rfc/rfc2396.txt",
  "ldap://[2001:db8::7]/c=GB?objectClass?one",
  "mailto:John.Doe@example.com",
  "news:comp.infosystems.www.servers.unix",
  "tel:+1-816-555-1212",
  "telnet://192.0.2.16:80/",
  "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
  "g:h",
  "g",
  "./g",
  "g/",
  "/g",
  "//g",
  "?y",
  "g?y",
  "#s",
  "g#s",
  "g?y#s",
  ";x",
  "g;x=1/./y",
  "",
  ".",
  "../..",
  "/./g",
  "a:",
  "a://",
  "//",
  "///a",
  "//u:p@h:/",
  "//[::1]:8080",
  "//[v1.fe]",
  "//[::ffff:1.2.3.4]",
  "//[1:2:3:4:5:6:7::]",
  "!$&'()*+,;=",
  "%20",
  "%e2%82%ac",
  "a//b",
  "?a?b/c",
  "#a?b/c",
  "1-555-123-4567",
  "cloudevents/spec/pull/123",
  "a:b:c",
])("%j is a URI-reference", (text) => {
  expect(isUriReference(text)).toBe(true);
});

test.each([
  " ",
  "a b",
  "<a>",
  '"',
  "{a}",
  "|",
  "\\",
  "^",
  "`",
  "é",
  "%",
  "%2",
  "%gg",
  "#a#b",
  "1:b",
  "127.0.0.1:8080",
  ":a",
  "[a]",
  "//[::1",
  "//[1::2::3]",
  "//[1:2:3:4:5:6:7:8:9]",
  "//[12345::]",
  "//[::1.2.3.256]",
  "//[:::1]",
  "//[1:2]",
  "//h:80a",
  "//a@b@c",
  "//[fe80::1%25en0]",
  "a\n",
  "//[]",
])("%j is no URI-reference", (text) => {
  expect(isUriReference(text)).toBe(false);
});

test("an absolute URI has a scheme and no fragment", () => {
  for (const text of ["http://a", "urn:a:b", "a:", "a:?q"]) expect(isAbsoluteUri(text)).toBe(true);
  for (const text of ["", "/a", "//a", "http://a#f", "a:#", "1a:b"]) expect(isAbsoluteUri(text)).toBe(false);
});

test("any URL that the platform writes is an absolute URI", () => {
  fc.assert(fc.property(fc.webUrl({ withQueryParameters: true }), (url) => isAbsoluteUri(url)));
});

test.each([
  "text/plain",
  "TEXT/Plain; CharSet=utf-8",
  'multipart/form-data; boundary="a b;\\"c"',
  "application/vnd.a.b+json;v=1;w=2",
  "text/plain;",
  "text/plain ; a=b",
  "text/plain; charset=us-ascii (Plain text)",
  "x/y; a = b",
  "application/*",
])("%j is a media type", (text) => {
  expect(isMediaType(text)).toBe(true);
});

test.each([
  "",
  "text",
  "text/",
  "/plain",
  "text/plain/x",
  "text plain",
  "a/b; c",
  "a/b; =c",
  'a/b; c="',
  "a/b c",
  "a/b, c/d",
  "é/x",
])("%j is no media type", (text) => {
  expect(isMediaType(text)).toBe(false);
});

test("parameters do not decide what is JSON", () => {
  for (const text of ["application/json", "text/JSON;a=b", "image/svg+json ; x=y"])
    expect(isJsonMediaType(text)).toBe(true);
  for (const text of [
    "application/jsonl",
    "json/x",
    "application/json-seq",
    "text/plain; a=application/json",
  ]) {
    expect(isJsonMediaType(text)).toBe(false);
  }
  expect(charsetOf('text/plain; a=b; Charset="UTF-8"')).toBe("utf-8");
  expect(charsetOf("text/plain;charset=Latin1;x=y")).toBe("latin1");
  expect(charsetOf("text/plain")).toBeNull();
});

test("base64 is what btoa writes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = base64Of(bytes);
      expect(text).toBe(btoa(String.fromCharCode(...bytes)));
      expect(isBase64(text)).toBe(true);
    }),
  );
  for (const text of [
    "A",
    "AA",
    "AAA",
    "A===",
    "AA=A",
    "=AAA",
    "AAAA ",
    "AAA\n",
    "AA-_",
    "====",
    "AA==AA==",
  ]) {
    expect(isBase64(text), text).toBe(false);
  }
});

test("UTF-8 lengths are those of the encoder", () => {
  const units = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((codes) => String.fromCharCode(...codes));
  fc.assert(
    fc.property(
      fc.oneof(units, fc.string({ unit: "binary" }), fc.constantFrom("\ud800", "\udc00\ud800", "😀\ud83d")),
      (text) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
      },
    ),
  );
});
