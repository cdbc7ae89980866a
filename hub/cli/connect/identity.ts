import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { PkiError } from "../../../proto/pki/error.ts";
import { verifyOperator } from "../../../proto/pki/verify.ts";
import { CliError } from "../cli-error.ts";
import type { CliPorts } from "../ports.ts";

/** An operator's certificate, key and root: what a folder given by `--identity` holds. */
export interface OperatorIdentity {
  readonly name: string;
  readonly cluster: string;
  readonly key: KeyObject;
  readonly keyPem: string;
  /** PEM, leaf first, then the operator intermediate; without the root. */
  readonly certificatePem: string;
  /** The same as DER. */
  readonly chain: readonly Uint8Array[];
  readonly rootPem: string;
}

const MAX_PEM_BYTES = 16 * 1024;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * Reads operator.key, operator.crt and root.crt from `dir` and checks that they belong together and are valid now.
 * Throws CliError `IDENTITY_INVALID`.
 */
export async function loadIdentity(dir: string, ports: CliPorts): Promise<OperatorIdentity> {
  const keyPem = await readText(join(dir, "operator.key"), ports, "secret");
  const certificatePem = await readText(join(dir, "operator.crt"), ports, "public");
  const rootPem = await readText(join(dir, "root.crt"), ports, "public");
  const key = parseKey(keyPem, dir);
  const chain = parseChain(certificatePem, dir);
  const cluster = claimedCluster(chain, dir);
  try {
    // The name in the certificate only says which cluster to ask about; this decides whether it holds.
    const identity = verifyOperator({ chain, root: rootPem, cluster, now: new Date(ports.now()) });
    const own = new X509Certificate(chain[0] ?? new Uint8Array());
    if (!own.checkPrivateKey(key)) throw invalid(`operator.key in ${dir} is not the key of operator.crt`);
    return { name: identity.name, cluster, key, keyPem, certificatePem, chain, rootPem };
  } catch (cause) {
    if (cause instanceof PkiError) throw invalid(`the certificate in ${dir} does not hold: ${cause.message}`, cause);
    throw cause;
  }
}

async function readText(path: string, ports: CliPorts, kind: "secret" | "public"): Promise<string> {
  try {
    const { data, mode } = await ports.readFile(path, MAX_PEM_BYTES);
    if (kind === "secret" && (mode & 0o077) !== 0) throw invalid(`${path} can be read by others; close it with: chmod 600 ${path}`);
    return new TextDecoder().decode(data);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw invalid(`${path} can't be read`, cause);
  }
}

function parseKey(pem: string, dir: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw invalid(`operator.key in ${dir} is not an unencrypted private key in PEM`, cause);
  }
}

function parseChain(pem: string, dir: string): readonly Uint8Array[] {
  const blocks = pem.match(PEM_CERTIFICATE) ?? [];
  try {
    return blocks.map((block) => new Uint8Array(new X509Certificate(block).raw));
  } catch (cause) {
    throw invalid(`operator.crt in ${dir} is not a certificate chain in PEM`, cause);
  }
}

function claimedCluster(chain: readonly Uint8Array[], dir: string): string {
  const leaf = chain[0];
  const names = leaf === undefined ? "" : (new X509Certificate(leaf).subjectAltName ?? "");
  const cluster = /^URI:kubedos:\/\/operator\.([a-z0-9-]+)\/[a-z0-9-]+\/[a-z0-9-]+$/.exec(names)?.[1];
  if (cluster === undefined) throw invalid(`operator.crt in ${dir} is not an operator's certificate`);
  return cluster;
}

function invalid(message: string, cause?: unknown): CliError {
  return CliError.local("IDENTITY_INVALID", message, "kubedos-hub health --identity DIR", cause);
}
