import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { defaultCacheDir } from "../builder/toolchain/ensure-toolchain.ts";
import { projectDir } from "../builder/release/source-digest.ts";
import { type Figure, round } from "./figure.ts";
import { builtRelease, Foundry } from "./foundry.ts";
import { GOALS } from "./goals.ts";
import { watchMemory } from "./peak-memory.ts";

const { mkosi, talosDiskMb } = GOALS.build;

/** What is built, and which of its roles is changed between two builds. */
const CASES = [
  { name: "demo", spec: "examples/demo.yaml", changed: "worker" },
  { name: "16-node", spec: "examples/16-node.yaml", changed: "worker" },
] as const;

/** A release of each example: from nothing but packages, from a warm cache, and with one role changed; what it took and what came out. */
export async function benchBuild(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const one of CASES) figures.push(...(await benchCase(one)));
  return figures;
}

async function benchCase({ name, spec, changed }: (typeof CASES)[number]): Promise<readonly Figure[]> {
  const foundry = new Foundry((line) => void process.stderr.write(`${line}\n`), join(projectDir, spec));
  try {
    await foundry.prepare();
    const cache = join(foundry.dir, "cache");
    mkdirSync(cache);
    execFileSync("cp", ["-al", join(defaultCacheDir, "debs"), cache]);
    const cold = await build(foundry, cache, "cold");
    forgetImages(cache);
    const warm = await build(foundry, cache, "warm");
    const kept = await build(foundry, cache, "warm");
    forgetImages(cache, rootHashOf(cold.dir, changed));
    const oneRole = await build(foundry, cache, "one role");
    const images = readdirSync(cold.dir, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== "keys");
    const disk = (role: string): number => statSync(join(cold.dir, role, "disk.qcow2")).size / 1e6;
    const quoted = { kind: "quoted", unit: "s" } as const;
    return [
      { name: `build ${name}: ${images.length} roles, packages alone in the cache`, figure: round(cold.seconds), goal: null, reference: mkosi.coldSeconds, referenceName: "mkosi, one image", ...quoted },
      { name: `build ${name}: all images from a warm cache`, figure: round(warm.seconds), goal: GOALS.build.warmSeconds, reference: mkosi.warmSeconds, referenceName: "mkosi, one image", ...quoted },
      { name: `build ${name}: one changed role`, figure: round(oneRole.seconds), goal: GOALS.build.oneRoleSeconds, reference: mkosi.warmSeconds, referenceName: "mkosi, one image", ...quoted },
      { name: `build ${name}: nothing changed, files compared`, figure: round(kept.seconds), goal: null, reference: round(warm.seconds), referenceName: "all images made", kind: "measured", unit: "s" },
      { name: `build ${name}: disk of a worker`, figure: round(disk("worker")), goal: GOALS.build.workerMb, reference: talosDiskMb, referenceName: "Talos, smallest disk", kind: "quoted", unit: "MB" },
      { name: `build ${name}: memory at its peak, cold`, figure: round(cold.peakMb), goal: null, reference: round(warm.peakMb), referenceName: "the same, warm", kind: "measured", unit: "MB" },
    ];
  } finally {
    foundry.remove();
  }
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

/** As if the inputs of these images, or of the one with this root hash, were new: the next build makes them again. */
function forgetImages(cache: string, rootHash?: string): void {
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith("image-"))) {
    const facts = readFileSync(join(cache, name, "facts.json"), "utf8");
    if (rootHash === undefined || facts.includes(rootHash)) rmSync(join(cache, name), { recursive: true });
  }
}

/** What the release says of a role's image; only the figure hangs on it, so its signature isn't looked at. */
function rootHashOf(dir: string, role: string): string {
  const envelope = JSON.parse(readFileSync(join(dir, "release.json"), "utf8")) as { readonly payload: string };
  const { images } = JSON.parse(Buffer.from(envelope.payload, "base64").toString()) as { readonly images: readonly { readonly role: string; readonly rootHash: string }[] };
  const found = images.find((image) => image.role === role);
  if (found === undefined) throw new Error(`the release has no role ${role}`);
  return found.rootHash;
}
