import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ByteReader } from "../../proto/wire/reader.ts";
import { vectorsDir } from "../vectors.ts";

const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(vectorsDir, "quotes", name)));
const base64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

/** Contents of a file that is one TPM2B. */
function sized(name: string): Uint8Array {
  const r = new ByteReader(file(name));
  const content = r.sized16be(0xffff);
  r.end();
  return content;
}

/** Keylime's test data: RSA EK and AK, a quote over PCRs 15, 16 and 22, made by tpm2-tools. */
export const keylime = {
  ekPublic: sized("keylime-ek.pub"),
  ekPem: Buffer.from(file("keylime-ekpub.pem")).toString(),
  akPublic: sized("keylime-ak.pub"),
  akPem: Buffer.from(file("keylime-akpub.pem")).toString(),
  akName: file("keylime-ak.name"),
  quote: file("keylime-quote.out"),
  signature: file("keylime-quotesig.out"),
  pcrs: readToolPcrs(file("keylime-quotepcr.out")),
} as const;

interface WindowsVector {
  readonly AK: { readonly Public: string; readonly CreateAttestation: string; readonly CreateSignature: string };
  readonly Quote: { readonly Quote: string; readonly Signature: string };
  readonly Log: { readonly PCRs: readonly { readonly Index: number; readonly Digest: string }[] };
}
const json = JSON.parse(Buffer.from(file("windows_gcp_shielded_vm.json")).toString()) as WindowsVector;

/** A Windows machine's SHA-1 quote with an empty nonce, and the creation attestation of its AK. */
export const windows = {
  akPublic: base64(json.AK.Public),
  quote: base64(json.Quote.Quote),
  signature: base64(json.Quote.Signature),
  creation: base64(json.AK.CreateAttestation),
  creationSignature: base64(json.AK.CreateSignature),
  pcrs: [...json.Log.PCRs].sort((a, b) => a.Index - b.Index).map((p) => base64(p.Digest)),
} as const;

/** The values in what `tpm2_quote -o` writes: C structures in the host's byte order. */
function readToolPcrs(data: Uint8Array): Uint8Array[] {
  const r = new ByteReader(data);
  r.bytes(132); // TPML_PCR_SELECTION
  const values: Uint8Array[] = [];
  for (let lists = r.u32le(); lists > 0; lists--) {
    const count = r.u32le();
    for (let i = 0; i < 8; i++) {
      const size = r.u16le();
      const value = r.bytes(64).subarray(0, size);
      if (i < count) values.push(value);
    }
  }
  r.end();
  return values;
}
