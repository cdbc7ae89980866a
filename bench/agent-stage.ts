// Runs in the toolchain tree with a network of its own: starts agents one after the other against one swtpm and prints the samples as JSON.
import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tpmSocket } from "../builder/guest/tpm-socket.ts";
import { parseEventLog } from "../proto/eventlog/event-log.ts";
import { isExtended } from "../proto/eventlog/replay.ts";
import { PHASE_WORDS } from "../proto/evidence/limits.ts";
import { HINT_PREFIX } from "../proto/hint/hint.ts";
import type { ImageConfig } from "../proto/release/image-config.ts";
import { TpmClient } from "../proto/tpm/client.ts";
import { toBase64 } from "../proto/wire/base64.ts";
import { utf8 } from "../proto/wire/bytes.ts";
import { ByteWriter } from "../proto/wire/writer.ts";
import { type AgentHub, startAgentHub } from "./agent-hub.ts";
import { eventLogOf } from "./event-log-case.ts";

/** What the stage is told, as JSON in its one argument. */
export interface AgentStage {
  /** The compiled agent, and the environment that its unit sets. */
  readonly agent: string;
  readonly env: Readonly<Record<string, string>>;
  /** A folder of the stage's own. */
  readonly dir: string;
  readonly runs: number;
}

/** Milliseconds of each run. */
export interface AgentSamples {
  /** Process start → evidence received by the hub. */
  readonly agent: readonly number[];
  /** Process start → its end, of a command that does nothing. */
  readonly bare: readonly number[];
  /** tpm2_createek, tpm2_createak and tpm2_quote. */
  readonly tools: readonly number[];
}

const CLUSTER = "bench";
const LOG_BYTES = 34 * 1024;

async function main(stage: AgentStage): Promise<AgentSamples> {
  const { dir, runs } = stage;
  // As the agent's unit has it; whatever else this host does is no part of the figure.
  setPriority(-10);
  execFileSync("ip", ["link", "add", "eth0", "type", "veth", "peer", "name", "peer0"]);
  const tpm = await startTpm(dir);
  const hub = await startAgentHub(CLUSTER);
  const samples = { agent: [] as number[], bare: [] as number[], tools: [] as number[] };
  try {
    // The first of each only fills the caches.
    for (let run = 0; run <= runs; run++) {
      const root = join(dir, `root-${run}`);
      makeMachine(root, hub);
      const one = { agent: await startAgent(stage, root, tpm.socket, hub), bare: startBare(stage), tools: runTools(tpm.socket, dir) };
      if (run > 0) for (const key of ["agent", "bare", "tools"] as const) samples[key].push(one[key]);
      rmSync(root, { recursive: true });
    }
    return samples;
  } finally {
    hub.stop();
    tpm.stop();
  }
}

/** A TPM as firmware and initrd leave it. */
async function startTpm(dir: string): Promise<{ readonly socket: string; stop(): void }> {
  const state = join(dir, "tpm");
  const socket = join(dir, "tpm.sock");
  mkdirSync(state);
  const argv = ["socket", "--tpm2", "--tpmstate", `dir=${state}`, "--server", `type=unixio,path=${socket}`, "--ctrl", `type=unixio,path=${socket}.ctrl`, "--flags", "not-need-init,startup-clear"];
  const child = spawn("swtpm", argv, { stdio: "ignore" });
  while (!existsSync(socket)) await sleep(10);
  const client = new TpmClient(tpmSocket(socket));
  const log = parseEventLog(firmwareLog);
  for (const event of log.events.filter(isExtended)) {
    await client.extendBanks(event.pcr, log.banks.map(({ id, size }, at) => ({ hash: id, digest: event.digests[at] ?? new Uint8Array(size) })));
  }
  for (const word of PHASE_WORDS.slice(0, 2)) await client.pcrEvent(11, utf8(word));
  return { socket, stop: () => void child.kill() };
}

const firmwareLog = eventLogOf(LOG_BYTES);
const releaseKey = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "der" });

