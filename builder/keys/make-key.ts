import { randomBytes, X509Certificate } from "node:crypto";
import { issueIntermediate, issueRoot } from "../../proto/pki/issue.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { makeFirmwareCertificate } from "./firmware-certificate.ts";
import type { KeyBox } from "./key-box.ts";

/** Firmware ignores these dates; the root outlives any cluster built on it. */
const YEARS = 20;

/** For whom and when keys are made. */
export interface KeyOrigin {
  readonly cluster: string;
  readonly now: Date;
}

/** A new key for Secure Boot, with its self-signed certificate (DER). */
export async function makeFirmwareKey(box: KeyBox, name: "pk" | "kek" | "db", { cluster, now }: KeyOrigin): Promise<Uint8Array> {
  const commonName = `kubedos ${name === "db" ? name : name.toUpperCase()} ${cluster}`;
  return await makeFirmwareCertificate({ commonName, key: await box.make(name), serial: `40${toHex(randomBytes(15))}`, ...validity(now) });
}

/** A new root with the operators' issuer under it, DER. */
export async function makeRoot(box: KeyBox, { cluster, now }: KeyOrigin): Promise<{ readonly root: Uint8Array; readonly operatorIssuer: Uint8Array }> {
  const span = validity(now);
  const key = await box.make("root");
  const root = await issueRoot({ ...span, serial: randomBytes(16), cluster, subjectKey: key.publicKey, key });
  const { publicKey } = await box.make("operatorIssuer");
  const operatorIssuer = await issueIntermediate({ ...span, serial: randomBytes(16), cluster, role: "operator", subjectKey: publicKey, issuer: { certificate: root, key } });
  return { root, operatorIssuer };
}

/** Firmware takes an update only from a certificate that is newer than the one it has: our variables are as old as their certificates. */
export function laterThan(certificate: Uint8Array, now: Date): Date {
  return new Date(Math.max(now.getTime(), new X509Certificate(certificate).validFromDate.getTime() + 1000));
}

function validity(now: Date): { readonly notBefore: Date; readonly notAfter: Date } {
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + YEARS);
  return { notBefore: now, notAfter };
}
