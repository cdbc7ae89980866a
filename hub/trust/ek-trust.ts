import type { Pins } from "../../proto/release/pins.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";
import type { EkTrust } from "../attest/ek-certificate.ts";

/** Makers whose EK certificates count by a pin file; without roots where it names none. */
export function ekTrustOf({ ekTrust }: Pick<Pins, "ekTrust">): EkTrust {
  const { roots = [], intermediates = [], quirks = [], revoked = [] } = ekTrust ?? {};
  return { roots: roots.map(fromBase64), intermediates: intermediates.map(fromBase64), quirks, revoked };
}
