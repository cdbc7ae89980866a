import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMANDS } from "../../hub/cli/commands.ts";
import { runCli } from "../../hub/cli/run-cli.ts";
import type { CliPorts, Sink } from "../../hub/cli/ports.ts";
import { clusterState } from "../fakes/fake-cluster.ts";
import { FAKE_NOW, type FakeHub, type FakeState, startFakeHub } from "../fakes/fake-hub.ts";
import { makeIdentity, makePki, type TestPki, writeIdentity } from "../fakes/pki.ts";

/** What a command left behind. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Questions that were asked. */
  readonly asked: readonly string[];
}

/** What a test may change of the world. */
export interface World {
  readonly env?: Readonly<Record<string, string>>;
  /** Answers on the terminal; without it there is none. */
  readonly answers?: readonly (string | null)[];
  readonly columns?: number;
  readonly interrupted?: AbortSignal;
  /** Called instead of sleeping. */
  readonly onSleep?: () => void;
}

/** One command line in this process, against a world of the test's making. */
export async function run(argv: readonly string[], world: World = {}): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const asked: string[] = [];
  let slept = 0;
  const answers = [...(world.answers ?? [])];
  const sink = (to: string[]): Sink => ({ write: (text) => void to.push(text), columns: world.columns ?? null });
  const ports: CliPorts = {
    env: world.env ?? {},
    stdout: sink(out),
    stderr: sink(err),
    ask:
      world.answers === undefined
        ? undefined
        : async (question) => {
            asked.push(question);
            return answers.shift() ?? null;
          },
    now: () => FAKE_NOW + slept,
    sleep: async (ms) => {
      slept += ms;
      world.onSleep?.();
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
    readFile: async (path, max) => {
      const data = new Uint8Array(readFileSync(path));
      if (data.length > max) throw new RangeError(`has ${data.length} bytes, at most ${max} are read`);
      return { data, mode: statSync(path).mode & 0o777 };
    },
    interrupted: world.interrupted ?? new AbortController().signal,
  };
  const code = await runCli(argv, COMMANDS, ports);
  return { code, stdout: out.join(""), stderr: err.join(""), asked };
}

/** A fake hub with an operator's folder, and what reaches it from a command line. */
export interface Bench {
  readonly pki: TestPki;
  readonly hub: FakeHub;
  readonly dir: string;
  readonly identityDir: string;
  readonly env: Readonly<Record<string, string>>;
  run(argv: readonly string[], world?: World): Promise<Ran>;
  close(): Promise<void>;
}

/** Starts one; `close` it at the end. */
export async function startBench(state: FakeState = clusterState()): Promise<Bench> {
  const dir = mkdtempSync(join(tmpdir(), "kubedos-cli-"));
  const pki = await makePki("demo");
  const hub = await startFakeHub(pki, await makeIdentity(pki, "hub", "master-1"), state);
  const identityDir = writeIdentity(join(dir, "alice"), await makeIdentity(pki, "operator", "alice"), pki.root.certificate);
  const env = { KUBEDOS_HUB_ADDRESS: hub.address, KUBEDOS_HUB_IDENTITY: identityDir };
  return {
    pki,
    hub,
    dir,
    identityDir,
    env,
    run: (argv, world = {}) => run(argv, { env, ...world }),
    close: async () => {
      await hub.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
