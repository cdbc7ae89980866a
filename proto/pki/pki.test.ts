import { spawnSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { issueIntermediate, issueLeaf, issueRoot, type Issuer } from "./issue.ts";
import { issueSelfSigned } from "./self-signed.ts";
import { certificatesFromPem, certificatesToPem } from "./pem.ts";
import type { PkiRole } from "./names.ts";
import { mayDo, OPERATOR_ROLES, type OperatorRole } from "./operator-role.ts";
import { fromHex } from "../wire/hex.ts";
import { verifyIdentity, verifyIntermediate, verifyOperator, verifySelfSigned } from "./verify.ts";

const DAY = 86_400_000;
const now = new Date("2026-06-01T00:00:00Z");
const key = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const span = (from = -1, to = 30) => ({
  notBefore: new Date(now.getTime() + from * DAY),
  notAfter: new Date(now.getTime() + to * DAY),
  serial: randomBytes(16),
});

async function root(cluster = "demo"): Promise<Issuer> {
  const k = key();
  return { key: k, certificate: await issueRoot({ ...span(-10, 3650), cluster, subjectKey: k, key: k }) };
}

async function intermediate(role: PkiRole, issuer: Issuer, cluster = "demo"): Promise<Issuer> {
  const k = key();
  return { key: k, certificate: await issueIntermediate({ ...span(-5, 365), subjectKey: k, cluster, role, issuer }) };
}

const ca = await root();
const hubCa = await intermediate("hub", ca);
const nodeCa = await intermediate("node", ca);
const leafKey = key();
const leaf = await issueLeaf({ ...span(), subjectKey: leafKey, cluster: "demo", role: "hub", name: "master-1", issuer: hubCa });
const question = { root: ca.certificate, role: "hub", cluster: "demo", now } as const;

t.test("a hub's chain is taken and names the hub", async (t) => {
  const identity = verifyIdentity({ ...question, chain: [leaf, hubCa.certificate] });
  t.equal(identity.name, "master-1");
  t.ok(identity.key.equals(verifyIntermediateKey(leaf)));
});

function verifyIntermediateKey(der: Uint8Array) {
  return verifyIdentity({ ...question, chain: [der, hubCa.certificate] }).key;
}

t.test("near misses, each refused for its own reason", async (t) => {
  const foreign = await root();
  const foreignHubCa = await intermediate("hub", foreign);
  const otherCluster = await intermediate("hub", ca, "other");
  const make = (o: { role?: "hub" | "node"; name?: string; issuer?: Issuer; from?: number; to?: number; cluster?: string }) =>
    issueLeaf({ ...span(o.from, o.to), subjectKey: leafKey, cluster: o.cluster ?? "demo", role: o.role ?? "hub", name: o.name ?? "master-1", issuer: o.issuer ?? hubCa });
  const cases: [string, Uint8Array[], string][] = [
    ["leaf alone", [leaf], "CHAIN_LENGTH"],
    ["root sent along", [leaf, hubCa.certificate, ca.certificate], "CHAIN_LENGTH"],
    ["foreign root", [await make({ issuer: foreignHubCa }), foreignHubCa.certificate], "WRONG_ISSUER"],
    ["foreign intermediate over a good leaf", [leaf, foreignHubCa.certificate], "WRONG_ISSUER"],
    ["a node's issuer makes a hub", [await make({ issuer: nodeCa }), nodeCa.certificate], "WRONG_CONSTRAINT"],
    ["a node's certificate as a hub's", [await make({ role: "node", issuer: nodeCa }), nodeCa.certificate], "WRONG_CONSTRAINT"],
    ["another cluster's issuer under the same root", [await make({ issuer: otherCluster }), otherCluster.certificate], "WRONG_CONSTRAINT"],
    ["the hub's issuer names another cluster", [await make({ cluster: "other" }), hubCa.certificate], "WRONG_NAME"],
    ["a name that is no label", [await make({ name: "../x" }), hubCa.certificate], "WRONG_NAME"],
    ["a client's usage", [await make({ role: "node" }), hubCa.certificate], "WRONG_USAGE"],
    ["a leaf as issuer", [leaf, leaf], "WRONG_ISSUER"],
    ["expired", [await make({ from: -9, to: -1 }), hubCa.certificate], "EXPIRED"],
    ["not yet valid", [await make({ from: 1 }), hubCa.certificate], "NOT_YET_VALID"],
    ["truncated", [leaf.subarray(0, leaf.length - 1), hubCa.certificate], "BAD_CERTIFICATE"],
    ["garbage", [randomBytes(400), hubCa.certificate], "BAD_CERTIFICATE"],
    ["huge", [randomBytes(5000), hubCa.certificate], "BAD_CERTIFICATE"],
  ];
  for (const [name, chain, code] of cases) t.throws(() => verifyIdentity({ ...question, chain }), { code }, name);
});

t.test("an operator's certificate says what he may do, and nothing that says less or more is one", async (t) => {
  const operatorCa = await intermediate("operator", ca);
  const chain = async (operatorRole: string, name: string) => {
    const subject = { role: "operator", operatorRole: operatorRole as OperatorRole, name } as const;
    return [await issueLeaf({ ...span(), ...subject, subjectKey: leafKey, cluster: "demo", issuer: operatorCa }), operatorCa.certificate];
  };
  const { role: _, ...asked } = question;
  for (const operatorRole of OPERATOR_ROLES) t.match(verifyOperator({ ...asked, chain: await chain(operatorRole, "alice") }), { name: "alice", operatorRole });
  const bare = await issueLeaf({ ...span(), subjectKey: leafKey, cluster: "demo", role: "node", name: "alice", issuer: nodeCa });
  const cases: [string, Uint8Array[], string][] = [
    ["a role that we don't know", await chain("root", "alice"), "WRONG_NAME"],
    ["no role", await chain("", "alice"), "WRONG_NAME"],
    ["two roles", await chain("read-only/admin", "alice"), "WRONG_NAME"],
    ["more behind the name", await chain("admin", "alice/x"), "WRONG_NAME"],
    ["a query behind the name", await chain("admin", "alice?x"), "WRONG_NAME"],
    ["no name", await chain("admin", ""), "WRONG_NAME"],
    ["a node", [bare, nodeCa.certificate], "WRONG_CONSTRAINT"],
    ["a hub", [leaf, hubCa.certificate], "WRONG_CONSTRAINT"],
  ];
  for (const [name, spoiled, code] of cases) t.throws(() => verifyOperator({ ...asked, chain: spoiled }), { code }, name);
});

t.test("each role may what those before it may, and no more", async (t) => {
  const allowed = OPERATOR_ROLES.map((has) => OPERATOR_ROLES.filter((needs) => mayDo(has, needs)));
  t.same(allowed, [["read-only"], ["read-only", "approver"], ["read-only", "approver", "admin"]]);
});

t.test("one flipped bit anywhere in the leaf is refused", async (t) => {
  for (let i = 0; i < leaf.length; i += 7) {
    const spoiled = Uint8Array.from(leaf);
    spoiled[i]! ^= 1;
    t.throws(() => verifyIdentity({ ...question, chain: [spoiled, hubCa.certificate] }), `byte ${i}`);
  }
});

t.test("self-signed certificates prove a key and nothing else", async (t) => {
  const k = key();
  const der = issueSelfSigned({ ...span(), subjectKey: k, key: k });
  t.same(verifySelfSigned(der, now).key.export({ format: "jwk" }).x, k.export({ format: "jwk" }).x);
  t.throws(() => verifySelfSigned(leaf, now), { code: "WRONG_ISSUER" });
  t.throws(() => verifyIdentity({ ...question, chain: [der, hubCa.certificate] }), { code: "WRONG_ISSUER" });
});

t.test("OpenSSL reads a self-signed certificate as what it is, whatever its serial and dates", async (t) => {
  const k = key();
  for (const [serial, until] of [["00".repeat(15) + "01", "2049-12-31T23:59:59Z"], ["ff".repeat(16), "2050-01-01T00:00:00Z"]] as const) {
    const options = { notBefore: new Date("2026-01-02T03:04:05Z"), notAfter: new Date(until), serial: fromHex(serial), subjectKey: k, key: k };
    const pem = certificatesToPem(issueSelfSigned(options));
    const argv = ["x509", "-noout", "-subject", "-issuer", "-serial", "-dates", "-dateopt", "iso_8601", "-ext", "basicConstraints,extendedKeyUsage"];
    const { stdout, status } = spawnSync("openssl", argv, { input: pem, encoding: "utf8" });
    t.equal(status, 0);
    t.match(stdout, /subject=CN = kubedos node without identity\nissuer=CN = kubedos node without identity\n/);
    t.match(stdout, new RegExp(`serial=0*${serial.replace(/^0+/, "")}\n`, "i"));
    t.match(stdout, `notBefore=2026-01-02 03:04:05Z\nnotAfter=${until.replace("T", " ")}\n`);
    t.match(stdout, /Basic Constraints: critical\n +CA:FALSE\n.*Extended Key Usage: critical\n +TLS Web Client Authentication\n/s);
    t.same(verifySelfSigned(certificatesFromPem(pem)[0] ?? new Uint8Array(), now).key.export({ format: "jwk" }).x, k.export({ format: "jwk" }).x, "and so do we");
  }
});

t.test("intermediates are judged by role", async (t) => {
  const q = { root: ca.certificate, cluster: "demo", now };
  t.ok(verifyIntermediate({ ...q, role: "node", certificate: nodeCa.certificate }));
  t.throws(() => verifyIntermediate({ ...q, role: "operator", certificate: nodeCa.certificate }), { code: "WRONG_CONSTRAINT" });
});

t.test("OpenSSL judges the same: constraint of the node issuer refuses a hub's name", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "kubedos-pki-"));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const forged = await issueLeaf({ ...span(), subjectKey: leafKey, cluster: "demo", role: "hub", name: "master-1", issuer: nodeCa });
  const judge = (leafDer: Uint8Array, issuer: Uint8Array): string => {
    writeFileSync(join(dir, "root"), certificatesToPem(ca.certificate));
    writeFileSync(join(dir, "mid"), certificatesToPem(issuer));
    writeFileSync(join(dir, "leaf"), certificatesToPem(leafDer));
    const argv = ["verify", "-x509_strict", "-attime", String(now.getTime() / 1000), "-CAfile", join(dir, "root"), "-untrusted", join(dir, "mid"), join(dir, "leaf")];
    const result = spawnSync("openssl", argv, { encoding: "utf8" });
    return `${result.status} ${result.stderr}`;
  };
  t.match(judge(forged, nodeCa.certificate), /^2 .*permitted subtree violation/s);
  t.match(judge(leaf, hubCa.certificate), /^0 /);
});

t.test("PEM there and back, and nothing beside it", async (t) => {
  const text = certificatesToPem(leaf, hubCa.certificate);
  t.same(certificatesFromPem(text), [leaf, hubCa.certificate]);
  for (const spoiled of ["", `${text}x`, `x${text}`, text.slice(0, -30)]) {
    t.throws(() => certificatesFromPem(spoiled), spoiled.slice(0, 20));
  }
  // Whether a certificate's text ends in padding depends on its length.
  const padded = certificatesToPem(Uint8Array.of(1));
  t.same(certificatesFromPem(padded), [Uint8Array.of(1)]);
  t.throws(() => certificatesFromPem(padded.replaceAll("=", "")), "without its padding");
});
