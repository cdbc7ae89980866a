import { dnsLabel } from "../wire/text.ts";

/** A DNS label with the word that the reference calls it by. */
export const label = dnsLabel.meta({ title: "DNS label" });
