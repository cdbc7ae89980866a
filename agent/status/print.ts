import { z } from "zod";
import { parseJson } from "../../proto/wire/json.ts";
import type { Status } from "./status.ts";

const MAX_STATUS_BYTES = 4 * 1024 * 1024;

/** Text for people from status.json's bytes. Throws WireError where they are no status. */
export function printStatus(data: Uint8Array): string {
  // Our own file: only its kind is checked, the shape is the writer's.
  const status = parseJson(z.looseObject({ kind: z.literal("kubedos/status"), version: z.literal(1) }), data, MAX_STATUS_BYTES) as unknown as Status;
  const rows: [string, string][] = [
    ["node", `${status.node.state}${"name" in status.node ? ` ${status.node.name}` : ""}${"id" in status.node ? ` (${status.node.id})` : ""}`],
    ...("message" in status.node ? [["", status.node.message] as [string, string]] : []),
    ["cluster", `${status.cluster ?? "-"}, role ${status.role ?? "-"}`],
    ["EK", status.ekName ?? "-"],
    ["phase", status.phase ?? "-"],
    ["hint", status.hint.refused === null ? `slot ${status.hint.slot ?? "-"}` : `refused: ${status.hint.refused}`],
    ["boot", `${status.bootId ?? "-"}, agent ${status.agent}`],
    ["step", status.steps.map((s) => `${s.name} ${s.uptime.toFixed(1)} s`).at(-1) ?? "-"],
    ...status.volumes.map((v) => ["volume", `${v.name}: ${v.state === "open" ? `open${v.made ? ", made in this boot" : ""}` : `${v.code}: ${v.message}`}`] as [string, string]),
    ...status.refusedPeers.map((p) => ["refused peer", `${p.name}: ${p.message}`] as [string, string]),
  ];
  const planes = status.planes.flatMap((plane) => [
    `${plane.name}  ${plane.address}  ${plane.up ? "up" : "down"}`,
    ...plane.peers.map((p) => `  ${p.name.padEnd(16)} ${p.allowedIps.join(",").padEnd(18)} ${p.endpoint ?? "-"}  ${age(p.handshakeAge)}`),
  ]);
  return `${[...rows.map(([key, value]) => `${key.padEnd(13)} ${value}`), ...planes].join("\n")}\n`;
}

function age(seconds: number | null): string {
  return seconds === null ? "no handshake" : `handshake ${Math.round(seconds)} s ago`;
}
