import { lstat, readdir, readFile } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import { didIssue, type EkIssuer, readEkIssuer } from "../../hub/attest/ek-issuer.ts";
import { EK_TRUST_LIMITS, type PinnedEkTrust } from "../../proto/release/pins.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { DeployError } from "./error.ts";

const SUFFIXES: readonly string[] = [".pem", ".crt", ".cer", ".der"];
/** A file holds one certificate, or a maker's bundle of them. */
const MAX_FILE_BYTES = 256 * 1024;
const MAX_FILES = 256;
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;

interface Found extends EkIssuer {
  readonly file: string;
}

/**
 * The certificates in the folder that `trust.ekRoots` names (relative to the spec's file), as the pin file carries them; null where the
 * spec names none. A certificate that signed itself is a root, every other one an intermediate that must lead to a root in the folder.
 * Throws DeployError `BAD_EK_ROOTS` with file and reason: not a certificate, no authority, out of its dates, without a root, too much.
 */
export async function readEkTrust(spec: ClusterSpec, specFile: string, now: Date): Promise<PinnedEkTrust | null> {
  const { ekRoots, ekQuirks, ekRevoked } = spec.trust;
  if (ekRoots === undefined) return null;
  const dir = resolve(dirname(specFile), ekRoots);
  const found: Found[] = [];
  for (const file of await listFiles(dir)) {
    for (const der of await readCertificates(file)) {
      if (!found.some((f) => equalBytes(f.der, der))) found.push({ ...check(file, der, now), file });
    }
  }
  const roots = found.filter((f) => f.selfSigned);
  const intermediates = found.filter((f) => !f.selfSigned);
  if (roots.length === 0) throw bad(dir, "it holds no root: no certificate in it signed itself");
  for (const lost of intermediates) if (!leadsToRoot(lost, found)) throw bad(lost.file, `"${nameOf(lost)}" leads to none of the roots in the folder`);
  checkAmount(dir, roots, intermediates);
  return { roots: inOrder(roots), intermediates: inOrder(intermediates), quirks: [...new Set(ekQuirks)].sort(), revoked: [...new Set(ekRevoked)].sort() };
}

async function listFiles(dir: string): Promise<readonly string[]> {
  let names: readonly string[];
  try {
    names = (await readdir(dir)).sort();
  } catch (cause) {
    throw bad(dir, "the folder that trust.ekRoots names can't be read", cause);
  }
  const files = names.filter((name) => !name.startsWith(".") && !name.startsWith("README"));
  // Whoever puts a root into the folder must not find later that its name kept it from counting.
  const other = files.find((name) => !SUFFIXES.includes(extname(name).toLowerCase()));
  if (other !== undefined) throw bad(join(dir, other), `certificates end in ${SUFFIXES.join(", ")}; beside them only README files are let be`);
  if (files.length > MAX_FILES) throw bad(dir, `it holds ${files.length} files, at most ${MAX_FILES} are read`);
  return files.map((name) => join(dir, name));
}

/** DER of each certificate in a PEM or DER file. */
async function readCertificates(file: string): Promise<readonly Uint8Array[]> {
  const stat = await lstat(file);
  if (!stat.isFile()) throw bad(file, "it is no plain file");
  if (stat.size > MAX_FILE_BYTES) throw bad(file, `it has ${stat.size} bytes, at most ${MAX_FILE_BYTES} are read`);
  const data = new Uint8Array(await readFile(file));
  if (data[0] === 0x30) return [data];
  const blocks = [...new TextDecoder().decode(data).matchAll(PEM_BLOCK)];
  if (blocks.length === 0) throw bad(file, "it holds neither PEM nor DER");
  const other = blocks.find(([, label]) => label !== "CERTIFICATE");
  if (other !== undefined) throw bad(file, `it holds a ${other[1]}; only certificates belong here`);
  return blocks.map(([, , body = ""]) => {
    try {
      return fromBase64(body.replace(/\s/g, ""));
    } catch (cause) {
      throw bad(file, "its base64 is damaged", cause);
    }
  });
}

function check(file: string, der: Uint8Array, now: Date): EkIssuer {
  try {
    return readEkIssuer(der, now);
  } catch (cause) {
    throw bad(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function leadsToRoot(child: EkIssuer, all: readonly EkIssuer[], path: readonly EkIssuer[] = []): boolean {
  return all.some((issuer) => issuer !== child && !path.includes(issuer) && didIssue(issuer, child) && (issuer.selfSigned || leadsToRoot(issuer, all, [...path, child])));
}

function checkAmount(dir: string, roots: readonly EkIssuer[], intermediates: readonly EkIssuer[]): void {
  const max = EK_TRUST_LIMITS;
  const bytes = [...roots, ...intermediates].reduce((sum, { der }) => sum + der.length, 0);
  if (roots.length > max.roots || intermediates.length > max.intermediates || bytes > max.totalBytes) {
    throw bad(dir, `it holds ${roots.length} roots and ${intermediates.length} intermediates of ${bytes} bytes; a pin file takes ${max.roots}, ${max.intermediates} and ${max.totalBytes}`);
  }
}

/** Sorted, so that a file's name changes nothing in the pin file. */
function inOrder(certificates: readonly EkIssuer[]): string[] {
  return certificates.map(({ der }) => toBase64(der)).sort();
}

function nameOf({ x509 }: EkIssuer): string {
  return x509.subject.replaceAll("\n", ", ");
}

function bad(path: string, reason: string, cause?: unknown): DeployError {
  return new DeployError("BAD_EK_ROOTS", `${path}: ${reason}`, { cause });
}
