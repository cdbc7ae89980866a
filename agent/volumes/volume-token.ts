import { z } from "zod";
import type { SealedSecret } from "../../proto/tpm/sealing.ts";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { base64Text } from "../../proto/wire/text.ts";

const blob = base64Text(1024);

/**
 * Our token in a LUKS2 header: the key of key slot 0 sealed by the TPM. Whoever can write the disk wrote it; what it says is judged by the
 * TPM (proto/tpm/sealing.ts).
 */
export const tokenSchema = z.strictObject({
  type: z.literal("kubedos-tpm2"),
  keyslots: z.tuple([z.literal("0")]),
  parent: blob,
  private: blob,
  public: blob,
  creation: blob,
  ticket: blob,
  birth: z.strictObject({ policy: blob, signature: blob }),
});
/** See {@link tokenSchema}. */
export type VolumeToken = z.output<typeof tokenSchema>;

/** Sealed key → token. */
export function encodeToken(sealed: SealedSecret): VolumeToken {
  return {
    type: "kubedos-tpm2",
    keyslots: ["0"],
    parent: toBase64(sealed.parentName),
    private: toBase64(sealed.privateArea),
    public: toBase64(sealed.publicArea),
    creation: toBase64(sealed.creationData),
    ticket: toBase64(sealed.creationTicket),
    birth: { policy: toBase64(sealed.birth.policy), signature: toBase64(sealed.birth.signature) },
  };
}

/** Token → sealed key. */
export function decodeToken(token: VolumeToken): SealedSecret {
  return {
    parentName: fromBase64(token.parent),
    privateArea: fromBase64(token.private),
    publicArea: fromBase64(token.public),
    creationData: fromBase64(token.creation),
    creationTicket: fromBase64(token.ticket),
    birth: { policy: fromBase64(token.birth.policy), signature: fromBase64(token.birth.signature) },
  };
}
