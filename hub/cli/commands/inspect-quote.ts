import { z } from "zod";
import { EVIDENCE_LIMITS } from "../../../proto/evidence/limits.ts";
import { hashName } from "../../../proto/tpm/alg.ts";
import { type Attest, ATTEST_QUOTE, parseAttest, TPM_GENERATED } from "../../../proto/tpm/attest.ts";
import { nameOf, parsePublic } from "../../../proto/tpm/public.ts";
import { parseSignature, verifySignature } from "../../../proto/tpm/signature.ts";
import { toHex } from "../../../proto/wire/hex.ts";
import { ByteReader } from "../../../proto/wire/reader.ts";
import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { fields } from "../output/fields.ts";
import { FORMATS } from "../output/format.ts";
import { parseInput, readInput } from "../read-input.ts";

interface InspectedQuote {
  readonly signatureValid: boolean;
  readonly generatedByTpm: boolean;
  readonly isQuote: boolean;
  readonly keyName: string;
  readonly qualifiedSigner: string;
  readonly extraData: string;
  readonly clock: { readonly clock: string; readonly resetCount: number; readonly restartCount: number; readonly safe: boolean };
  readonly firmwareVersion: string;
  readonly selections: readonly { readonly bank: string; readonly pcrs: readonly number[] }[];
  readonly pcrDigest: string | null;
}

/** `kubedos-hub inspect quote`: what a TPM signed, and whether it did. */
export const inspectQuote = command({
  path: ["inspect", "quote"],
  summary: "lay a TPM quote open and verify its signature",
  about: "Says what was signed and by which key. That is no verdict: freshness, binding and logs are judged by `inspect evidence`.",
  args: [],
  options: [
    { flags: "--quote <file>", what: "TPMS_ATTEST, as tpm2_quote -m writes it (required)" },
    { flags: "--signature <file>", what: "TPMT_SIGNATURE, as tpm2_quote -s writes it (required)" },
    { flags: "--public <file>", what: "TPMT_PUBLIC or TPM2B_PUBLIC of the key (required)" },
  ],
  connects: false,
  formats: FORMATS,
  examples: [["inspect quote --quote q.msg --signature q.sig --public ak.pub", "who signed what; exit code 8 if the signature is wrong"]],
  input: z.strictObject({ quote: z.string().min(1), signature: z.string().min(1), public: z.string().min(1) }),
  async run(input, { ports, print }) {
    const quote = await readInput(input.quote, EVIDENCE_LIMITS.quote, ports);
    const signatureBytes = await readInput(input.signature, EVIDENCE_LIMITS.signature, ports);
    const publicBytes = unsized(await readInput(input.public, EVIDENCE_LIMITS.publicArea, ports));
    const attest = parseInput(input.quote, "a TPMS_ATTEST", () => parseAttest(quote));
    const signature = parseInput(input.signature, "a TPMT_SIGNATURE", () => parseSignature(signatureBytes));
    const key = parseInput(input.public, "a public key", () => parsePublic(publicBytes));
    const valid = parseInput(input.public, "a key that can verify", () => verifySignature(key, signature, quote));
    const seen = inspected(attest, valid, nameOf(publicBytes));
    print({ object: { apiVersion: "kubedos/v1", kind: "Quote", ...seen }, names: [seen.keyName], human: () => quoteText(seen) });
    if (!valid) throw CliError.local("REFUSED", "the key did not sign this quote in its own scheme", "kubedos-hub explain SIGNATURE_WRONG");
    if (!seen.generatedByTpm) throw CliError.local("REFUSED", "these bytes were not made by a TPM", "kubedos-hub explain MAGIC_WRONG");
    if (!seen.isQuote) throw CliError.local("REFUSED", "the statement is signed, but it is no quote", "kubedos-hub explain TYPE_WRONG");
    return EXIT.ok;
  },
});

/** TPM2B → its contents, where the first two bytes are the length of the rest; tpm2-tools write both forms. */
function unsized(data: Uint8Array): Uint8Array {
  if (data.length < 2) return data;
  const r = new ByteReader(data);
  return r.u16be() === r.left ? r.bytes(r.left) : data;
}

function inspected(attest: Attest, signatureValid: boolean, keyName: Uint8Array): InspectedQuote {
  const { clock } = attest;
  return {
    signatureValid,
    generatedByTpm: attest.magic === TPM_GENERATED,
    isQuote: attest.type === ATTEST_QUOTE,
    keyName: toHex(keyName),
    qualifiedSigner: toHex(attest.qualifiedSigner),
    extraData: toHex(attest.extraData),
    // 64-bit values of foreign origin: text, so that no JSON reader rounds them.
    clock: { clock: String(clock.clock), resetCount: clock.resetCount, restartCount: clock.restartCount, safe: clock.safe },
    firmwareVersion: attest.firmwareVersion.toString(16).padStart(16, "0"),
    selections: (attest.quote?.selections ?? []).map((s) => ({ bank: hashName(s.hash), pcrs: s.pcrs })),
    pcrDigest: attest.quote === undefined ? null : toHex(attest.quote.digest),
  };
}

function quoteText(q: InspectedQuote): string {
  const yes = (v: boolean) => (v ? "yes" : "NO");
  return fields(
    [
      ["signature holds", yes(q.signatureValid)],
      ["made by a TPM", yes(q.generatedByTpm)],
      ["is a quote", yes(q.isQuote)],
      ["key name", q.keyName],
      ["extraData", q.extraData || "-"],
      ...q.selections.map((s): [string, string] => ["PCRs", `${s.bank}: ${s.pcrs.join(",")}`]),
      ["PCR digest", q.pcrDigest ?? "-"],
      ["clock", `${q.clock.clock} ms, ${q.clock.safe ? "safe" : "not safe"}; resets ${q.clock.resetCount}, restarts ${q.clock.restartCount}`],
      ["TPM firmware", q.firmwareVersion],
    ],
    "",
  );
}