/** The machine's files; its programs are those of the tree. The agent measures itself once a boot, so the first run alone extends PCR 11. */
function makeMachine(root: string, hub: AgentHub): void {
  const plane = (n: 1 | 2 | 3): ImageConfig["planes"][number] => ({ name: `wg${n}`, cidr: `10.${77 + n}.0.0/24`, port: 51820 + n, topology: "hub-and-spoke" });
  const config: ImageConfig = {
    ...{ kind: "kubedos/image", version: 1, cluster: CLUSTER, role: "worker", hub: false, ports: [], epoch: 0 },
    ...{ planes: [plane(1), plane(2), plane(3)], releaseKeys: [toBase64(new Uint8Array(releaseKey))], rootCa: hub.rootCa },
    trust: { leaseMs: 900_000, renewMs: 300_000 },
  };
  const hint = { v: 1, slot: "w-1", hub: { host: "127.0.0.1", port: hub.port }, lan: [{ interface: "eth0", address: "192.168.100.5/24" }] };
  const put = (path: string, data: Uint8Array | string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), data);
  };
  put("etc/kubedos/image.json", JSON.stringify(config));
  put("proc/sys/kernel/random/boot_id", "a4852c21-6df1-4148-ba93-00485be83aaf\n");
  put("sys/kernel/security/tpm0/binary_bios_measurements", firmwareLog);
  put("sys/firmware/dmi/tables/DMI", smbiosTable(`${HINT_PREFIX}${JSON.stringify(hint)}`));
  put("sys/class/net/eth0", "");
  symlinkSync("/usr", join(root, "usr"));
}

/** One type 11 string and the end of the table (DMTF DSP0134 §7.12). */
function smbiosTable(text: string): Uint8Array {
  const strings = new ByteWriter().u8(11).u8(5).u16le(0).u8(1).bytes(utf8(`${text}\0\0`));
  return strings.u8(127).u8(4).u16le(1).u16le(0).done();
}

async function startAgent({ agent, env }: AgentStage, root: string, tpm: string, hub: AgentHub): Promise<number> {
  const start = performance.now();
  const child = spawn(agent, ["run", "--root", root, "--tpm", `unix:${tpm}`], { env, stdio: ["ignore", process.env["BENCH_LOG"] === undefined ? "ignore" : 2, "inherit"] });
  const died = once(child, "exit").then(([code]) => Promise.reject(new Error(`the agent ended with ${String(code)}`)));
  const at = await Promise.race([hub.evidence(), died]);
  died.catch(() => undefined);
  child.kill("SIGKILL");
  await once(child, "exit");
  return at - start;
}

function startBare({ agent, env }: AgentStage): number {
  const start = performance.now();
  execFileSync(agent, ["version"], { env, stdio: "ignore" });
  return performance.now() - start;
}

function runTools(tpm: string, dir: string): number {
  const env = { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${tpm}` };
  const file = (name: string): string => join(dir, name);
  let took = 0;
  const tool = (name: string, ...args: readonly string[]): void => {
    // Who goes leaves his objects in a TPM without a resource manager; that isn't the tools' time.
    for (const range of ["-t", "-l", "-s"]) execFileSync("tpm2_flushcontext", [range], { env, stdio: "ignore" });
    const start = performance.now();
    execFileSync(name, args, { env, stdio: ["ignore", "ignore", "inherit"] });
    took += performance.now() - start;
  };
  tool("tpm2_createek", "-G", "ecc", "-c", file("ek.ctx"), "-u", file("ek.pub"));
  tool("tpm2_createak", "-C", file("ek.ctx"), "-c", file("ak.ctx"), "-G", "ecc", "-g", "sha256", "-s", "ecdsa");
  tool("tpm2_quote", "-c", file("ak.ctx"), "-l", "sha256:0,1,2,3,4,5,6,7,9,11,12,13,14", "-q", "00".repeat(32), "-m", file("quote"), "-s", file("signature"));
  return took;
}

process.stdout.write(JSON.stringify(await main(JSON.parse(process.argv[2] ?? "") as AgentStage)));
