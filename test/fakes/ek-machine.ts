import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { readEkCertificate } from "../../agent/tpm/ek-certificate.ts";
import { parsePublic } from "../../proto/tpm/public.ts";
import { runTool } from "../swtpm/run-tool.ts";
import { startSwtpm } from "../swtpm/start-swtpm.ts";
import { type CertificateOptions, ekCertificate, type TestCa } from "./ek-pki.ts";
import { TestMachine } from "./test-agent.ts";

const run = promisify(execFile);
/** NV index of the certificate for a P-256 EK, and the first of the chain's (TCG EK Credential Profile 2.5). */
const NV = { certificate: 0x01c0000a, chain: 0x01c00100 };

/** A certificate as a maker issues it for this machine's P-256 EK, with parts changed. */
export function certify(machine: TestMachine, issuer: TestCa, change: Partial<CertificateOptions> = {}): Uint8Array {
  return ekCertificate(parsePublic(machine.tpm.ek.publicArea), issuer, change);
}

/** Writes a certificate and the parts of a chain into the machine's NV, as a maker does; from then on it shows what its agent reads there. */
export async function provision(machine: TestMachine, leaf: Uint8Array, chain: readonly Uint8Array[] = []): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "kubedos-nv-"));
  const { tcti } = machine.tpm.swtpm;
  try {
    const parts = [[NV.certificate, leaf] as const, ...chain.map((part, i) => [NV.chain + i, part] as const)];
    for (const [index, data] of parts) {
      const [name, file] = [`0x${index.toString(16).padStart(8, "0")}`, join(dir, "nv")];
      await writeFile(file, data);
      await runTool(tcti, "tpm2_nvdefine", name, "-C", "o", "-s", String(data.length), "-a", "ownerwrite|ownerread|authread");
      await runTool(tcti, "tpm2_nvwrite", name, "-C", "o", "-i", file);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  machine.ekCertificate = await readEkCertificate(machine.tpm.client, "ecc");
}

/** A machine of which swtpm's own local CA is the maker: RSA EK and certificate by swtpm_setup. */
export interface LocalCaMachine {
  readonly machine: TestMachine;
  /** DER. */
  readonly root: Uint8Array;
  readonly intermediate: Uint8Array;
  stop(): Promise<void>;
}

/** Makes the CA and a TPM in a folder of its own, and boots the machine. */
export async function bootLocalCaMachine(): Promise<LocalCaMachine> {
  const dir = await mkdtemp(join(tmpdir(), "kubedos-localca-"));
  try {
    const at = (name: string): string => join(dir, name);
    await writeFile(at("localca.conf"), `statedir = ${dir}\nsigningkey = ${at("signkey.pem")}\nissuercert = ${at("issuercert.pem")}\ncertserial = ${at("certserial")}\n`);
    await writeFile(at("localca.options"), "--platform-manufacturer kubedos\n--platform-version 1\n--platform-model test\n");
    await writeFile(at("setup.conf"), `create_certs_tool = swtpm_localca\ncreate_certs_tool_config = ${at("localca.conf")}\ncreate_certs_tool_options = ${at("localca.options")}\nactive_pcr_banks = sha1,sha256,sha384,sha512\n`);
    const stateDir = await mkdtemp(at("state-"));
    await run("swtpm_setup", ["--tpm2", "--tpmstate", stateDir, "--create-ek-cert", "--config", at("setup.conf")], { env: { ...process.env, LC_ALL: "C" }, timeout: 60_000 });
    const machine = await TestMachine.boot({}, undefined, { ek: "rsa", swtpm: await startSwtpm({ stateDir }) });
    machine.ekCertificate = await readEkCertificate(machine.tpm.client, "rsa");
    const der = async (name: string): Promise<Uint8Array> => new Uint8Array(new X509Certificate(await readFile(at(name))).raw);
    const stop = async (): Promise<void> => {
      await machine.stop();
      await rm(dir, { recursive: true, force: true });
    };
    return { machine, root: await der("swtpm-localca-rootca-cert.pem"), intermediate: await der("issuercert.pem"), stop };
  } catch (cause) {
    await rm(dir, { recursive: true, force: true });
    throw cause;
  }
}
