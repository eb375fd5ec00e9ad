/**
 * Where alerts may be sent: HTTPS, or HTTP on this very machine. No user and password in it: who may read the settings of
 * a stream may read its address.
 */
import * as z from "zod";
import { alertUrlCharsMax } from "../limits.ts";

const pattern = /^(https:\/\/[\w.-]+|http:\/\/(localhost|127\.0\.0\.1))(:\d{1,5})?([/?][^\s#]*)?$/i;

/** Empty: nowhere. */
export const AlertUrl = z
  .string()
  .max(alertUrlCharsMax)
  .refine((text) => text === "" || pattern.test(text), {
    error:
      "takes an address that begins with https://, without a user in it, for example https://hooks.example.com/hourseal",
  });
