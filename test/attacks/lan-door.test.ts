import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import t from "tap";
import { randomLan } from "../../builder/guest/addresses.ts";
import { defaultCacheDir, ensureToolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import { doorArgv, LanDoor } from "./lan-door.ts";

t.setTimeout(300_000);
const tc = await ensureToolchain(defaultCacheDir, () => undefined, new AbortController().signal);

/** Says something through a door and gives what comes back; null: the connection ended without a word. */
function ask(port: number, word: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(word));
    socket.on("error", () => undefined).once("close", () => resolve(null));
    socket.once("data", (data) => {
      resolve(String(data));
      socket.destroy();
    });
  });
}

t.test("two doors on one LAN: who comes in by one reaches what the other serves", async (t) => {
  const server = createServer((socket) => socket.on("error", () => undefined).on("data", (data) => socket.write(`echo ${String(data)}`)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const net = "10.100.10.0/24";
  const lan = randomLan();
  const host = await LanDoor.open({ tc, lan, net, address: "10.100.10.250", to: null, serves: true });
  const visitor = await LanDoor.open({ tc, lan, net, address: "10.100.10.240", to: { host: "10.100.10.250", port }, serves: false });
  t.equal(await ask(visitor.port, "hello"), "echo hello", "through both doors and back");
  const neighbour = await LanDoor.open({ tc, lan, net, address: "10.100.10.230", to: { host: "10.100.10.240", port }, serves: true });
  const many = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(visitor.port, `${i}`)));
  t.same(many, Array.from({ length: 8 }, (_, i) => `echo ${i}`), "and many at once");
  await Promise.all([host, visitor, neighbour].map((door) => door.close()));
  t.equal(await ask(visitor.port, "hello"), null, "a closed door leads nowhere");
  t.same([host, visitor, neighbour].filter((door) => existsSync(door.dir)), [], "nothing is left");
});

t.test("a door that only leads in lets no guest out", (t) => {
  const argv = doorArgv({ net: "10.1.0.0/24", address: "10.1.0.9", to: { host: "10.1.0.1", port: 7443 }, serves: false }, "/s", 1234);
  t.match(argv.join(" "), /restrict=on,net=10\.1\.0\.0\/24,host=10\.1\.0\.9,dns=10\.1\.0\.254,dhcpstart=10\.1\.0\.253,hostfwd=tcp:127\.0\.0\.1:1234-10\.1\.0\.1:7443/);
  t.end();
});
