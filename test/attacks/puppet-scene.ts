import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Evidence, Refusal } from "../../proto/gen/kubedos/v1/node.ts";
import type { Claims } from "../../proto/evidence/claims.ts";
import { claimsOf } from "../fakes/evidence-case.ts";
import { type AnswerChanges, type Got, selfSigned, type ShownLogs, TestMachine, TestStream } from "../fakes/test-agent.ts";
import { bootMachine } from "../swtpm/boot-machine.ts";
import type { AttackOutcome, AttackProof } from "./attack.ts";
import { comparable } from "./comparable.ts";
import type { PuppetStage } from "./puppet-stage.ts";
import type { AttackWorld } from "./world.ts";

/** How long a hub without KVM may take for an answer, and for noticing that a stream has ended. */
const ANSWER_MS = 60_000;
const ANSWER_SECONDS = ANSWER_MS / 1000;

/** How a puppet's boot differs from the honest worker's. */
export interface PuppetBoot {
  /** Whose TPM; the row's slot by default, null for one that nobody stamped. */
  readonly slot?: string | null;
  /** What really ran: is extended into its PCRs. */
  readonly measured?: Partial<ShownLogs>;
  /** What it shows of that; the honest worker's logs by default. */
  readonly shown?: Partial<ShownLogs>;
  readonly claims?: Partial<Claims>;
}

/** What the hub made of a stream's evidence. */
export type HubAnswer =
  | { readonly t: "waiting" | "admission" }
  | { readonly t: "refusal"; readonly value: Refusal }
  | { readonly t: "silence"; readonly why: string };

/**
 * One attack by a puppet: an attacker's own program on a TPM that extends what a log says, which speaks to the real hub. Keeps
 * the proofs, and ends TPMs and streams.
 */
export class PuppetScene {
  readonly world: AttackWorld;
  readonly stage: PuppetStage;
  readonly proofs: AttackProof[] = [];
  readonly #machines = new Map<string, TestMachine>();
  readonly #streams = new Set<TestStream>();
  #strangers = 0;

  constructor(world: AttackWorld, stage: PuppetStage) {
    this.world = world;
    this.stage = stage;
  }

  prove(what: string, held: boolean, detail = ""): void {
    this.proofs.push({ what, held, detail });
  }

  /** Presses the power button: a new boot of this TPM, with new keys. */
  async boot(boot: PuppetBoot = {}): Promise<TestMachine> {
    const slot = boot.slot === undefined ? this.world.name : boot.slot;
    const place = slot ?? `stranger ${this.#strangers++}`;
    await this.#machines.get(place)?.stop();
    this.#machines.delete(place);
    await mkdir(this.world.dir, { recursive: true });
    const swtpm = await this.stage.startTpm(slot);
    const tpm = await bootMachine({ ...this.stage.logs, ...boot.measured, swtpm });
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { cluster, role } = this.stage;
    const hint = this.stage.hint(slot ?? this.world.name);
    const claims = claimsOf(new Uint8Array(publicKey.export({ type: "spki", format: "der" })), { cluster, role, bootId: randomUUID(), hint, ...boot.claims });
    const { firmwareLog, userspaceLog } = { ...this.stage.logs, ...boot.shown };
    const machine = new TestMachine(tpm, privateKey, claims, await selfSigned(privateKey), { firmwareLog, userspaceLog });
    this.#machines.set(place, machine);
    return machine;
  }

  /** A connection to the hub; by default with the machine's own self-signed certificate, as an agent dials. */
  stream(by: { readonly key: KeyObject; readonly certificate: Uint8Array }, port = this.stage.hubPort): TestStream {
    const stream = new TestStream(port, by.key, [by.certificate], this.stage.rootCa, this.stage.cluster);
    this.#streams.add(stream);
    return stream;
  }

  /** Says hello for a machine and waits for the hub's challenge. Rejects when none comes. */
  async challenge(stream: TestStream, machine: TestMachine): Promise<Got<"challenge">> {
    stream.hello(machine);
    return await stream.next("challenge", ANSWER_MS);
  }

  /** Sends evidence and waits for what the hub makes of it. */
  async submit(stream: TestStream, evidence: Evidence): Promise<HubAnswer> {
    const from = stream.received.length;
    stream.send({ $case: "evidence", value: evidence });
    for (const limit = performance.now() + ANSWER_MS; performance.now() < limit; ) {
      for (const { $case, value } of stream.received.slice(from)) {
        if ($case === "refusal") return { t: "refusal", value };
        if ($case === "waiting" || $case === "admission") return { t: $case };
      }
      if (stream.ended) return { t: "silence", why: stream.error?.message ?? "the stream ended" };
      await sleep(20);
    }
    return { t: "silence", why: "no answer" };
  }

