import type { PinnedEkTrust } from "../../proto/release/pins.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { makeCa, type TestCa } from "../fakes/ek-pki.ts";

/** A maker of TPMs. */
export function makeEkMaker(): TestCa {
  return makeCa("a maker that the cluster believes");
}

/** What a cluster that believes this maker alone has in its pin file. */
export function trustIn(maker: TestCa): PinnedEkTrust {
  return { roots: [toBase64(maker.der)], intermediates: [], quirks: [], revoked: [] };
}
