import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freeTcpPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("the system named no port");
  return address.port;
}

/** A multicast group and port for one cluster's LAN: random, so that two clusters on one host don't meet. */
export function randomLan(): { readonly group: string; readonly port: number } {
  return { group: `230.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`, port: randomInt(20_000, 60_000) };
}

/** A locally administered MAC address of QEMU's prefix: network 0–255, host 1–65,535. */
export function macAddress(network: number, host: number): string {
  const parts = [0x52, 0x54, 0x00, network & 0xff, (host >> 8) & 0xff, host & 0xff];
  return parts.map((n) => n.toString(16).padStart(2, "0")).join(":");
}