  /** The machine's whole attestation over a stream of its own, its evidence changed before it is signed (`changes`) and after (`spoil`). */
  async attempt(machine: TestMachine, changes: AnswerChanges = {}, spoil: (evidence: Evidence) => Evidence = (evidence) => evidence): Promise<HubAnswer> {
    const stream = this.stream(machine);
    const challenge = await this.challenge(stream, machine);
    const answer = await this.submit(stream, spoil(await stream.evidence(machine, challenge, changes)));
    await this.leave(stream, machine);
    return answer;
  }

  /** The control: what this puppet shows unspoiled, the hub believes. Without it a refusal would prove nothing. */
  async passes(machine: TestMachine, what = "the puppet's evidence passes while nothing is spoiled"): Promise<void> {
    const answer = await this.attempt(machine);
    this.prove(what, answer.t === "waiting" || answer.t === "admission", answer.t === "refusal" ? `${answer.value.code}: ${answer.value.message}` : answer.t);
  }

  /** Has the machine approved by the operator; gives its node certificate with the issuer's. Its stream stays open. */
  async admitted(machine: TestMachine): Promise<readonly Uint8Array[]> {
    const stream = this.stream(machine);
    const answer = await this.submit(stream, await stream.evidence(machine, await this.challenge(stream, machine)));
    this.prove("the puppet's evidence passes", answer.t === "waiting", answer.t === "refusal" ? answer.value.code : answer.t);
    await stream.next("waiting");
    const [, admission] = await Promise.all([this.world.approve(machine.ekName), stream.next("admission", ANSWER_MS)]);
    this.prove("it is approved, and has a node's certificate", admission.certificateChain.length === 2, admission.name);
    return admission.certificateChain.map((der) => new Uint8Array(der));
  }

  /** An operator takes a node out again. */
  async revoke(machine: TestMachine, reason: string): Promise<void> {
    const node = await this.world.node(machine.ekName);
    const ended = await this.world.hub(["revoke", node?.id ?? "", "--reason", reason, "--yes"]);
    this.prove("an operator takes it out at the end", ended.code === 0 || ended.code === 7, ended.stderr.trim());
  }

  /** That the hub refused with this code, and gave nothing. */
  refused(what: string, answer: HubAnswer, code: string): void {
    const held = answer.t === "refusal" && answer.value.code === code;
    this.prove(what, held, answer.t === "refusal" ? `${answer.value.code}: ${answer.value.message}` : answer.t === "silence" ? answer.why : `the hub answered with ${answer.t}`);
  }

  /** Closes a stream and waits until the hub knows; a second stream of one EK is another matter (cloned-vtpm). */
  async leave(stream: TestStream, machine: TestMachine): Promise<void> {
    stream.close();
    this.#streams.delete(stream);
    await sleep(this.stage.staleMs);
    await this.world.until("the hub to notice that a stream has ended", ANSWER_SECONDS, async () => {
      const node = (await this.world.nodes()).find((n) => n.ekName === machine.ekName);
      return node?.attached === true ? null : true;
    });
  }

  /** The end: proofs that slot and EK are outside, and what the hub says of it. */
  async outside(code: string, machine: TestMachine, slot: string = this.world.name): Promise<AttackOutcome> {
    this.proofs.push(...(await this.world.outside(slot, machine.ekName)));
    return this.outcome(code, await this.explanation(code, machine.ekName));
  }

  outcome(code: string, explanation: string): AttackOutcome {
    return { end: "outside", code, explanation, proofs: this.proofs, image: null, serial: null };
  }

  /** The hub's own word on the machine; where the attempt counted against nobody, on the code. */
  async explanation(code: string, ekName: string): Promise<string> {
    const node = (await this.world.nodes()).find((n) => n.ekName === ekName);
    if (node?.code === code) return (await this.world.explain(ekName)).text;
    const { code: exit, stdout, stderr } = await this.world.hub(["explain", code]);
    if (exit !== 0) throw new Error(`explain ${code} ended with ${exit}: ${stderr.trim()}`);
    return comparable(stdout);
  }

  /** Ends everything; safe at any point. */
  async close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await Promise.all([...this.#machines.values()].map((machine) => machine.stop()));
    this.#machines.clear();
    await this.stage.close();
  }
}
