import { hash } from "node:crypto";
import t from "tap";
import { encodeEventLog } from "../../test/fakes/encode-event-log.ts";
import { BANK_NAMES, challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { recordedLog } from "../../test/fakes/log-case.ts";
import { pcrsAfter, softMachine } from "../../test/fakes/soft-machine.ts";
import { BANKS } from "../../proto/eventlog/bank.ts";
import { ALG } from "../../proto/tpm/alg.ts";
import { judge } from "./judge.ts";

// Banks that swtpm hasn't: the machine is played. What a real TPM says of the others stands in judge.test.ts, P20.
const tls = newSpki();
const known = knownOf(tls, [releaseOf(firmwareLog)]);

t.test("a fifth bank and a sixth", async (t) => {
  const more = BANKS.filter((b) => b.name === "sm3" || b.name === "sha3-384");
  const events = recordedLog.events.map((e) => ({ ...e, digests: [...e.digests, ...more.map(({ name }) => new Uint8Array(hash(name, e.data, "buffer")))] }));
  const logs = { firmwareLog: encodeEventLog({ banks: [...recordedLog.banks, ...more], events }), userspaceLog: userspaceLogOf(WORDS, [...BANK_NAMES, ...more.map((b) => b.name)]) };
  const asked = newChallenge();
  const machine = softMachine();
  const codeOf = (pcrs: ReturnType<typeof pcrsAfter>): string => {
    const evidence = machine({ challenge: asked, claims: claimsOf(tls), ...logs, pcrs });
    const verdict = judge(evidence, challengeFor(asked, evidence), known);
    return verdict.ok ? "ok" : verdict.code;
  };
  const honest = pcrsAfter(logs.firmwareLog, logs.userspaceLog);
  t.equal(codeOf(honest), "ok", "quoted with the others");
  const sm3 = new Map(honest.get(ALG.SM3_256)).set(4, new Uint8Array(32).fill(1));
  t.equal(codeOf(new Map(honest).set(ALG.SM3_256, sm3)), "LOG_MISMATCH", "one PCR of it is another");
  const less = new Map(honest);
  less.delete(ALG.SHA3_384);
  t.equal(codeOf(less), "BANK_UNQUOTED", "left out");
});
