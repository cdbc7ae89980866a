import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { signEnvelope, encodeEnvelope } from "../../proto/dsse/dsse.ts";
import type { Admission, PlanePeer, SignedApproval } from "../../proto/gen/kubedos/v1/node.ts";
import { issueLeaf } from "../../proto/pki/issue.ts";
import { type Approval, APPROVAL_TYPE } from "../../proto/release/approval.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import { chainPem, type TestIdentity, type TestPki } from "./pki.ts";

/** The release key of the images below. */
export const releaseKey: { readonly privateKey: KeyObject; readonly publicKey: KeyObject } = generateKeyPairSync("ed25519");

/** An image's configuration as the builder writes it. */
export function imageConfig(rootCa: string, hub: boolean): ImageConfig {
  return {
    kind: "kubedos/image",
    version: 1,
    cluster: "demo",
    role: hub ? "master" : "worker",
    hub,
    planes: [
      { name: "wg1", cidr: "10.78.0.0/24", port: 51821, topology: "hub-and-spoke" },
      { name: "wg2", cidr: "10.79.0.0/24", port: 51822, topology: "hub-and-spoke" },
      { name: "wg3", cidr: "10.80.0.0/24", port: 51823, topology: "hub-and-spoke" },
    ],
    ports: [
      { direction: "in", zone: "wg2", protocol: "tcp", port: 9100, what: "node exporter" },
      { direction: "out", zone: "wg1", protocol: "tcp", port: 4505, what: "salt: \"publish\" {port}" },
    ],
    releaseKeys: [toBase64(spkiOf(releaseKey.publicKey))],
    rootCa,
    epoch: 1_760_000_000,
    trust: { leaseMs: 900_000, renewMs: 300_000 },
  };
}

/** PEM of a test's root. */
export function rootPem(pki: TestPki): string {
  return chainPem([pki.root.certificate]);
}

/** SubjectPublicKeyInfo (DER) of a key pair's public half. */
export function spkiOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}

/** An operator's statement; `changes` spoil it before it is signed. */
export function approve(operator: TestIdentity, slot: string, role: string, changes: Partial<Approval> = {}): SignedApproval {
  const approval: Approval = {
    kind: "kubedos/approval",
    version: 1,
    cluster: "demo",
    ekName: `000b${"ab".repeat(32)}`,
    slot,
    role,
    identityGeneration: 1,
    releaseGeneration: 1,
    firmware: null,
    notAfter: 1_900_000_000,
    acceptRisks: [],
    ...changes,
  };
  const envelope = signEnvelope(APPROVAL_TYPE, canonicalJson(approval), operator.key, createPublicKey(operator.key));
  return { envelope: Buffer.from(encodeEnvelope(envelope)), certificateChain: operator.chain.map((der) => Buffer.from(der)) };
}

/** The admission of slot `name` with index `n` over `subjectKey`, approved for `ekName`. */
export async function admit(pki: TestPki, operator: TestIdentity, subjectKey: KeyObject, ekName: string, name = "w-1", n = 5): Promise<Admission> {
  const issuer = pki.issuers.node;
  const validity = { notBefore: new Date("2020-01-01"), notAfter: new Date("2049-01-01"), serial: randomBytes(16) };
  const leaf = await issueLeaf({ ...validity, cluster: pki.cluster, role: "node", name, subjectKey, issuer });
  return {
    id: "bb00112233445566",
    name,
    index: n,
    certificateChain: [Buffer.from(leaf), Buffer.from(issuer.certificate)],
    planes: [78, 79, 80].map((net, i) => ({ plane: `wg${i + 1}`, address: `10.${net}.0.${n}/32` })),
    approval: approve(operator, name, "worker", { ekName }),
  };
}

/** A peer with index `n` in all three planes; the hub's one has an endpoint. */
export function peer(operator: TestIdentity, name: string, role: string, n: number, endpoint = ""): PlanePeer {
  const port = (i: number): string => (endpoint === "" ? "" : `${endpoint}:${51821 + i}`);
  return {
    id: `id-${name}`,
    name,
    role,
    index: n,
    planes: [78, 79, 80].map((net, i) => ({
      plane: `wg${i + 1}`,
      publicKey: toBase64(randomBytes(32)),
      address: `10.${net}.0.${n}/32`,
      endpoint: port(i),
    })),
    approval: approve(operator, name, role),
  };
}

/** An SMBIOS table with these type 11 strings, between a type 1 structure and the end. */
export function smbiosTable(strings: readonly string[]): Uint8Array {
  const w = new ByteWriter().u8(1).u8(6).u16le(0x100).u8(1).u8(0).bytes(utf8("QEMU\0\0"));
  if (strings.length > 0) w.u8(11).u8(5).u16le(0xe00).u8(strings.length).bytes(utf8(`${strings.join("\0")}\0\0`));
  return w.u8(127).u8(4).u16le(0x7f00).u16le(0).done();
}
