import { createServer, type Server, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { openTpm } from "./open-tpm.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-tpm-"));
t.teardown(() => rmSync(dir, { recursive: true }));
let sockets = 0;

/** A "TPM" that answers each command with these chunks. */
async function serve(answer: (command: Buffer, socket: Socket) => void): Promise<{ spec: string; server: Server }> {
  const path = join(dir, `s${sockets++}`);
  const server = createServer((socket) => socket.unref().on("data", (data: Buffer) => answer(data, socket)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { spec: `unix:${path}`, server };
}

function response(size: number, length = size): Buffer {
  const b = Buffer.alloc(length);
  b.writeUInt16BE(0x8001);
  b.writeUInt32BE(size, 2);
  return b;
}

t.test("a response that comes in pieces, and commands that queue", async (t) => {
  const { spec, server } = await serve((command, socket) => {
    const whole = response(12);
    whole[11] = command[0] ?? 0;
    socket.write(whole.subarray(0, 3));
    setTimeout(() => socket.write(whole.subarray(3)), 5);
  });
  t.teardown(() => server.close());
  const tpm = await openTpm(spec);
  const answers = await Promise.all([1, 2, 3].map((n) => tpm.send(Uint8Array.of(n))));
  t.same(answers.map((a) => a[11]), [1, 2, 3], "each gets its own");
});

t.test("responses that are refused", async (t) => {
  const cases: [string, Buffer][] = [
    ["a size over the limit", response(5000, 10)],
    ["more than its size", response(10, 12)],
    ["a size under its header's", response(4, 12)],
  ];
  for (const [name, bytes] of cases) {
    const { spec, server } = await serve((_command, socket) => socket.write(bytes));
    const tpm = await openTpm(spec);
    await t.rejects(tpm.send(Uint8Array.of(1)), { code: "TPM_MISSING" }, name);
    await t.rejects(tpm.send(Uint8Array.of(1)), { code: "TPM_MISSING" }, `${name}: no second try`);
    server.close();
  }
  const { spec, server } = await serve((_command, socket) => socket.end());
  await t.rejects((await openTpm(spec)).send(Uint8Array.of(1)), { code: "TPM_MISSING" }, "a closed socket");
  server.close();
});

t.test("where no TPM is", async (t) => {
  for (const spec of [`unix:${join(dir, "nowhere")}`, "/dev/no-such-tpm"]) await t.rejects(openTpm(spec), { code: "TPM_MISSING" }, spec);
  for (const spec of ["", "tpm0", "unix:relative", "tcp:host", "tcp:host:port", "file:/x"]) await t.rejects(openTpm(spec), { code: "USAGE" }, spec);
});
