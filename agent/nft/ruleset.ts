import type { PortRule, Zone } from "../../proto/release/image-config.ts";
import { type FirewallModel, HUB_NODE_PORT, HUB_OPERATOR_PORT } from "./model.ts";

const INTERFACES: Readonly<Record<Zone, string>> = { lan: "eth0", admin: "eth1", wg1: "wg1", wg2: "wg2", wg3: "wg3" };
const DROP_COUNTERS = ["invalid", "spoofed", "in_lan", "in_admin", "in_wg1", "in_wg2", "in_wg3", "in_other", "out", "forward"] as const;

/**
 * Model → input of `nft -f -`: one table of our own, replaced in one transaction; no other table is touched. Everything
 * that no line names is dropped and counted, in, out and through; IPv6 has no line. The text is a function of the model, so
 * two equal texts need no second run.
 */
export function renderRuleset(model: FirewallModel): string {
  return [
    "add table inet kubedos",
    "delete table inet kubedos",
    "table inet kubedos {",
    ...DROP_COUNTERS.map((name) => `  counter dropped_${name} {}`),
    ...chain("input", [...inputRules(model), ...inputDrops()]),
    ...chain("output", [...outputRules(model), "counter name dropped_out drop"]),
    ...chain("forward", ["counter name dropped_forward drop"]),
    "}",
    "",
  ].join("\n");
}

function chain(hook: "input" | "output" | "forward", rules: readonly string[]): readonly string[] {
  return ["", `  chain ${hook} {`, `    type filter hook ${hook} priority filter; policy drop;`, ...rules.map((rule) => `    ${rule}`), "  }"];
}

function inputRules(model: FirewallModel): readonly string[] {
  return [
    'iifname "lo" accept',
    // A plane's address that comes from outside of its tunnel is a lie.
    ...model.planes.map(({ name, cidr }) => `iifname != "${name}" ip saddr ${cidr} counter name dropped_spoofed drop`),
    "ct state invalid counter name dropped_invalid drop",
    "ct state established,related accept",
    ...model.dhcp.map((link) => `iifname "${link}" udp sport 67 udp dport 68 accept comment "DHCP answers"`),
    ...(model.hub ? hubRules() : []),
    ...(model.stage === "admitted" ? admittedInput(model) : []),
  ];
}

function hubRules(): readonly string[] {
  return [
    `iifname "${INTERFACES.lan}" tcp dport ${HUB_NODE_PORT} accept comment "hub: nodes"`,
    `iifname "${INTERFACES.admin}" tcp dport ${HUB_OPERATOR_PORT} accept comment "hub: operators"`,
  ];
}

function admittedInput(model: FirewallModel): readonly string[] {
  const tunnels = model.planes.map(({ name, port }) => `iifname "${INTERFACES.lan}" udp dport ${port} accept comment "${name} tunnel"`);
  return [
    ...(model.hub ? tunnels : []),
    ...(model.hub ? [`iifname "wg1" tcp dport ${HUB_OPERATOR_PORT} accept comment "hub: operators"`] : []),
    ...model.planes.map(({ name }) => `iifname "${name}" icmp type echo-request accept`),
    ...portRules(model.ports, "in"),
  ];
}

function inputDrops(): readonly string[] {
  const zones = Object.entries(INTERFACES).map(([zone, link]) => `iifname "${link}" counter name dropped_in_${zone} drop`);
  return [...zones, "counter name dropped_in_other drop"];
}

function outputRules(model: FirewallModel): readonly string[] {
  const hub = model.hubEndpoint;
  return [
    'oifname "lo" accept',
    "ct state established,related accept",
    ...model.dhcp.map((link) => `oifname "${link}" udp sport 68 udp dport 67 accept comment "DHCP questions"`),
    ...(hub === null ? [] : [`oifname "${INTERFACES.lan}" ip daddr ${hub.host} tcp dport ${hub.port} accept comment "to the hub"`]),
    ...(model.stage === "admitted" ? admittedOutput(model) : []),
    ...model.probes.map((p) => `oifname "${INTERFACES[p.zone]}" ip daddr ${p.address} tcp dport ${p.port} accept comment "probe"`),
  ];
}

function admittedOutput(model: FirewallModel): readonly string[] {
  // The hub answers from its own ports, wherever a spoke has roamed to; a spoke dials the addresses it was given.
  const tunnels = model.hub
    ? model.planes.map(({ name, port }) => `oifname "${INTERFACES.lan}" udp sport ${port} accept comment "${name} tunnel"`)
    : model.wireguardPeers.flatMap((peer) =>
        model.planes.map(({ name, port }) => `oifname "${INTERFACES.lan}" ip daddr ${peer} udp dport ${port} accept comment "${name} tunnel"`),
      );
  return [
    ...tunnels,
    ...model.planes.map(({ name }) => `oifname "${name}" icmp type echo-request accept`),
    ...portRules(model.ports, "out"),
  ];
}

/** A rule's words come from the spec: nft takes no escapes in a comment, so only harmless characters stay. */
function portRules(ports: readonly PortRule[], direction: PortRule["direction"]): readonly string[] {
  const match = direction === "in" ? "iifname" : "oifname";
  return ports
    .filter((rule) => rule.direction === direction)
    .map(({ zone, protocol, port, what }) => {
      const comment = what.replaceAll(/[^A-Za-z0-9 .,:()/_-]/g, "");
      return `${match} "${INTERFACES[zone]}" ${protocol} dport ${port} accept${comment === "" ? "" : ` comment "${comment}"`}`;
    });
}
