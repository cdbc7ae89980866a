import { ByteWriter } from "../../wire/writer.ts";
import { ALG, type ShaAlg } from "../alg.ts";
import type { TpmCommand } from "../command.ts";
import { RH } from "../handles.ts";

const SE_POLICY = 0x01;

/**
 * TPM2_StartAuthSession (Part 3, 11.1) for a policy session, neither bound nor salted; its handle comes back. No HMAC is
 * ever computed in it, so the caller's nonce protects nothing and is zero.
 */
export function startPolicySession(hash: ShaAlg): TpmCommand<number> {
  return {
    name: "StartAuthSession",
    handles: [RH.NULL, RH.NULL],
    auth: [],
    parameters: new ByteWriter()
      .sized16be(new Uint8Array(16))
      .u16be(0) // encryptedSalt
      .u8(SE_POLICY)
      .u16be(ALG.NULL)
      .u16be(hash)
      .done(),
    returnsHandle: true,
    parse(r, handle) {
      r.sized16be(64); // nonceTPM
      return handle;
    },
  };
}
