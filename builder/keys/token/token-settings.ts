import { z } from "zod";
import { parseJson } from "../../../proto/wire/json.ts";

/** Safe in a PKCS#11 URI without any escaping (RFC 7512 §2.3). */
const label = z.string().regex(/^[A-Za-z0-9][-A-Za-z0-9_.]{0,63}$/, "must be letters, digits, dots, dashes and underscores");
const path = z.string().regex(/^\/[^\0\n]{1,1023}$/, "must be an absolute path");

/** How a token is reached. Tools see nothing of the host but what is named here. */
export const tokenAddressSchema = z.strictObject({
  /** PKCS#11 module: a path in the toolchain's tree, or one under `binds`. */
  module: path,
  /** The token's label. */
  token: label,
  /** Folders, files and sockets of the host that the module needs. */
  binds: z.array(path).max(16),
  /** Environment variables that the module reads; never a secret. */
  env: z.record(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), z.string().max(1024)),
});
/** See {@link tokenAddressSchema}. */
export type TokenAddress = z.output<typeof tokenAddressSchema>;

/** `token.json` of a key directory: the token, and the label of each key's object in it. Public but for where things are. */
export const tokenSettingsSchema = tokenAddressSchema.extend({
  kind: z.literal("kubedos/token"),
  version: z.literal(1),
  objects: z.strictObject({
    pk: label,
    kek: label,
    db: label,
    release: label,
    policy: label,
    previousRelease: label.optional(),
    root: label,
    operatorIssuer: label,
  }),
});
/** See {@link tokenSettingsSchema}. */
export type TokenSettings = z.output<typeof tokenSettingsSchema>;

/** File bytes → settings. Throws WireError. */
export function parseTokenSettings(data: Uint8Array): TokenSettings {
  return parseJson(tokenSettingsSchema, data, 64 * 1024);
}
