import { hash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { fetchFile, type FileRequest } from "./fetch-file.ts";

const DATA = Buffer.alloc(300_000, "0123456789abcdefghijklmnopqrstuvwxyz\n");
const DIGEST = hash("sha256", DATA, "hex");

type Serve = (request: IncomingMessage, response: ServerResponse) => void;
let serve: Serve = () => undefined;
const asked: (string | undefined)[] = [];
const server = createServer((request, response) => {
  asked.push(request.headers.range);
  serve(request, response);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
const root = mkdtempSync(join(tmpdir(), "kubedos-fetch-"));
t.teardown(() => {
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true });
});

/** Serves ranges as they should be; `until` cuts the connection after so many bytes of the file. */
const good = (data: Buffer, until = data.length): Serve => (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from >= data.length) return void response.writeHead(416).end();
  const head = { "content-length": data.length - from };
  response.writeHead(from === 0 ? 200 : 206, from === 0 ? head : { ...head, "content-range": `bytes ${from}-${data.length - 1}/${data.length}` });
  if (until === data.length) return void response.end(data.subarray(from));
  response.write(data.subarray(from, until), () => response.destroy());
};
let dir = "";
const request = (more: Partial<FileRequest> = {}): FileRequest => ({ url, what: "file one 1.0", size: DATA.length, sha256: DIGEST, path: join(dir, "out/one"), partial: join(dir, "partial"), ...more });
const part = (): string => join(dir, "partial", DIGEST);
t.beforeEach(() => {
  dir = mkdtempSync(join(root, "case-"));
  asked.length = 0;
});

t.test("a file comes whole, and its bytes are counted", async (t) => {
  let counted = 0;
  serve = good(DATA);
  await fetchFile(request({ onBytes: (n) => (counted += n) }));
  t.same(readFileSync(join(dir, "out/one")), DATA);
  t.equal(counted, DATA.length);
  t.notOk(existsSync(part()));
});

t.test("a connection that breaks is taken up where it broke, as often as it gets on", async (t) => {
  let broken = 0;
  serve = (q, r) => ((broken += 1) <= 6 ? good(DATA, broken * 40_000)(q, r) : good(DATA)(q, r));
  let counted = 0;
  await fetchFile(request({ onBytes: (n) => (counted += n) }));
  t.same(readFileSync(join(dir, "out/one")), DATA);
  t.equal(asked[0], undefined);
  t.match(asked[1], /^bytes=[1-9]\d*-$/);
  t.equal(counted, DATA.length);
});

t.test("what an earlier process left is taken up", async (t) => {
  serve = (q, r) => void (q.socket.destroy(), r);
  await t.rejects(fetchFile(request()), { code: "SOURCE_UNREACHABLE", message: new RegExp(`^${url} can't be fetched: `) });
  writeFileSync(part(), DATA.subarray(0, 123_456));
  asked.length = 0;
  serve = good(DATA);
  await fetchFile(request());
  t.same(asked, ["bytes=123456-"]);
  t.same(readFileSync(join(dir, "out/one")), DATA);
});

t.test("a beginning of something else is thrown away", async (t) => {
  mkdirSync(join(dir, "partial"));
  for (const left of [Buffer.alloc(1000, "x"), Buffer.alloc(DATA.length, "x"), Buffer.alloc(DATA.length + 1, "x")]) {
    writeFileSync(part(), left);
    serve = good(DATA);
    await fetchFile(request());
    t.same(readFileSync(join(dir, "out/one")), DATA);
  }
});

t.test("servers without ranges, and with strange ones", async (t) => {
  serve = good(DATA, 1000);
  const once = (then: Serve): void => {
    serve = (q, r) => {
      serve = then;
      good(DATA, 100_000)(q, r);
    };
  };
  once((_, r) => void r.writeHead(200, { "content-length": DATA.length }).end(DATA));
  await fetchFile(request());
  once((q, r) => (q.headers.range === undefined ? good(DATA)(q, r) : void r.writeHead(416).end()));
  await fetchFile(request());
  once((_, r) => void r.writeHead(206, { "content-range": `bytes 0-${DATA.length - 1}/${DATA.length}` }).end(DATA));
  await t.rejects(fetchFile(request()), { code: "SOURCE_BAD", message: /sends another part/ });
});

t.test("other bytes than expected never get the name", async (t) => {
  const spoilt = Buffer.from(DATA);
  spoilt[77] = 0;
  for (const [data, message] of [[spoilt, /sends [0-9a-f]{64}$/], [Buffer.concat([DATA, Buffer.from("x")]), /sends more$/], [DATA.subarray(1), /sends 299999 bytes$/]] as const) {
    serve = good(data);
    await t.rejects(fetchFile(request()), { code: "SOURCE_DIFFERS", message });
    t.notOk(existsSync(join(dir, "out/one")));
  }
  serve = good(DATA);
  await t.resolves(fetchFile(request()), "and nothing of it is in the way of the right ones");
});

t.test("answers that end it", async (t) => {
  for (const [status, code] of [[404, "SOURCE_GONE"], [410, "SOURCE_GONE"], [401, "SOURCE_DENIED"], [403, "SOURCE_DENIED"], [204, "SOURCE_BAD"]] as const) {
    serve = (_, r) => void r.writeHead(status).end();
    asked.length = 0;
    await t.rejects(fetchFile(request()), { code });
    t.equal(asked.length, 1, `${status} isn't asked again`);
  }
  let busy = 0;
  serve = (q, r) => ((busy += 1) <= 2 ? void r.writeHead(503).end() : good(DATA)(q, r));
  await t.resolves(fetchFile(request()), "a busy server is");
});

t.test("a user who stops it keeps what came", async (t) => {
  const abort = new AbortController();
  serve = (q, r) => void (r.writeHead(200, { "content-length": DATA.length }), r.write(DATA.subarray(0, 50_000)), q);
  await t.rejects(fetchFile(request({ signal: abort.signal, onBytes: () => abort.abort() })), { code: "ABORTED" });
  const left = readFileSync(part());
  t.ok(left.length > 0);
  t.same(left, DATA.subarray(0, left.length));
});
