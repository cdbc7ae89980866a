import { parseEnvelope } from "../../proto/dsse/dsse.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { embedSignature } from "../sign/embed-signature.ts";
import type { Signer } from "../sign/signer.ts";
import { firstDifference } from "./first-difference.ts";
import { BundleError } from "./error.ts";
import { requestKey, type SignatureRecord } from "./signature-record.ts";

/** What was made at the build, to say where something differs: the release's files of a kind, as they were signed. */
export type SignedBefore = (what: string) => Promise<readonly Uint8Array[]>;

/**
 * A signer without keys: it knows what was signed at a build, and answers when the very same bytes are to be signed again. Anything
 * else is refused with BundleError `NOT_SIGNED`, which names the first difference.
 */
export function makeRecordedSigner(records: ReadonlyMap<string, SignatureRecord>, before: SignedBefore): Signer {
  const recall = async (what: string, data: Uint8Array): Promise<Uint8Array> => {
    const record = records.get(requestKey(what, data));
    if (record !== undefined) return fromBase64(record.answer);
    const difference = firstDifference(what, data, await before(what));
    throw new BundleError("NOT_SIGNED", `without keys only what was signed at the build can be signed, and this ${what} is none of it${difference}`, "add --keys DIR, or find out why it is made differently here");
  };
  return {
    async signUki(uki) {
      return embedSignature(uki, await recall("uki", uki));
    },
    async signDocument(purpose, payload) {
      return parseEnvelope(await recall(`document ${purpose}`, payload));
    },
    signPolicy: (request) => recall(`policy ${request.purpose}`, request.uki),
    signFile: (kind, data) => recall(`file ${kind}`, data),
    issueIntermediate: () => Promise.reject(new BundleError("NOT_SIGNED", "without keys no hub can be certified", "add --keys DIR")),
  };
}
