import { ByteWriter } from "../../wire/writer.ts";
import { ALG } from "../alg.ts";
import type { TpmCommand } from "../command.ts";
import { RH } from "../handles.ts";

/** TPM_SE (Part 2, 6.11). */
const SESSION_TYPE = { hmac: 0x00, policy: 0x01 } as const;
/** Bits of the cipher for parameters. */
const CIPHER_BITS = 128;

/**
 * TPM2_StartAuthSession (Part 3, 11.1) over SHA-256 with AES-128 for parameters, salted for the loaded key `saltKey`, bound to nothing.
 * Gives the session's handle and the TPM's first nonce.
 */
export function startSaltedSession(args: {
  readonly type: keyof typeof SESSION_TYPE;
  readonly saltKey: number;
  readonly nonceCaller: Uint8Array;
  readonly encryptedSalt: Uint8Array;
}): TpmCommand<{ readonly handle: number; readonly nonceTpm: Uint8Array }> {
  return {
    name: "StartAuthSession",
    handles: [args.saltKey, RH.NULL],
    auth: [],
    parameters: new ByteWriter()
      .sized16be(args.nonceCaller)
      .sized16be(args.encryptedSalt)
      .u8(SESSION_TYPE[args.type])
      .u16be(ALG.AES)
      .u16be(CIPHER_BITS)
      .u16be(ALG.CFB)
      .u16be(ALG.SHA256)
      .done(),
    returnsHandle: true,
    parse: (r, handle) => ({ handle, nonceTpm: r.sized16be(64) }),
  };
}
