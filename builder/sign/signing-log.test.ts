import { generateKeyPairSync } from "node:crypto";
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { memoryKey } from "../keys/private-key.ts";
import { appendLog, beginLog, LOG_FILES, type LoggedRequest, readLog } from "./signing-log.ts";

const root = mkdtempSync(join(tmpdir(), "kubedos-log-"));
t.teardown(() => rmSync(root, { recursive: true }));
const key = memoryKey(generateKeyPairSync("ed25519").privateKey);
const foreign = memoryKey(generateKeyPairSync("ed25519").privateKey);
const trusted = [key.publicKey];
const request: LoggedRequest = { at: "2026-06-01T00:00:00.000Z", uid: 1000, purpose: "uki", role: "worker", release: "0123456789abcdef", digest: "ab".repeat(32), refused: null };

async function logOf(entries: number): Promise<string> {
  const dir = mkdtempSync(join(root, "keys-"));
  await beginLog(dir, key);
  for (let i = 0; i < entries; i++) await appendLog(dir, request, key, trusted);
  return dir;
}

t.test("each entry follows the one before it", async (t) => {
  const dir = await logOf(0);
  t.same((await readLog(dir, trusted)).entries, []);
  const many = await Promise.all([1, 2, 3, 4].map(() => appendLog(dir, request, key, trusted)));
  t.same(many.map((e) => e.seq).sort(), [1, 2, 3, 4], "several at once");
  t.equal((await readLog(dir, trusted)).entries.length, 4);
});

t.test("a log that was changed, shortened or set back is refused", async (t) => {
  const spoiled: readonly [string, (file: string, head: string) => void][] = [
    ["an entry changed", (file) => writeFileSync(file, readFileSync(file, "utf8").replace(/"role":"worker"/, '"role":"master"'))],
    ["the last entry changed", (file) => writeFileSync(file, lines(file).map((l, i) => (i === 2 ? l.replace("worker", "master") : l)).join("\n"))],
    ["an entry taken out", (file) => writeFileSync(file, lines(file).filter((_, i) => i !== 1).join("\n"))],
    ["two entries exchanged", (file) => writeFileSync(file, [lines(file)[1], lines(file)[0], lines(file)[2], ""].join("\n"))],
    ["the last entry cut off", (file) => writeFileSync(file, `${lines(file).slice(0, 2).join("\n")}\n`)],
    ["emptied", (file) => truncateSync(file, 0)],
    ["deleted", (file) => rmSync(file)],
    ["half an entry less", (file) => truncateSync(file, readFileSync(file).length - 20)],
    ["its head deleted", (_, head) => rmSync(head)],
    ["its head another's", (_, head) => writeFileSync(head, "{}")],
    ["a field more", (file) => appendFileSync(file, `${JSON.stringify({ ...request, seq: 4, extra: 1 })}\n`)],
  ];
  for (const [name, spoil] of spoiled) {
    const dir = await logOf(3);
    t.equal((await readLog(dir, trusted)).entries.length, 3);
    spoil(join(dir, LOG_FILES.entries), join(dir, LOG_FILES.head));
    await t.rejects(readLog(dir, trusted), { code: "LOG_BROKEN" }, name);
    await t.rejects(appendLog(dir, request, key, trusted), { code: "LOG_BROKEN" }, `${name}: nothing is added`);
  }
  const dir = await logOf(1);
  await appendLog(dir, request, foreign, trusted);
  await t.rejects(readLog(dir, trusted), { code: "LOG_BROKEN" }, "a head by another key");
});

t.test("a power cut loses nothing that was signed, and the log goes on", async (t) => {
  const dir = await logOf(2);
  const [file, head] = [join(dir, LOG_FILES.entries), join(dir, LOG_FILES.head)];
  copyFileSync(head, join(dir, "head.before"));
  await appendLog(dir, request, key, trusted);
  copyFileSync(join(dir, "head.before"), head);
  t.equal((await readLog(dir, trusted)).entries.length, 3, "between the entry and the head");
  await appendLog(dir, request, key, trusted);
  appendFileSync(file, '{"at":"2026');
  t.equal((await readLog(dir, trusted)).entries.length, 4, "in the middle of an entry");
  await appendLog(dir, request, key, trusted);
  t.equal((await readLog(dir, trusted)).entries.length, 5);
  t.equal(lines(file).length, 6);
});

function lines(file: string): readonly string[] {
  return readFileSync(file, "utf8").split("\n");
}
