import { z } from "zod";
import { fromBase64 } from "./base64.ts";

/** Lower-case DNS label (RFC 1123): names of clusters, roles and slots. Safe in paths, argv, URIs and logs. */
export const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be a lower-case DNS label");

/** Lower-case hexadecimal text of exactly `bytes` bytes. */
export function hexText(bytes: number): z.ZodString {
  return z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `must be ${bytes} bytes as lower-case hexadecimal text`);
}

/** Standard base64 text of 1 to `maxBytes` bytes. */
export function base64Text(maxBytes: number): z.ZodString {
  return z.string().min(4).max(Math.ceil(maxBytes / 3) * 4).refine(isBase64, "must be standard base64 with padding");
}

function isBase64(text: string): boolean {
  try {
    return fromBase64(text).length > 0;
  } catch {
    return false;
  }
}
