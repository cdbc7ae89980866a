import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createBlocks } from "../../agent/host/blocks.ts";
import { systemClock } from "../../agent/host/clock.ts";
import { createFiles } from "../../agent/host/files.ts";
import { AgentError } from "../../agent/error.ts";
import { PATHS } from "../../agent/paths.ts";
import type { Argv, Runner } from "../../agent/ports.ts";
import type { VolumePorts } from "../../agent/volumes/ports.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { encodePcrSignatures } from "../../proto/release/pcr-signatures.ts";
import { VOLUME_PCRS, volumePolicyRef } from "../../proto/release/volume-policy.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { approvedMessage } from "../../proto/tpm/policy-key.ts";
import { policyPcrDigest } from "../../proto/tpm/policy.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { measureInitrd } from "../swtpm/measure-initrd.ts";
import { resetSwtpm } from "../swtpm/reset-swtpm.ts";
import { type OwnSwtpm, startSwtpm } from "../swtpm/start-swtpm.ts";
import { imageConfig, spkiOf } from "./agent-case.ts";
import { BOOT_ID, firmwareLog } from "./evidence-case.ts";
import { LUKS_METADATA } from "./luks-metadata.ts";

const MIB = 2 ** 20;
const JSON_AT = 4096;
const SECOND = 16 * 1024;

/** The power goes before the n-th effect (a command, or a write to a disk), counted from 0. */
export class PowerCut extends Error {}

/**
 * A machine with a real TPM, disks that are files, and a cryptsetup that keeps metadata of the real one's shape (recorded in luks-metadata.ts) and a
 * digest of the key, without encrypting anything; test/qemu/volumes.test.ts has the real one.
 */
export class VolumeMachine {
  readonly root: string = mkdtempSync(join(tmpdir(), "kubedos-volumes-"));
  readonly lines: string[] = [];
  /** Argument vectors that ran, and what each got on standard input. */
  readonly ran: { readonly argv: Argv; readonly stdin: string }[] = [];
  readonly config: ImageConfig;
  readonly policyKey: KeyObject;
  effects = 0;
  cutAt = Number.POSITIVE_INFINITY;
  /** Exit code of e2fsck. */
  fsck = 0;
  #swtpm: OwnSwtpm;

  private constructor(swtpm: OwnSwtpm, policyKey: KeyObject, config: ImageConfig) {
    this.#swtpm = swtpm;
    this.policyKey = policyKey;
    this.config = config;
  }

  static async make(): Promise<VolumeMachine> {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const config: ImageConfig = { ...imageConfig("root", true), policyKey: toBase64(spkiOf(publicKey)), volumes: [{ name: "hub", mount: "/var/lib/kubedos-hub" }] };
    const machine = new VolumeMachine(await startSwtpm(), privateKey, config);
    machine.put(PATHS.imageConfig, JSON.stringify(config));
    machine.put(PATHS.firmwareLog, firmwareLog);
    machine.put(PATHS.mounts, "");
    machine.plug("vda", "", 1);
    machine.plug("vdb", "kubedos-hub", 36);
    await machine.boot();
    await machine.approve();
    return machine;
  }

  path(path: string): string {
    return join(this.root, path);
  }

