import { z } from "zod";
import { dnsLabel, hexText } from "../../../proto/wire/text.ts";
import { KEYS_ERROR_CODES } from "../../keys/error.ts";
import { TOOL_ERROR_CODES } from "../../toolchain/error.ts";
import { DOCUMENT_PURPOSES } from "../documents.ts";
import { SIGNER_ERROR_CODES } from "../error.ts";
import { SIGNED_FILE_KINDS } from "../signed-file.ts";

/** Everything that a signer can be asked to sign, each by the one key that is for it: db, release, root. */
export const PURPOSES = ["uki", "policy", ...DOCUMENT_PURPOSES, "file", "hub-issuer", "node-issuer"] as const;
/** See {@link PURPOSES}. */
export type Purpose = (typeof PURPOSES)[number];

/** First message to a signer: whose keys, and what for. Its passphrase comes over a pipe of its own. */
export const openSchema = z.strictObject({
  dir: z.string().max(4096),
  purposes: z.array(z.enum(PURPOSES)).min(1),
  /** The toolchain's tree, where the keys are in a token. */
  tree: z.string().max(4096).nullable(),
});
/** See {@link openSchema}. */
export type OpenMessage = z.output<typeof openSchema>;

const id = z.int().nonnegative();

/** A request; its body is the whole thing to be signed, or the key to be certified. */
export const requestSchema = z.discriminatedUnion("op", [
  z.strictObject({ id, op: z.literal("uki"), role: dnsLabel, release: hexText(8) }),
  z.strictObject({ id, op: z.literal("document"), purpose: z.enum(DOCUMENT_PURPOSES) }),
  z.strictObject({ id, op: z.literal("policy"), purpose: z.enum(["phase", "volumes"]), role: dnsLabel }),
  z.strictObject({ id, op: z.literal("file"), kind: z.enum(SIGNED_FILE_KINDS) }),
  z.strictObject({ id, op: z.literal("issuer"), role: z.enum(["hub", "node"]), notAfter: z.iso.datetime() }),
]);
/** See {@link requestSchema}. */
export type SignRequest = z.output<typeof requestSchema>;

/** An answer; where it is ok, its body is what was signed. `id` 0 answers the opening. */
export const answerSchema = z.discriminatedUnion("ok", [
  z.strictObject({ id, ok: z.literal(true) }),
  z.strictObject({ id, ok: z.literal(false), error: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("signer"), code: z.enum(SIGNER_ERROR_CODES), message: z.string() }),
    z.strictObject({ kind: z.literal("keys"), code: z.enum(KEYS_ERROR_CODES), message: z.string() }),
    z.strictObject({ kind: z.literal("tool"), code: z.enum(TOOL_ERROR_CODES), message: z.string() }),
  ]) }),
]);
/** See {@link answerSchema}. */
export type Answer = z.output<typeof answerSchema>;

/** What an answer says of an error. */
export type AnswerError = Extract<Answer, { readonly ok: false }>["error"];

/** The purpose of a request, which must be among those that the signer was opened for. */
export function purposeOf(request: SignRequest): Purpose {
  switch (request.op) {
    case "uki":
      return "uki";
    case "document":
      return request.purpose;
    case "policy":
      return "policy";
    case "file":
      return "file";
    case "issuer":
      return `${request.role}-issuer`;
  }
}
