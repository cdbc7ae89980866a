import { z } from "zod";
import { EK_QUIRK_NAMES } from "../../release/ek-quirk.ts";
import { EK_TRUST_LIMITS } from "../../release/pins.ts";
import { hexText } from "../../wire/text.ts";
import { duration } from "../duration.ts";
import { key } from "../key.ts";

const EK_TRUST = "pins, for the hub";

/** What it takes to be a node, and for how long. */
export const trust = z.strictObject({
  approvals: key(z.int().min(1).max(2).default(1), "How many operators must sign for a node.", "nothing yet, and `validate` says so: the hub takes one"),
  lease: key(duration("1m", "24h").prefault("15m"), "How long a verdict counts. A node that can't reach the hub for this long loses its peers.", "images"),
  renew: key(duration("10s", "24h").prefault("5m"), "How often a verdict is given anew; at most half of the lease.", "images"),
  ekRoots: key(z.string().min(1).max(1024).optional(), "Folder, from the spec's own, with the certificates of TPM makers whose EK certificates anchor a machine.", EK_TRUST),
  ekQuirks: key(z.array(z.enum(EK_QUIRK_NAMES)).max(EK_QUIRK_NAMES.length).default([]), "Which deviations of makers are put up with (docs/anchors.md).", EK_TRUST),
  ekRevoked: key(z.array(hexText(32)).max(EK_TRUST_LIMITS.revoked).default([]), "SHA-256 of withdrawn certificates: of a TPM, an issuer or a root.", EK_TRUST),
});
