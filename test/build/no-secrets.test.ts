import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import t from "tap";
import { findSecrets } from "./find-secrets.ts";

const root = new URL("../..", import.meta.url).pathname;

t.test("the search finds what it is for", async (t) => {
  const body = "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
  const word = (...parts: readonly string[]) => parts.join("");
  for (const kind of ["", "ENCRYPTED ", "RSA ", "EC ", "OPENSSH "]) t.same(findSecrets(Buffer.from(word("-----BEGIN ", kind, "PRIVATE KEY-----\n", body, "\n"))).length, 1, kind);
  t.same(findSecrets(Buffer.from(word("AGE-SECRET-", "KEY-1", "Q".repeat(58)))).length, 1);
  t.same(findSecrets(Buffer.from(word("PuTTY-User-", "Key-File-3: ssh-ed25519"))).length, 1);
  t.same(findSecrets(Buffer.from("-----BEGIN PRIVATE KEY-----\n and no key, as in a program's messages")), []);
  t.same(findSecrets(Buffer.from("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")), []);
});

t.test("no private key is in the sources", async (t) => {
  const files = globSync("{agent,bench,bin,builder,demo,docs,examples,hub,proto,rootfs-overlay,roles,scripts,systemd,test}/**/*", { cwd: root, withFileTypes: true }).filter((e) => e.isFile());
  t.ok(files.length > 500);
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    const found = findSecrets(readFileSync(path));
    if (found.length > 0) t.fail(`${path} holds ${found.join(", ")}`);
  }
});

t.test("nor was one ever", async (t) => {
  // An archive of the sources has no history to look at.
  if (!existsSync(join(root, ".git"))) return void t.pass("no history");
  const child = execa("git", ["-C", root, "log", "--all", "--patch", "--text", "--no-color", "--format=commit %H"], { buffer: false, encoding: "buffer" });
  let [rest, bytes] = [Buffer.alloc(0), 0];
  for await (const chunk of child.iterable({ from: "stdout", binary: true, preserveNewlines: true }) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    // A patch writes each line of a key with a sign before it.
    const text = Buffer.from(Buffer.concat([rest, chunk]).toString("latin1").replaceAll(/\n[-+ ]/g, "\n"), "latin1");
    const found = findSecrets(text);
    if (found.length > 0) t.fail(`the history holds ${found.join(", ")}`);
    rest = Buffer.from(text.subarray(-512));
  }
  await child;
  t.ok(bytes > 0);
});
