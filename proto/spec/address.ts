import { z } from "zod";
import { parseCidr } from "./cidr.ts";

const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const QUAD = `${OCTET}(\\.${OCTET}){3}`;

/** IPv4 address as a dotted quad. Leading zeros are refused: some parsers read them as octal. */
export const ipv4 = z.string().regex(new RegExp(`^${QUAD}$`), "must be an IPv4 address like 10.100.10.224, without leading zeros").meta({ title: "IPv4 address" });

/** IPv4 network like 10.78.0.0/16; its host bits are zero, so that one network has one spelling. */
export const cidr = z
  .string()
  .regex(new RegExp(`^${QUAD}/([1-9]|[12]\\d|3[0-2])$`), { error: "must be an IPv4 network like 10.78.0.0/16", abort: true })
  .check((ctx) => {
    try {
      parseCidr(ctx.value);
    } catch (e) {
      ctx.issues.push({ code: "custom", input: ctx.value, message: e instanceof Error ? e.message : "must be an IPv4 network" });
    }
  })
  .meta({ title: "IPv4 network" });
