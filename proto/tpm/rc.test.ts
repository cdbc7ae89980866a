import t from "tap";
import { rcName } from "./rc.ts";

t.test("names response codes of all three formats", async (t) => {
  const names: Readonly<Record<number, string>> = {
    0x000: "TPM_RC_SUCCESS",
    0x01e: "TPM_RC_BAD_TAG",
    0x100: "TPM_RC_INITIALIZE",
    0x101: "TPM_RC_FAILURE",
    0x126: "TPM_RC_POLICY",
    0x902: "TPM_RC_OBJECT_MEMORY",
    0x921: "TPM_RC_LOCKOUT",
    0x922: "TPM_RC_RETRY",
    0x98e: "TPM_RC_AUTH_FAIL (session 1)",
    0xa9d: "TPM_RC_POLICY_FAIL (session 2)",
    0x18b: "TPM_RC_HANDLE (handle 1)",
    0x2c4: "TPM_RC_VALUE (parameter 2)",
    0x1df: "TPM_RC_INTEGRITY (parameter 1)",
    0x08e: "TPM_RC_AUTH_FAIL",
  };
  for (const [rc, name] of Object.entries(names)) t.equal(rcName(Number(rc)), name);
});

t.test("a code without a name stays a number", async (t) => {
  t.equal(rcName(0x1ff), "0x000001ff");
  t.equal(rcName(0x500), "0x00000500", "vendors' codes are theirs");
  t.equal(rcName(0x000b0143), "0x000b0143", "the kernel's resource manager puts its layer above");
  t.equal(rcName(0xffffffff), "0xffffffff");
});
