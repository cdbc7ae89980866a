import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { hubHint, hintString, nodeNamed } from "../../builder/deploy/guest-hint.ts";
import { stampSocket } from "../../builder/deploy/short-folder.ts";
import { guestPaths } from "../../builder/guest/start-guest.ts";
import { startSwtpm } from "../../builder/guest/swtpm.ts";
import { tpmSocket } from "../../builder/guest/tpm-socket.ts";
import { parseEvidenceFile } from "../../hub/cli/evidence-file.ts";
import { parseClaims } from "../../proto/evidence/claims.ts";
import { HINT_PREFIX } from "../../proto/hint/hint.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { Swtpm } from "../swtpm/start-swtpm.ts";
import type { TestCa } from "../fakes/ek-pki.ts";
import type { ShownLogs } from "../fakes/test-agent.ts";
import { LanDoor } from "./lan-door.ts";
import type { AttackWorld } from "./world.ts";

/** Where puppets play: a hub that can be reached from this host, the honest worker's logs, and the slots' TPMs. */
export interface PuppetStage {
  readonly cluster: string;
  readonly role: string;
  /** PEM. */
  readonly rootCa: string;
  /** What the honest worker's own boot was measured as. */
  readonly logs: ShownLogs;
  /** Whose EK certificates the cluster believes. */
  readonly maker: TestCa;
  /** Port of 127.0.0.1 that leads to the hub's node listener. */
  readonly hubPort: number;
  /** Port of 127.0.0.1 that leads to the operators' listener. */
  readonly operatorPort: number;
  /** How old the world's list of nodes may be, milliseconds. */
  readonly staleMs: number;
  /** The hint record of a slot's node; null: none. */
  hint(slot: string): string | null;
  /** Starts a stamped slot's TPM as the power button does; null: one that nobody stamped. */
  startTpm(slot: string | null): Promise<Swtpm>;
  close(): Promise<void>;
}

/**
 * The stage in a world of guests: through a door into their LAN, at the address of `slot`, whose guest doesn't run, and with the TPMs
 * that were stamped for the row's slots.
 */
export async function guestStage(world: AttackWorld, slot: string): Promise<PuppetStage> {
  const { spec, keys, tc } = world.demo.built;
  const { evidence } = parseEvidenceFile(utf8(world.honest.evidence));
  const to = hubHint(spec);
  const door = await LanDoor.open({ tc, lan: world.demo.cluster.lan, net: spec.network.lan, address: lanAddress(spec, slot), to, serves: false });
  let strangers = 0;
  return {
    cluster: keys.cluster,
    role: parseClaims(evidence.claims).role,
    rootCa: new X509Certificate(keys.root).toString(),
    logs: { firmwareLog: evidence.firmwareLog, userspaceLog: evidence.userspaceLog },
    maker: world.maker,
    hubPort: door.port,
    staleMs: 800,
    operatorPort: Number(world.demo.cluster.operatorAddress.split(":")[1]),
    hint: (slot) => hintString(spec, nodeNamed(spec, slot)).slice(HINT_PREFIX.length),
    startTpm: async (slot) => {
      const dir = slot === null ? join(world.dir, `stranger-${strangers++}`) : join(world.demo.state, slot);
      const { tpmState, log } = guestPaths(dir);
      const socket = stampSocket(dir);
      const { stop } = await startSwtpm(tc, { stateDir: tpmState, mode: "direct", socket, logFile: log });
      return { transport: tpmSocket(socket), socketPath: socket, tcti: `swtpm:path=${socket}`, stateDir: tpmState, stop };
    },
    close: () => door.close(),
  };
}

function lanAddress(spec: ClusterSpec, slot: string): string {
  const address = spec.network.addresses?.[slot];
  if (address === undefined) throw new Error(`the spec has no address for ${slot}`);
  return address;
}
