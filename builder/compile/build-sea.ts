import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import { inject } from "postject";

/** The fuse that Node's binary carries for this purpose (Node.js documentation, "Single executable applications"). */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/**
 * The same source as one executable of Node instead of bun: for processors without SSE4.2, and so that no runtime is a
 * single point of failure. `execArgvExtension: none` because NODE_OPTIONS would otherwise run foreign code in it.
 *
 * @param workers code of threads, by the name under which the program finds it (`getAsset` of node:sea)
 */
export async function buildSea(entry: string, outFile: string, workDir: string, workers: Readonly<Record<string, string>> = {}): Promise<void> {
  await mkdir(workDir, { recursive: true });
  const bundle = join(workDir, "bundle.cjs");
  const config = join(workDir, "sea.json");
  const blob = join(workDir, "sea.blob");
  await bundleTo(entry, bundle);
  const assets: Record<string, string> = {};
  for (const [name, code] of Object.entries(workers)) await bundleTo(code, (assets[name] = join(workDir, `${name}.cjs`)));
  await writeFile(config, JSON.stringify({ main: bundle, output: blob, assets, disableExperimentalSEAWarning: true, useCodeCache: true, execArgvExtension: "none" }));
  await execa(process.execPath, ["--experimental-sea-config", config], { stdio: ["ignore", "ignore", "pipe"] });
  await copyFile(process.execPath, outFile);
  await chmod(outFile, 0o755);
  await inject(outFile, "NODE_SEA_BLOB", await readFile(blob), { sentinelFuse: FUSE });
}

async function bundleTo(entry: string, outfile: string): Promise<void> {
  await build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "cjs", target: "node24", logLevel: "error" });
}
