import { generateKeyPairSync, createPublicKey, type KeyObject } from "node:crypto";
import { issueLeaf, type Issuer } from "../../proto/pki/issue.ts";
import { parseCertificate } from "../../proto/pki/parse-certificate.ts";
import type { Clock, Entropy } from "../ports.ts";
import { spkiOf, type IssuerKeys } from "./issuer-keys.ts";

/**
 * Leaves outlive every boot they are made for: the keys under them end with it, nothing renews them within it, and a
 * node's certificate admits nobody by itself, since each stream brings new evidence.
 */
const VALIDITY_MS = 365 * 24 * 3_600_000;

/** The hub's own leaf with its key; the chain is DER, leaf first, without the root. */
export interface HubLeaf {
  readonly key: KeyObject;
  readonly chain: readonly Uint8Array[];
  readonly spki: Uint8Array;
}

/** Issues leaves under the two intermediates that the root signed for this hub (DESIGN §2.1). */
export class ClusterIssuer {
  readonly #keys: IssuerKeys;
  readonly #certificates: { readonly hub: Uint8Array; readonly node: Uint8Array };
  readonly #cluster: string;
  readonly #clock: Clock;
  readonly #entropy: Entropy;

  constructor(options: {
    readonly cluster: string;
    readonly keys: IssuerKeys;
    /** DER of the intermediates, already verified to be over `keys`. */
    readonly certificates: { readonly hub: Uint8Array; readonly node: Uint8Array };
    readonly clock: Clock;
    readonly entropy: Entropy;
  }) {
    this.#keys = options.keys;
    this.#certificates = options.certificates;
    this.#cluster = options.cluster;
    this.#clock = options.clock;
    this.#entropy = options.entropy;
  }

  /** A node's chain over the key of its claims (SPKI, DER), for the slot it was approved for. */
  async issueNode(slot: string, spki: Uint8Array): Promise<readonly Uint8Array[]> {
    const subjectKey = createPublicKey({ key: Buffer.from(spki), type: "spki", format: "der" });
    const issuer = { certificate: this.#certificates.node, key: this.#keys.node };
    const leaf = await issueLeaf({ ...this.#validity(issuer), subjectKey, cluster: this.#cluster, role: "node", name: slot, issuer });
    return [leaf, this.#certificates.node];
  }

  /** The server's own certificate over a new key. */
  async issueHub(slot: string): Promise<HubLeaf> {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const issuer = { certificate: this.#certificates.hub, key: this.#keys.hub };
    const leaf = await issueLeaf({ ...this.#validity(issuer), subjectKey: privateKey, cluster: this.#cluster, role: "hub", name: slot, issuer });
    return { key: privateKey, chain: [leaf, this.#certificates.hub], spki: spkiOf(privateKey) };
  }

  /**
   * Valid from the moment its issuer is: a peer whose clock is behind must still take it, and a date before the key was made gives
   * nothing to anybody. What ends a certificate is `notAfter`.
   */
  #validity(issuer: Issuer): { readonly notBefore: Date; readonly notAfter: Date; readonly serial: Uint8Array } {
    const { notBefore } = parseCertificate(issuer.certificate);
    return { notBefore, notAfter: new Date(this.#clock.wallMs() + VALIDITY_MS), serial: this.#entropy.bytes(16) };
  }
}
