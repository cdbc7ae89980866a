import { z } from "zod";
import { utf8 } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { AgentError } from "../error.ts";
import type { Runner } from "../ports.ts";
import type { ObservedInterface, ObservedPeer } from "./observed.ts";

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

// iproute2 adds fields from version to version; only these are read.
const linksSchema = z.array(
  z.looseObject({
    ifname: z.string().optional(),
    mtu: z.number().optional(),
    flags: z.array(z.string()).optional(),
    addr_info: z.array(z.looseObject({ family: z.string(), local: z.string().optional(), prefixlen: z.number() })).optional(),
  }),
);
const routesSchema = z.array(z.looseObject({ dst: z.string(), dev: z.string().optional() }));

type WireguardPart = Pick<ObservedInterface, "name" | "publicKey" | "listenPort" | "peers">;

/** All WireGuard interfaces of the kernel with their addresses and routes, by three commands; none of them changes anything. */
export async function observeWireguard(runner: Runner): Promise<readonly ObservedInterface[]> {
  const dump = parseDump(await runner.run(["wg", "show", "all", "dump"]));
  if (dump.length === 0) return [];
  const outputs = await Promise.all([runner.run(["ip", "-j", "address", "show"]), runner.run(["ip", "-j", "-4", "route", "show"])]);
  const links = parseJson(linksSchema, utf8(outputs[0]), MAX_OUTPUT_BYTES);
  const routes = parseJson(routesSchema, utf8(outputs[1]), MAX_OUTPUT_BYTES);
  return dump.map((wireguard) => {
    const link = links.find((l) => l.ifname === wireguard.name);
    const addresses = (link?.addr_info ?? []).filter((a) => a.family === "inet" && a.local !== undefined);
    return {
      ...wireguard,
      up: link?.flags?.includes("UP") ?? false,
      mtu: link?.mtu ?? 0,
      addresses: addresses.map((a) => `${a.local}/${a.prefixlen}`).sort(),
      routes: routes.filter((r) => r.dev === wireguard.name).map((r) => r.dst).sort(),
    };
  });
}

/** `wg show all dump`: tab-separated; 5 fields for an interface, 9 for a peer. Throws {@link AgentError} `COMMAND_OUTPUT`. */
export function parseDump(text: string): readonly WireguardPart[] {
  const found: (WireguardPart & { peers: ObservedPeer[] })[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const fields = line.split("\t");
    const name = fields[0] ?? "";
    const known = found.find((i) => i.name === name);
    if (fields.length === 5 && known === undefined) {
      // Field 1 is the private key: it goes no further than this line.
      found.push({ name, publicKey: orNull(fields[2]), listenPort: integer(fields[3]), peers: [] });
    } else if (fields.length === 9 && known !== undefined) {
      known.peers.push(readPeer(fields));
    } else throw new AgentError("COMMAND_OUTPUT", `wg's dump has a line of ${fields.length} fields that doesn't belong there`);
  }
  return found;
}

function readPeer(fields: readonly string[]): ObservedPeer {
  const allowedIps = orNull(fields[4]);
  return {
    publicKey: fields[1] ?? "",
    endpoint: orNull(fields[3]),
    allowedIps: allowedIps === null ? [] : allowedIps.split(",").sort(),
    latestHandshake: integer(fields[5]),
    rxBytes: integer(fields[6]),
    txBytes: integer(fields[7]),
    keepalive: integer(fields[8]),
  };
}

function orNull(field: string | undefined): string | null {
  return field === undefined || field === "(none)" ? null : field;
}

function integer(field: string | undefined): number {
  if (field === "off") return 0;
  if (field === undefined || !/^\d+$/.test(field)) throw new AgentError("COMMAND_OUTPUT", "wg's dump has no number where one belongs");
  return Number(field);
}
