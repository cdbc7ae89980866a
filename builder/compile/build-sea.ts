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
 */
export async function buildSea(entry: string, outFile: string, workDir: string): Promise<void> {
  await mkdir(workDir, { recursive: true });
  const bundle = join(workDir, "bundle.cjs");
  const config = join(workDir, "sea.json");
  const blob = join(workDir, "sea.blob");
  await build({ entryPoints: [entry], outfile: bundle, bundle: true, platform: "node", format: "cjs", target: "node24", logLevel: "error" });
  await writeFile(config, JSON.stringify({ main: bundle, output: blob, disableExperimentalSEAWarning: true, useCodeCache: true, execArgvExtension: "none" }));
  await execa(process.execPath, ["--experimental-sea-config", config], { stdio: ["ignore", "ignore", "pipe"] });
  await copyFile(process.execPath, outFile);
  await chmod(outFile, 0o755);
  await inject(outFile, "NODE_SEA_BLOB", await readFile(blob), { sentinelFuse: FUSE });
}
