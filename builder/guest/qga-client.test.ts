import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { z } from "zod";
import { QgaClient } from "./qga-client.ts";

interface Request {
  readonly execute: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}
type Answer = (request: Request, socket: Socket) => unknown;

/** A guest agent that answers as `answer` says; a string is sent as it is, undefined sends nothing. */
async function fakeAgent(t: { teardown(f: () => Promise<void>): unknown }, answer: Answer): Promise<QgaClient> {
  const dir = await mkdtemp(join(tmpdir(), "kubedos-qga-"));
  const path = join(dir, "s");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    let rest = "";
    socket.on("data", (data: Buffer) => {
      rest += data.toString("latin1");
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 1);
        const request: Request = JSON.parse(line.replace(/^[^{]*/, ""));
        const reply = answer(request, socket);
        if (reply !== undefined) socket.write(typeof reply === "string" ? Buffer.from(reply, "latin1") : `${JSON.stringify(reply)}\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = new QgaClient(path);
  t.teardown(async () => {
    client.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await rm(dir, { recursive: true, force: true });
  });
  return client;
}

const synced = (rest: Answer): Answer => (request, socket) =>
  request.execute === "guest-sync-delimited" ? `\xff{"return": ${String(request.arguments["id"])}}\n` : rest(request, socket);

/** Files in memory, as qemu-ga serves them. */
function files(content: Map<string, Buffer>, chunk = 10): Answer {
  let path = "";
  let at = 0;
  return (request) => {
    const args = request.arguments;
    switch (request.execute) {
      case "guest-file-open":
        path = String(args["path"]);
        at = 0;
        if (args["mode"] === "w") content.set(path, Buffer.alloc(0));
        return content.has(path) ? { return: 1000 } : { error: { class: "GenericError", desc: `failed to open file '${path}'` } };
      case "guest-file-read": {
        const data = content.get(path)?.subarray(at, at + chunk) ?? Buffer.alloc(0);
        at += data.length;
        return { return: { count: data.length, "buf-b64": data.toString("base64"), eof: at >= (content.get(path)?.length ?? 0) } };
      }
      case "guest-file-write": {
        const data = Buffer.from(String(args["buf-b64"]), "base64").subarray(0, 30_000);
        content.set(path, Buffer.concat([content.get(path) ?? Buffer.alloc(0), data]));
        return { return: { count: data.length, eof: false } };
      }
      default:
        return { return: {} };
    }
  };
}

t.test("skips what an earlier talk left, then reads and writes whole files", async (t) => {
  const content = new Map([["/a", Buffer.from("hello from the guest")], ["/empty", Buffer.alloc(0)]]);
  let first = true;
  const answer = synced(files(content));
  const client = await fakeAgent(t, (request, socket) => {
    if (first) socket.write('{"return": 7}\n{"ret');
    first = false;
    return answer(request, socket);
  });
  await client.sync(5000);
  await client.ping();
  t.equal(Buffer.from(await client.readFile("/a", 100)).toString(), "hello from the guest");
  t.equal((await client.readFile("/empty", 0)).length, 0);
  const big = Buffer.alloc(100_000, "x");
  await client.writeFile("/b", big);
  t.same(content.get("/b"), big, "short writes are continued");
});

t.test("asks again until an agent that was not there answers", async (t) => {
  let asked = 0;
  const answer = synced(() => ({ return: {} }));
  const client = await fakeAgent(t, (request, socket) => (++asked < 2 ? undefined : answer(request, socket)));
  await client.sync(10_000);
  t.ok(asked >= 2);
});

t.test("gives up in time, with nobody listening and with nobody answering", async (t) => {
  await t.rejects(new QgaClient("/nonexistent/s").sync(300), { code: "TIMEOUT" });
  const client = await fakeAgent(t, () => undefined);
  await t.rejects(client.sync(300), { code: "TIMEOUT" });
});

t.test("stops when told to", async (t) => {
  const client = await fakeAgent(t, () => undefined);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  await t.rejects(client.sync(10_000, stop.signal), { code: "ABORTED" });
});

t.test("the agent's own no", async (t) => {
  const client = await fakeAgent(t, synced((request) => ({ error: { class: "CommandNotFound", desc: `${request.execute} has been disabled` } })));
  await client.sync(5000);
  await t.rejects(client.call("guest-exec", {}, z.unknown()), { code: "REFUSED", message: /guest-exec.*disabled/ });
});

const hostile: readonly [string, Answer, string][] = [
  ["no JSON", () => "hello\n", "BAD_REPLY"],
  ["JSON of another shape", () => "[1]\n", "BAD_REPLY"],
  ["a handle that is no number", () => ({ return: "1000" }), "BAD_REPLY"],
  ["a line without an end", () => "x".repeat(200_000), "TOO_LARGE"],
  ["a line that is too long", () => `"${"x".repeat(200_000)}"\n`, "TOO_LARGE"],
  ["the end of the connection", (_, socket) => void socket.destroy(), "CLOSED"],
  ["more bytes than were asked for", (r) => ({ return: r.execute === "guest-file-open" ? 1 : { count: 200, "buf-b64": Buffer.alloc(200).toString("base64"), eof: false } }), "TOO_LARGE"],
  ["a file that neither ends nor goes on", (r) => ({ return: r.execute === "guest-file-open" ? 1 : { count: 0, "buf-b64": "", eof: false } }), "BAD_REPLY"],
];
for (const [name, answer, code] of hostile) {
  t.test(`a guest that sends ${name}`, async (t) => {
    const client = await fakeAgent(t, synced(answer));
    await client.sync(5000);
    await t.rejects(client.readFile("/a", 100), { code });
  });
}

t.test("a guest that says it wrote more than it got", async (t) => {
  const client = await fakeAgent(t, synced((r) => ({ return: r.execute === "guest-file-open" ? 1 : { count: 99, eof: false } })));
  await client.sync(5000);
  await t.rejects(client.writeFile("/a", new Uint8Array(3)), { code: "BAD_REPLY" });
});
