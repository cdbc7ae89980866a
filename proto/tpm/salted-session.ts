import { createCipheriv, createDecipheriv } from "node:crypto";
import { concatBytes, equalBytes } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { ByteWriter } from "../wire/writer.ts";
import { ALG, digest } from "./alg.ts";
import type { SessionAnswer, TpmCommand } from "./command.ts";
import { CC } from "./handles.ts";
import { hmac, kdfa } from "./kdf.ts";
import type { Entropy } from "./seed.ts";

/** AES-128: 16 bytes of key, then 16 of IV. */
const KEY_BYTES = 16;
const IV_BYTES = 16;
/** Bits of TPMA_SESSION (Part 2, 8.4): the command's, or the response's, first parameter is encrypted. */
const DECRYPT = 0x20;
const ENCRYPT = 0x40;
const HASH = ALG.SHA256;
/** Bytes of our nonces. */
export const NONCE_BYTES = 32;

/** A session whose key only the TPM and we know: what goes through it can't be read on the bus, nor changed. */
export interface SaltedSession {
  readonly handle: number;
  readonly key: Uint8Array;
  /** The TPM's newest nonce. */
  readonly nonceTpm: Uint8Array;
}

/** The session's key (Part 1, 19.6.8): from the salt and both first nonces; it is bound to no object. */
export function sessionKey(salt: Uint8Array, nonceTpm: Uint8Array, nonceCaller: Uint8Array): Uint8Array {
  return kdfa({ hash: HASH, key: salt, label: "ATH", contextU: nonceTpm, contextV: nonceCaller, bits: 256 });
}

/**
 * The same command, authorized by this session instead of its first authorization, which must be an empty one, with its first parameter
 * (TPM2B) or that of the response encrypted (Part 1, 19 and 21). `names` are those of the handles, in order. The response is refused with
 * `MALFORMED` unless its HMAC says that it is the TPM's. The session ends with the command.
 */
export function throughSession<T>(
  command: TpmCommand<T>,
  args: { readonly session: SaltedSession; readonly names: readonly Uint8Array[]; readonly encrypted: "command" | "response"; readonly entropy: Entropy },
): TpmCommand<T> {
  const { session, names, encrypted } = args;
  const nonceCaller = args.entropy(NONCE_BYTES);
  const attributes = encrypted === "command" ? DECRYPT : ENCRYPT;
  const crypt = (data: Uint8Array, way: "in" | "out", newer: Uint8Array, older: Uint8Array): Uint8Array => cryptFirst(data, way, session.key, newer, older);
  const parameters = encrypted === "command" ? crypt(command.parameters, "in", nonceCaller, session.nonceTpm) : command.parameters;
  const code = new ByteWriter().u32be(CC[command.name]).done();
  const cpHash = digest(HASH, code, ...names, parameters);
  const mac = (hash: Uint8Array, newer: Uint8Array, older: Uint8Array): Uint8Array => hmac(HASH, session.key, concatBytes(hash, newer, older, Uint8Array.of(attributes)));
  return {
    ...command,
    auth: [{ session: session.handle, nonce: nonceCaller, attributes, hmac: mac(cpHash, nonceCaller, session.nonceTpm) }, ...command.auth.slice(1)],
    parameters,
    open(raw: Uint8Array, [answer]: readonly SessionAnswer[]) {
      const rpHash = digest(HASH, new Uint8Array(4), code, raw);
      if (answer === undefined || answer.attributes !== attributes || !equalBytes(answer.hmac, mac(rpHash, answer.nonce, nonceCaller))) {
        throw new WireError("BAD_VALUE", "the response's HMAC isn't the TPM's");
      }
      return encrypted === "response" ? crypt(raw, "out", answer.nonce, nonceCaller) : raw;
    },
  };
}

/** Part 1, 21.3: AES-CFB over the first parameter's contents; its size stays readable. */
function cryptFirst(parameters: Uint8Array, way: "in" | "out", key: Uint8Array, newer: Uint8Array, older: Uint8Array): Uint8Array {
  const material = kdfa({ hash: HASH, key, label: "CFB", contextU: newer, contextV: older, bits: (KEY_BYTES + IV_BYTES) * 8 });
  const r = new ByteReader(parameters);
  const first = r.sized16be(0xffff);
  const make = way === "in" ? createCipheriv : createDecipheriv;
  const cipher = make("aes-128-cfb", material.subarray(0, KEY_BYTES), material.subarray(KEY_BYTES));
  const crypted = concatBytes(cipher.update(first), cipher.final());
  return new ByteWriter().sized16be(crypted).bytes(parameters.subarray(2 + first.length)).done();
}
