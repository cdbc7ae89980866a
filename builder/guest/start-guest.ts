import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { toolchainArgv } from "../toolchain/toolchain-argv.ts";
import { Child } from "./child.ts";
import { GuestError } from "./guest-error.ts";
import { OVMF_CODE } from "./ovmf.ts";
import { QgaClient } from "./qga-client.ts";
import { QmpClient } from "./qmp-client.ts";
import { qemuArgv } from "./qemu-argv.ts";
import type { Accel, ForwardShape, LanShape } from "./qemu-argv.ts";
import { startSwtpm, untilExists } from "./swtpm.ts";
import type { Swtpm } from "./swtpm.ts";

const LISTEN_TIMEOUT_MS = 10_000;

/** A guest to start. Its folder keeps what survives a stop: the TPM's state, the variable store, the disk's overlay, the data volumes. */
export interface GuestRequest {
  /** Folder of this guest alone; a short path, for sockets are made in it. */
  readonly dir: string;
  readonly name: string;
  readonly uuid: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly accel: Accel;
  /** The release's disk; only read. */
  readonly disk: { readonly file: string; readonly format: "qcow2" | "raw" };
  /** Data volumes, MiB. Made blank on the first start; one that is there already stays as it is, whatever its size. */
  readonly volumes?: readonly { readonly name: string; readonly size: number }[];
  /** Variable store (builder/efi/secure-boot-store.ts); copied on the first start. */
  readonly vars: string;
  readonly lan?: LanShape;
  readonly forward?: ForwardShape;
  /** SMBIOS type 11 strings; the hint record is one. */
  readonly oemStrings?: readonly string[];
  /** OVMF's code in the toolchain tree; default: the one with Secure Boot. */
  readonly firmware?: string;
  /** Makes the serial port a socket that can be typed into. */
  readonly serialInput?: true;
  /** Further QEMU arguments, and what they read of the host. */
  readonly extraArgv?: readonly string[];
  readonly extraBinds?: readonly string[];
  readonly signal?: AbortSignal;
}

/** How a guest ended: QEMU's words for the cause ("guest-shutdown", "guest-reset", "host-qmp-quit"), or QEMU's own end. */
export interface GuestExit {
  readonly cause: string;
}

/** Files of a guest's folder. */
export interface GuestPaths {
  readonly tpmState: string;
  readonly tpmSocket: string;
  readonly qmpSocket: string;
  readonly qgaSocket: string;
  readonly serialLog: string;
  readonly serialSocket: string;
  readonly vars: string;
  readonly disk: string;
  readonly log: string;
}

/** Where things are in a guest's folder; the stamping step uses `tpmState` before the first start. */
export function guestPaths(dir: string): GuestPaths {
  const at = (name: string): string => join(dir, name);
  return {
    tpmState: at("tpm"),
    tpmSocket: at("tpm.sock"),
    qmpSocket: at("qmp.sock"),
    qgaSocket: at("qga.sock"),
    serialLog: at("serial.log"),
    serialSocket: at("serial.sock"),
    vars: at("vars.fd"),
    disk: at("disk.qcow2"),
    log: at("qemu.log"),
  };
}

/** A running guest. */
export class Guest {
  readonly name: string;
  readonly paths: GuestPaths;
  readonly qga: QgaClient;
  /** Settles when QEMU is gone. Never rejects. */
  readonly exited: Promise<GuestExit>;
  readonly #qemu: Child;
  readonly #swtpm: Swtpm;
  readonly #qmp: QmpClient;

  private constructor(name: string, paths: GuestPaths, qemu: Child, swtpm: Swtpm, qmp: QmpClient, cause: () => string | undefined) {
    this.name = name;
    this.paths = paths;
    this.qga = new QgaClient(paths.qgaSocket);
    this.#qemu = qemu;
    this.#swtpm = swtpm;
    this.#qmp = qmp;
    this.exited = qemu.exited.then((how) => ({ cause: cause() ?? how }));
  }

  /** See {@link startGuest}. */
  static async start(name: string, paths: GuestPaths, qemu: Child, swtpm: Swtpm): Promise<Guest> {
    let cause: string | undefined; // the first SHUTDOWN says why
    const qmp = await QmpClient.connect(paths.qmpSocket, (event, data) => {
      if (event === "SHUTDOWN") cause ??= String(data["reason"] ?? "shutdown");
    });
    return new Guest(name, paths, qemu, swtpm, qmp, () => cause);
  }

  get running(): boolean {
    return this.#qemu.running;
  }