  put(path: string, data: Uint8Array | string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), data);
  }

  /** A blank disk. */
  plug(name: string, serial: string, mib: number): void {
    this.put(`${PATHS.blockDevices}/${name}/serial`, serial);
    this.put(`${PATHS.blockDevices}/${name}/size`, `${mib * 2048}\n`);
    this.put(`/dev/${name}`, "");
    truncateSync(this.path(`/dev/${name}`), mib * MIB);
  }

  unplug(name: string): void {
    rmSync(this.path(`${PATHS.blockDevices}/${name}`), { recursive: true });
  }

  /** Writes into a disk as anybody can who holds it. */
  async write(name: string, offset: number, data: Uint8Array): Promise<void> {
    const disk = await open(this.path(`/dev/${name}`), "r+");
    await disk.write(data, 0, data.length, offset);
    await disk.close();
  }

  read(name: string): Buffer {
    return readFileSync(this.path(`/dev/${name}`));
  }

  /** Power on: firmware, initrd, and the agent's words so far. What was mounted or opened is gone. */
  async boot(words: readonly string[] = ["kubedos-agent"], more: readonly (readonly [number, string])[] = []): Promise<void> {
    await resetSwtpm(this.#swtpm);
    const tpm = await this.tpm();
    await tpm.startup();
    await measureInitrd(tpm, firmwareLog);
    for (const [pcr, what] of [...words.map((word) => [11, word] as const), ...more]) await tpm.extendPcr(pcr, sha256(utf8(what)));
    for (const folder of [PATHS.mapper, "/run"]) rmSync(this.path(folder), { recursive: true, force: true });
    this.put(PATHS.mounts, "");
    this.put(PATHS.bootId, `${BOOT_ID}\n`);
    this.effects = 0;
    this.cutAt = Number.POSITIVE_INFINITY;
    this.ran.length = 0;
  }

  /** Another TPM in the machine, with its power on. */
  async exchangeTpm(): Promise<void> {
    await this.#swtpm.stop();
    this.#swtpm = await startSwtpm();
    await this.boot();
  }

  /** The approval for the PCRs as they are now, in the system disk's partition. */
  async approve(changes: { readonly role?: string; readonly key?: KeyObject } = {}): Promise<void> {
    const policy = policyPcrDigest(await (await this.tpm()).readPcrs(VOLUME_PCRS));
    const ref = volumePolicyRef(this.config.cluster, changes.role ?? this.config.role);
    const signature = new Uint8Array(sign("sha256", approvedMessage(policy, ref), changes.key ?? this.policyKey));
    this.put(`${PATHS.partitions}/vda4/uevent`, "MAJOR=254\nDEVTYPE=partition\nPARTN=4\nPARTNAME=kubedos-policy\n");
    const padded = new Uint8Array(16 * 1024);
    padded.set(encodePcrSignatures([{ pcrs: VOLUME_PCRS, keyDigest: new Uint8Array(32), policy, signature }]));
    this.put("/dev/vda4", padded);
  }

  async tpm(): Promise<TpmClient> {
    return new TpmClient(this.#swtpm.transport);
  }

  get ports(): VolumePorts {
    const blocks = createBlocks(this.root);
    return {
      files: createFiles(this.root),
      blocks: { read: blocks.read, write: (path, offset, data) => this.#effect(() => blocks.write(path, offset, data)) },
      runner: { run: (argv, stdin, accepted) => this.#effect(() => this.#run(argv, stdin ?? "", accepted ?? [0])) } satisfies Runner,
      clock: systemClock,
      entropy: { bytes: (n) => new Uint8Array(randomBytes(n)) },
      log: { line: (text) => void this.lines.push(text) },
      openTpm: () => this.tpm(),
    };
  }

  async stop(): Promise<void> {
    await this.#swtpm.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  async #effect<T>(act: () => Promise<T>): Promise<T> {
    if (this.effects++ >= this.cutAt) throw new PowerCut("the power is off");
    return await act();
  }

  async #run(argv: Argv, stdin: string, accepted: readonly number[]): Promise<string> {
    this.ran.push({ argv, stdin });
    const refuse = (code: number): never => {
      throw new AgentError("COMMAND_FAILED", `${argv.join(" ")}: exit code ${code}`);
    };
    const words = argv.filter((word) => !["env", "DM_DISABLE_UDEV=1", "--batch-mode"].includes(word));
    const after = (option: string): string => words[words.indexOf(option) + 1] ?? "";
    switch (`${words[0]} ${words[0] === "cryptsetup" ? words[1] : ""}`.trim()) {
      case "cryptsetup luksFormat":
        await this.write(this.#name(words.at(-1)), MIB, utf8("integrt\0"));
        await this.write(this.#name(words.at(-1)), 34 * MIB, utf8("not zero"));
        this.#writeHeader(after("--header"), { ...LUKS_METADATA, digests: { "0": { ...LUKS_METADATA.digests["0"], digest: digestOf(stdin) } }, tokens: {} });
        return "";
      case "cryptsetup token":
        this.#writeHeader(words.at(-1) ?? "", { ...this.#readHeader(words.at(-1) ?? ""), tokens: { "0": JSON.parse(stdin) } });
        return "";
      case "cryptsetup luksDump":
        return JSON.stringify(this.#readHeader(words.at(-1) ?? "") ?? refuse(1));
      case "cryptsetup open": {
        const header = this.#readHeader(after("--header")) as { digests?: { "0"?: { digest?: string } } } | null;
        if (header?.digests?.["0"]?.digest !== digestOf(stdin)) refuse(2);
        this.put(`${PATHS.mapper}/${words.at(-1)}`, "");
        return "";
      }
      case "cryptsetup close":
        rmSync(this.path(`${PATHS.mapper}/${words.at(-1)}`));
        return "";
      case "e2fsck":
        return accepted.includes(this.fsck) ? "" : refuse(this.fsck);
      case "mount":
        this.put(PATHS.mounts, `/dev/mapper/x ${words.at(-1)} ext4 rw 0 0\n`);
        return "";
      default:
        return ["mke2fs", "mkdir"].includes(words[0] ?? "") ? "" : refuse(127);
    }
  }

  #name(path: string | undefined): string {
    return (path ?? "").replace("/dev/", "");
  }

  #writeHeader(path: string, metadata: object): void {
    const header = new Uint8Array(MIB);
    header.set(utf8("LUKS\xba\xbe").subarray(0, 4));
    header.set([0xba, 0xbe], 4);
    header.set(utf8("SKUL"), SECOND);
    header.set([0xba, 0xbe], SECOND + 4);
    const json = utf8(JSON.stringify(metadata));
    header.set(json, JSON_AT);
    header.set(json, SECOND + JSON_AT);
    this.put(path, header);
  }

  /** Whichever copy is whole, as cryptsetup does. */
  #readHeader(path: string): object | null {
    if (!existsSync(this.path(path))) return null;
    const header = readFileSync(this.path(path));
    for (const [at, magic] of [[0, "LUKS"], [SECOND, "SKUL"]] as const) {
      if (header.toString("latin1", at, at + 4) !== magic) continue;
      try {
        return JSON.parse(header.toString("utf8", at + JSON_AT, header.indexOf(0, at + JSON_AT))) as object;
      } catch {
        continue;
      }
    }
    return null;
  }
}

function digestOf(key: string): string {
  return createHash("sha256").update(key).digest("base64");
}
