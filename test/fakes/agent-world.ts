import { createHash, generateKeyPairSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Files, HubConnector, Ports, Runner, TcpOutcome } from "../../agent/ports.ts";
import { AgentError } from "../../agent/error.ts";
import { PATHS } from "../../agent/paths.ts";
import type { AgentTpm } from "../../agent/tpm/agent-tpm.ts";
import { PHASE_WORDS } from "../../proto/evidence/limits.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { parseEventLog } from "../../proto/eventlog/event-log.ts";
import { replayEventLog } from "../../proto/eventlog/replay.ts";
import { ALG } from "../../proto/tpm/alg.ts";
import { ALL_PCRS } from "../../proto/tpm/pcr-selection.ts";
import { extend, ZERO_PCR } from "../../proto/tpm/pcr.ts";
import { AK_TEMPLATES, EK_TEMPLATES } from "../../proto/tpm/templates.ts";
import { marshalPublic } from "../../proto/tpm/public.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { firmwareLog } from "./evidence-case.ts";
import { FakeKernel } from "./fake-kernel.ts";

/** Where the power goes: before or after the n-th effect, counted from 0. */
export interface Cut {
  readonly n: number;
  readonly when: "before" | "after";
}

const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
const POINT = { x: new Uint8Array(Buffer.from(jwk.x ?? "", "base64url")), y: new Uint8Array(Buffer.from(jwk.y ?? "", "base64url")) };

/** `ms` of the test's own time, or until the signal. */
async function shortSleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms === 0) return await new Promise((resolve) => setImmediate(resolve));
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

/** A machine that outlives the agents that run on it: files, kernel, TPM. */
export class AgentWorld {
  readonly files = new Map<string, Uint8Array>();
  readonly modes = new Map<string, number>();
  readonly kernel = new FakeKernel();
  readonly lines: string[] = [];
  /** Words extended into PCR 11 by whoever, in order. */
  readonly extended: string[] = [];
  pcr11: Uint8Array;
  tcp: TcpOutcome = "open";
  /** Added to the boot clock: the machine was suspended for so long. */
  bootSkew = 0;
  /** What the kernel last said of its machine being set back. */
  fork = "";
  /** Effects of the last life. */
  effects = 0;
  #seed = 0;

  constructor(config: ImageConfig, bootId: string) {
    this.put(PATHS.imageConfig, utf8(JSON.stringify(config)));
    this.put(PATHS.bootId, utf8(`${bootId}\n`));
    this.put(PATHS.firmwareLog, firmwareLog);
    this.put(`${PATHS.links}/eth0`, new Uint8Array(0));
    this.pcr11 = replayEventLog(parseEventLog(firmwareLog), "sha256").get(11) ?? ZERO_PCR;
    for (const word of PHASE_WORDS.slice(0, 2)) this.pcr11 = extend(this.pcr11, sha256(utf8(word)));
  }

  put(path: string, data: Uint8Array): void {
    this.files.set(path, data);
  }

  text(path: string): string {
    return new TextDecoder().decode(this.files.get(path));
  }

  /** Ports of one life of the agent. After `cut` every effect fails and `stop` is aborted: that life is over. Without `speed` no time passes. */
  ports(stop: AbortController, options: { readonly cut?: Cut; readonly hub?: HubConnector; readonly speed?: number } = {}): Ports {
    this.effects = 0;
    let dead = false;
    const effect = async <T>(act: () => T | Promise<T>): Promise<T> => {
      const n = this.effects++;
      const cut = options.cut?.n === n ? options.cut.when : null;
      if (dead) throw new Error("the power is off");
      if (cut === null) return await act();
      dead = true;
      if (cut === "after") await act();
      stop.abort();
      throw new Error("the power is off");
    };
    const runner = this.kernel.runner();
    return {
      runner: { run: (argv, stdin) => (argv.includes("show") ? runner.run(argv, stdin) : effect(() => runner.run(argv, stdin))) } satisfies Runner,
      files: this.#files(effect, () => dead),
      clock: {
        now: () => new Date("2026-06-01T00:00:00Z"),
        uptime: () => 1,
        bootTime: () => Math.round(performance.now()) + this.bootSkew,
        sleep: (ms, signal) => shortSleep(options.speed === undefined ? 0 : ms / options.speed, signal),
      },
      // Deterministic: two runs of one world differ in nothing but the TLS key.
      entropy: { bytes: (n) => new Uint8Array(createHash("shake256", { outputLength: n }).update(String(this.#seed++)).digest()) },
      log: { line: (text) => void this.lines.push(text) },
      tcp: { connect: async () => this.tcp },
      hub: options.hub ?? { prepare: async () => undefined, dial: async () => Promise.reject(new AgentError("DISCONNECTED", "no hub in this test")) },
      forks: { latest: () => this.fork },
      openTpm: async () => this.#tpm(effect),
    };
  }

  #files(effect: <T>(act: () => T) => Promise<T>, dead: () => boolean): Files {
    return {
      read: async (path, max) => {
        const data = this.files.get(path) ?? null;
        if (data !== null && data.length > max) throw new AgentError("FILE_TOO_LARGE", path);
        return data;
      },
      write: async (path, data, { mode }) => {
        const act = (): void => {
          this.files.set(path, data);
          this.modes.set(path, mode);
        };
        if (path !== PATHS.status) await effect(act);
        else if (!dead()) act();
      },
      list: async (path) => [...this.files.keys()].filter((p) => p.startsWith(`${path}/`)).map((p) => p.slice(path.length + 1)),
      remove: async (path) => await effect(() => void this.files.delete(path)),
      exists: async (path) => this.files.has(path),
    };
  }

  /** Has the PCR and the public areas of a TPM; quotes are tested on a real one. */
  #tpm(effect: <T>(act: () => T) => Promise<T>): AgentTpm {
    const point = { type: "ecc", curve: "P-256", ...POINT } as const;
    const key = (handle: number, publicArea: Uint8Array) => ({ handle, publicArea, name: new Uint8Array(34) });
    return {
      createEk: async () => key(1, marshalPublic({ ...EK_TEMPLATES.ecc, ...point })),
      createAk: async () => key(2, marshalPublic({ ...AK_TEMPLATES.ecc, ...point })),
      quote: async () => ({ quote: Uint8Array.of(1), signature: Uint8Array.of(2) }),
      readPcrs: async () => new Map([[11, this.pcr11]]),
      getBanks: async () => [{ hash: ALG.SHA256, pcrs: ALL_PCRS }],
      pcrEvent: (index, data) =>
        effect(() => {
          if (index !== 11) throw new Error(`PCR ${index} isn't the agent's`);
          const digest = sha256(data);
          this.extended.push(new TextDecoder().decode(data));
          this.pcr11 = extend(this.pcr11, digest);
          return [{ hash: ALG.SHA256, digest }];
        }),
      activateCredential: async () => Uint8Array.of(3),
      getHandles: async () => [],
      readNv: async () => new Uint8Array(0),
    };
  }
}
