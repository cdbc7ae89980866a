import { generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { issueIntermediate, issueLeaf, issueRoot, type Issuer } from "../../proto/pki/issue.ts";
import type { PkiRole, Subject } from "../../proto/pki/names.ts";
import type { OperatorRole } from "../../proto/pki/operator-role.ts";

/** A leaf with its key and the chain that a peer sends (leaf, intermediate), DER. */
export interface TestIdentity {
  readonly key: KeyObject;
  readonly chain: readonly Uint8Array[];
}

/** A cluster's root with its three intermediates, made for one test. */
export interface TestPki {
  readonly cluster: string;
  readonly root: Issuer;
  readonly issuers: Readonly<Record<PkiRole, Issuer>>;
}

/** Long enough for the real clock and for the standing one of golden tests. */
const FROM = new Date("2020-01-01T00:00:00Z");
const UNTIL = new Date("2049-01-01T00:00:00Z");

/** Intermediates for a cluster, valid for decades, under a new root or one that is there already. */
export async function makePki(cluster: string, existing?: Issuer): Promise<TestPki> {
  const key = p256();
  const root = existing ?? { key, certificate: await issueRoot({ ...validity(), cluster, subjectKey: key, key }) };
  const make = async (role: PkiRole): Promise<Issuer> => {
    const own = p256();
    return { key: own, certificate: await issueIntermediate({ ...validity(), cluster, role, subjectKey: own, issuer: root }) };
  };
  return { cluster, root, issuers: { hub: await make("hub"), node: await make("node"), operator: await make("operator") } };
}

/** An identity of `role`, valid until `until`; an operator is an admin. */
export async function makeIdentity(pki: TestPki, role: PkiRole, name: string, until = UNTIL): Promise<TestIdentity> {
  return role === "operator" ? await makeOperator(pki, name, "admin", until) : await makeLeaf(pki, { role, name }, until);
}

/** An operator of this role. */
export async function makeOperator(pki: TestPki, name: string, operatorRole: OperatorRole, until = UNTIL): Promise<TestIdentity> {
  return await makeLeaf(pki, { role: "operator", operatorRole, name }, until);
}

async function makeLeaf(pki: TestPki, subject: Subject, until: Date): Promise<TestIdentity> {
  const key = p256();
  const issuer = pki.issuers[subject.role];
  const leaf = await issueLeaf({ ...validity(until), ...subject, cluster: pki.cluster, subjectKey: key, issuer });
  return { key, chain: [leaf, issuer.certificate] };
}

/** Writes the folder that `--identity` takes. */
export function writeIdentity(dir: string, identity: TestIdentity, root: Uint8Array): string {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "operator.key"), keyPem(identity.key), { mode: 0o600 });
  writeFileSync(join(dir, "operator.crt"), chainPem(identity.chain));
  writeFileSync(join(dir, "root.crt"), chainPem([root]));
  return dir;
}

/** DER certificates → PEM, one after the other. */
export function chainPem(chain: readonly Uint8Array[]): string {
  return chain.map((der) => new X509Certificate(der).toString()).join("");
}

/** PKCS#8 PEM. */
export function keyPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function p256(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

function validity(until = UNTIL) {
  return { notBefore: FROM, notAfter: until, serial: randomBytes(16) };
}
