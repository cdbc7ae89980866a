import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultCacheDir } from "../builder/toolchain/ensure-toolchain.ts";
import { projectDir } from "../builder/release/source-digest.ts";
import { type Figure, round } from "./figure.ts";
import { builtRelease, Foundry } from "./foundry.ts";
import { GOALS } from "./goals.ts";
import { watchMemory } from "./peak-memory.ts";

const { mkosi, talosDiskMb } = GOALS.build;

/** What is built; in each, the role is {@link OWN_ROLE} where it says `worker`. */
const CASES = [
  { name: "demo", spec: "examples/demo.yaml" },
  { name: "16-node", spec: "examples/16-node.yaml" },
] as const;

/** A copy of our `worker` beside a copy of the spec, under a name of its own: a role that a benchmark can change as a user would. */
const OWN_ROLE = "own-worker";

/** A release of each example: from nothing but packages, from a warm cache, and with one role changed; what it took and what came out. */
export async function benchBuild(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const one of CASES) figures.push(...(await benchCase(one)));
  return figures;
}

async function benchCase({ name, spec }: (typeof CASES)[number]): Promise<readonly Figure[]> {
  const beside = mkdtempSync(join(tmpdir(), "kubedos-bench-"));
  const own = withOwnRole(join(projectDir, spec), beside);
  const foundry = new Foundry((line) => void process.stderr.write(`${line}\n`), own.spec);
  try {
    await foundry.prepare();
    const cache = join(foundry.dir, "cache");
    mkdirSync(cache);
    execFileSync("cp", ["-al", join(defaultCacheDir, "debs"), cache]);
    const cold = await build(foundry, cache, "out");
    forgetImages(cache);
    const warm = await build(foundry, cache, "warm");
    const kept = await build(foundry, cache, "warm");
    changeRole(own.role);
    const oneRole = await build(foundry, cache, "out");
    const roles = readdirSync(cold.dir, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== "keys").map((entry) => entry.name);
    const disks = roles.map((role) => statSync(join(cold.dir, role, "disk.qcow2")).size / 1e6);
    const workerDisk = statSync(join(cold.dir, OWN_ROLE, "disk.qcow2")).size / 1e6;
    const quoted = { kind: "quoted", unit: "s" } as const;
    const measured = { kind: "measured", unit: "MB", goal: null } as const;
    return [
      { name: `build ${name}: ${roles.length} roles, packages alone in the cache`, figure: round(cold.seconds), goal: null, reference: mkosi.coldSeconds, referenceName: "mkosi, one image", ...quoted },
      { name: `build ${name}: all images from a warm cache`, figure: round(warm.seconds), goal: GOALS.build.warmSeconds, reference: mkosi.warmSeconds, referenceName: "mkosi, one image", ...quoted },
      { name: `build ${name}: one changed role`, figure: round(oneRole.seconds), goal: GOALS.build.oneRoleSeconds, reference: mkosi.warmSeconds, referenceName: "mkosi, one image", ...quoted },
      { name: `build ${name}: nothing changed, files compared`, figure: round(kept.seconds), goal: null, reference: round(warm.seconds), referenceName: "all images made", kind: "measured", unit: "s" },
      { name: `build ${name}: disk of a worker`, figure: round(workerDisk), goal: GOALS.build.workerMb, reference: talosDiskMb, referenceName: "Talos, smallest disk", kind: "quoted", unit: "MB" },
      { name: `build ${name}: memory at its peak, cold`, figure: round(cold.peakMb), reference: round(warm.peakMb), referenceName: "the same, warm", ...measured },
      { name: `build ${name}: space of a release`, figure: round(used(cold.dir)), reference: round(disks.reduce((sum, mb) => sum + mb, 0)), referenceName: "its disks", ...measured },
      { name: `build ${name}: space of the cache, packages left out`, figure: round(used(cache, "debs")), reference: round(used(cold.dir)), referenceName: "a release", ...measured },
    ];
  } finally {
    foundry.remove();
    rmSync(beside, { recursive: true });
  }
}

/** Copies a spec into `dir`, with the role beside it in place of `worker`. */
function withOwnRole(from: string, dir: string): { readonly spec: string; readonly role: string } {
  const shipped = join(projectDir, "roles/worker");
  const [spec, role] = [join(dir, "spec.yaml"), join(dir, "roles", OWN_ROLE)];
  cpSync(shipped, role, { recursive: true });
  writeFileSync(join(role, "role.yaml"), readFileSync(join(shipped, "role.yaml"), "utf8").replace("name: worker", `name: ${OWN_ROLE}`));
  writeFileSync(spec, readFileSync(from, "utf8").replace(/^( {2}roles: \[.*\b)worker\b/m, `$1${OWN_ROLE}`).replaceAll("role: worker,", `role: ${OWN_ROLE},`));
  return { spec, role };
}

/** One file more in its image. */
function changeRole(role: string): void {
  mkdirSync(join(role, "overlay/etc/kubedos"), { recursive: true });
  writeFileSync(join(role, "overlay/etc/kubedos/changed"), "by the benchmark\n");
}

/** MB that a folder takes on the disk. */
function used(dir: string, without = "none"): number {
  return Number(execFileSync("du", ["--summarize", "--block-size=1", `--exclude=${without}`, dir], { encoding: "utf8" }).split("\t")[0]) / 1e6;
}

interface Built {
  readonly dir: string;
  readonly seconds: number;
  readonly peakMb: number;
}

async function build(foundry: Foundry, cache: string, out: string): Promise<Built> {
  const started = performance.now();
  let peak = (): number => 0;
  const ended = await foundry.succeed(foundry.buildArgv(join(foundry.dir, out), { cache }), { started: (child) => (peak = watchMemory(child.pid ?? 0)) });
  const seconds = (performance.now() - started) / 1000;
  return { dir: builtRelease(ended).dir, seconds, peakMb: peak() };
}

/** As if the inputs of all images were new: the next build makes them, what is said of them and their disks again. */
function forgetImages(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => /^(image|bill|disk)-/.test(entry))) rmSync(join(cache, name), { recursive: true });
}