  /** The reset button: firmware, TPM and all start again, the identity stays. */
  async reset(): Promise<void> {
    this.qga.close();
    await this.#qmp.execute("set-action", { reboot: "reset" });
    await this.#qmp.execute("system_reset");
    await this.#qmp.execute("set-action", { reboot: "shutdown" });
  }

  /** A break on the serial port, as a terminal sends it. */
  async sendBreak(): Promise<void> {
    await this.#qmp.execute("chardev-send-break", { id: "serial" });
  }

  /** Pulls the plug; what must survive stays in the folder. Returns when QEMU and swtpm are gone. */
  async stop(): Promise<void> {
    this.qga.close();
    if (this.#qemu.running) await this.#qmp.execute("quit").catch(() => undefined);
    await this.#qemu.stop(this.#qemu.running ? 3000 : 0);
    this.#qmp.close();
    await this.#swtpm.stop();
    for (const path of [this.paths.qmpSocket, this.paths.qgaSocket, this.paths.serialSocket]) await rm(path, { force: true });
  }
}

/** Starts swtpm, then QEMU on it. On any error, and on abort while starting, nothing is left running. Throws GuestError or ToolError. */
export async function startGuest(tc: Toolchain, request: GuestRequest): Promise<Guest> {
  const paths = guestPaths(request.dir);
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  await mkdir(request.dir, { recursive: true, mode: 0o700 });
  if (!existsSync(paths.vars)) await copyFile(request.vars, paths.vars);
  if (!existsSync(paths.disk)) await makeOverlay(tc, request, paths.disk);
  for (const { name, size } of request.volumes ?? []) await makeVolumeDisk(volumeFile(request.dir, name), size);
  for (const path of [paths.qmpSocket, paths.qgaSocket, paths.serialSocket]) await rm(path, { force: true });
  const swtpm = await startSwtpm(tc, { stateDir: paths.tpmState, mode: "qemu", socket: paths.tpmSocket, logFile: paths.log, ...signal });
  let qemu: Child | undefined;
  try {
    const { dir, disk: _disk, signal: _signal, firmware, serialInput, extraBinds, volumes = [], ...rest } = request;
    const { serialSocket, ...files } = paths;
    const serial = serialInput === true ? { serialSocket } : {};
    const argv = qemuArgv({ ...rest, ...files, ...serial, volumes: volumes.map(({ name }) => ({ name, file: volumeFile(dir, name) })), firmware: firmware ?? OVMF_CODE, oemStrings: request.oemStrings ?? [] });
    const wrapped = toolchainArgv(tc, argv, {
      binds: [request.dir],
      readBinds: [dirname(request.disk.file), ...(extraBinds ?? [])],
      network: true,
      devices: request.accel === "kvm" ? ["/dev/kvm"] : [],
    });
    const child = new Child(`QEMU of ${request.name}`, wrapped, paths.log);
    qemu = child;
    await untilExists(paths.qmpSocket, child, 20_000, request.signal);
    return await untilListens(child, () => Guest.start(request.name, paths, child, swtpm));
  } catch (cause) {
    await qemu?.stop(0);
    await swtpm.stop();
    throw cause;
  }
}

/** QEMU's socket is there a moment before anybody listens at it, on a busy host a long one. Throws GuestError. */
async function untilListens<T>(qemu: Child, connect: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + LISTEN_TIMEOUT_MS; ; await sleep(50)) {
    try {
      return await connect();
    } catch (cause) {
      if (!qemu.running) throw new GuestError("NOT_STARTED", `${qemu.name} ended at once (${await qemu.exited}); its log says why`, { cause });
      if (!(cause instanceof GuestError && cause.code === "CLOSED") || Date.now() > end) throw cause;
    }
  }
}

/** A volume's disk in a guest's folder. */
export function volumeFile(dir: string, name: string): string {
  return join(dir, `volume-${name}.img`);
}

/** Sparse, and never made anew: what the guest keeps on it is nowhere else. */
async function makeVolumeDisk(path: string, size: number): Promise<void> {
  if (existsSync(path)) return;
  // Under its name only with its size.
  await writeFile(`${path}.new`, "", { mode: 0o600 });
  await truncate(`${path}.new`, size * 2 ** 20);
  await rename(`${path}.new`, path);
}

async function makeOverlay(tc: Toolchain, request: GuestRequest, out: string): Promise<void> {
  const { file, format } = request.disk;
  if (!existsSync(file)) throw new GuestError("NOT_STARTED", `there is no disk at ${file}`);
  await runTool(tc, ["qemu-img", "create", "-q", "-f", "qcow2", "-F", format, "-b", file, out], {
    binds: [request.dir],
    readBinds: [dirname(file)],
  });
}
