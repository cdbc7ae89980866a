import type { KeyObject } from "node:crypto";
import type { KeyName } from "./files.ts";
import type { PrivateKey } from "./private-key.ts";

/** Where a cluster's private keys are: files under a passphrase, or a token under its PIN. */
export interface KeyBox {
  /** One key, if it is that of `spki`. Throws KeysError. */
  open(name: KeyName, spki: KeyObject): Promise<PrivateKey>;
  /** A new key; what the directory needs to find it again is among {@link KeyBox.files} afterwards. Throws KeysError. */
  make(name: KeyName): Promise<PrivateKey>;
  /** After `make("release")`: the key that was current is the previous one from now on. */
  keepRelease(): Promise<void>;
  /** Files (name, text) that the directory gets for what was made. */
  files(): ReadonlyMap<string, string>;
}
