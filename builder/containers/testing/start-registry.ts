import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { hash } from "node:crypto";
import type { Toolchain } from "../../toolchain/ensure-toolchain.ts";
import { toolchainArgv } from "../../toolchain/toolchain-argv.ts";

/** A real registry of the toolchain, on the loopback. */
export interface TestRegistry {
  /** "127.0.0.1:PORT". */
  readonly host: string;
  readonly stop: () => Promise<void>;
}

/** Starts one with its files in `dir`. `realm`: readers must bring a token, any one, from there. */
export async function startRegistry(tc: Toolchain, dir: string, realm?: string): Promise<TestRegistry> {
  mkdirSync(join(dir, "data"), { recursive: true });
  const auth = realm === undefined ? {} : { auth: { silly: { realm, service: "registry of a test" } } };
  const config = { version: "0.1", storage: { filesystem: { rootdirectory: join(dir, "data") } }, http: { addr: "127.0.0.1:0" }, log: { accesslog: { disabled: true } }, ...auth };
  writeFileSync(join(dir, "config.yml"), JSON.stringify(config));
  const [program, ...args] = toolchainArgv(tc, ["docker-registry", "serve", join(dir, "config.yml")], { binds: [dir], network: true });
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const host = await new Promise<string>((resolve, reject) => {
    const said: string[] = [];
    createInterface(child.stderr).on("line", (line) => {
      said.push(line);
      const found = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`the registry ended: ${said.slice(-5).join("\n")}`)));
  });
  return {
    host,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Puts a blob into a repository; gives its descriptor's digest and size. */
export async function pushBlob(host: string, repository: string, data: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly digest: string; readonly size: number }> {
  const digest = `sha256:${hash("sha256", data, "hex")}`;
  const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: "POST", headers });
  const location = new URL(begun.headers.get("location") ?? "", `http://${host}`);
  location.searchParams.set("digest", digest);
  const put = await fetch(location, { method: "PUT", body: Uint8Array.from(data), headers: { ...headers, "content-type": "application/octet-stream" } });
  if (put.status !== 201) throw new Error(`the registry didn't take a blob: ${put.status} ${await put.text()}`);
  return { digest, size: data.length };
}

/** Puts a manifest or index under a tag; gives its digest and size. */
export async function pushManifest(host: string, repository: string, tag: string, manifest: { readonly mediaType: string }, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly digest: string; readonly size: number }> {
  const body = JSON.stringify(manifest);
  const put = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, { method: "PUT", body, headers: { ...headers, "content-type": manifest.mediaType } });
  if (put.status !== 201) throw new Error(`the registry didn't take a manifest: ${put.status} ${await put.text()}`);
  return { digest: `sha256:${hash("sha256", body, "hex")}`, size: Buffer.byteLength(body) };
}
