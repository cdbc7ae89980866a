import { equalBytes } from "../wire/bytes.ts";
import { ByteReader } from "../wire/reader.ts";
import { ByteWriter } from "../wire/writer.ts";
import { ALG, digest } from "./alg.ts";
import { attributeBits, attributesOf } from "./attributes.ts";
import { readPcrSelections } from "./pcr-selection.ts";

/** No userWithAuth: nothing but its policy opens it. Bound to its TPM and parent. */
const ATTRIBUTES = attributeBits(attributesOf("fixedTPM", "fixedParent", "adminWithPolicy", "noDA"));

/** TPMT_PUBLIC of a sealed object under this policy, before the TPM fills in what is unique (Part 2, 12.2.4). */
export function sealedTemplate(policy: Uint8Array): Uint8Array {
  return new ByteWriter().bytes(sealedHead(policy)).u16be(0).done();
}

/** Whether a TPMT_PUBLIC is that of a sealed object under exactly this policy. */
export function isSealedUnder(policy: Uint8Array, publicArea: Uint8Array): boolean {
  const head = sealedHead(policy);
  return publicArea.length === head.length + 2 + 32 && equalBytes(publicArea.subarray(0, head.length), head);
}

/** Name of a sealed object (Part 1, 16). */
export function sealedName(publicArea: Uint8Array): Uint8Array {
  return new ByteWriter().u16be(ALG.SHA256).bytes(digest(ALG.SHA256, publicArea)).done();
}

function sealedHead(policy: Uint8Array): Uint8Array {
  return new ByteWriter().u16be(ALG.KEYEDHASH).u16be(ALG.SHA256).u32be(ATTRIBUTES).sized16be(policy).u16be(ALG.NULL).done();
}

/** The PCRs of the SHA-256 bank at an object's creation, and the digest over their values. */
export interface CreationPcrs {
  readonly pcrs: readonly number[];
  readonly digest: Uint8Array;
}

/** TPMS_CREATION_DATA (Part 2, 15.1) → its PCRs; null where it selects another bank, or more than one. Throws WireError. */
export function creationPcrs(creationData: Uint8Array): CreationPcrs | null {
  const r = new ByteReader(creationData);
  const [selection, ...others] = readPcrSelections(r);
  const values = r.sized16be(64);
  r.u8(); // locality
  r.u16be(); // parentNameAlg
  r.sized16be(66); // parentName
  r.sized16be(66); // parentQualifiedName
  r.sized16be(64); // outsideInfo
  r.end();
  if (selection === undefined || others.length > 0 || selection.hash !== ALG.SHA256) return null;
  return { pcrs: selection.pcrs, digest: values };
}
