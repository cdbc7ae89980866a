import { spawn } from "node:child_process";
import { createHash, hash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { fetchFile } from "../fetch/fetch-file.ts";
import { encodeLock } from "../lock/lock.ts";
import { SmallArchive } from "../lock/testing/small-archive.ts";
import { hashFile } from "./hash-file.ts";
import { makeDarksite } from "./make-darksite.ts";
import { smallLock } from "./testing/small-lock.ts";
import { verifyDarksite } from "./verify-darksite.ts";

t.setTimeout(120_000);
const root = mkdtempSync(join(tmpdir(), "kubedos-kill-"));
t.teardown(() => rmSync(root, { recursive: true }));

t.test("killed at any moment, nothing half-written is taken for whole, and the next run goes on", async (t) => {
  const archive = await new SmallArchive().start();
  t.teardown(() => archive.remove());
  const data = Buffer.alloc(8_000_000, "a file that takes its time\n");
  const [server, url] = await slowServer(data);
  t.teardown(() => (server.closeAllConnections(), void server.close()));
  const lock = await smallLock(archive, { files: [{ name: "big", version: "1", url, size: data.length, sha256: hash("sha256", data, "hex") }] });
  const [lockFile, dir, cacheDir] = [join(root, "lock.json"), join(root, "site"), join(root, "cache")];
  writeFileSync(lockFile, encodeLock(lock));
  const program = new URL("testing/make-program.ts", import.meta.url).pathname;
  for (const delay of [250, 400, 550, 700, 1000]) {
    const child = spawn(process.execPath, [program, lockFile, dir, cacheDir], { stdio: "ignore" });
    const ended = once(child, "exit");
    await Promise.race([sleep(delay), ended]);
    child.kill("SIGKILL");
    await ended;
    if (existsSync(join(dir, "files.json"))) await t.resolves(verifyDarksite({ dir, report: () => undefined }), `after ${delay} ms it was whole`);
  }
  await makeDarksite({ lock, dir, cacheDir, now: new Date(), report: () => undefined });
  await t.resolves(verifyDarksite({ dir, report: () => undefined }));
});

t.test("a large file never stands in memory", async (t) => {
  const size = 200_000_000;
  const chunk = Buffer.alloc(1_000_000);
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-length": size });
    let left = size / chunk.length;
    const more = (): void => {
      while (left > 0) {
        left -= 1;
        if (!response.write(chunk)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => (server.closeAllConnections(), void server.close()));
  const zeros = hashZeros(chunk, size / chunk.length);
  const before = process.resourceUsage().maxRSS;
  const path = join(root, "large");
  await fetchFile({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/large`, what: "file large", size, sha256: zeros, path, partial: join(root, "partial") });
  t.equal(await hashFile(path), zeros);
  const grown = (process.resourceUsage().maxRSS - before) / 1000;
  t.ok(grown < 130, `200 MB were fetched and hashed in ${grown.toFixed(0)} MB`);
});

function hashZeros(chunk: Buffer, times: number): string {
  const all = createHash("sha256");
  for (let i = 0; i < times; i += 1) all.update(chunk);
  return all.digest("hex");
}

/** 100 kB each 10 ms, with ranges. */
async function slowServer(data: Buffer): Promise<readonly [Server, string]> {
  const server = createServer((request, response) => {
    let at = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(at === 0 ? 200 : 206, { "content-length": data.length - at, ...(at === 0 ? {} : { "content-range": `bytes ${at}-${data.length - 1}/${data.length}` }) });
    const more = (): void => {
      if (at >= data.length) return void response.end();
      response.write(data.subarray(at, (at += 100_000)));
      setTimeout(more, 10);
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return [server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/big.bin`];
}
