import type { PuppetAttack } from "../puppet-attack.ts";
import { agentCertificateAsOperator } from "./agent-certificate-as-operator.ts";
import { ekRootMissing } from "./ek-root-missing.ts";
import { evidenceOfAOnBsStream } from "./evidence-of-a-on-bs-stream.ts";
import { evidenceReplayed } from "./evidence-replayed.ts";
import { logEdited } from "./log-edited.ts";
import { logOmitted } from "./log-omitted.ts";
import { softwareAk } from "./software-ak.ts";
import { wireguardKeyExchanged } from "./wireguard-key-exchanged.ts";

/** Rows whose attacker is no guest: he speaks the protocol himself. */
export const PROTOCOL_ATTACKS: readonly PuppetAttack[] = [
  evidenceReplayed,
  evidenceOfAOnBsStream,
  wireguardKeyExchanged,
  softwareAk,
  logEdited,
  logOmitted,
  ekRootMissing,
  agentCertificateAsOperator,
];
