import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { createFiles } from "../host/files.ts";
import { lookAround, parseMounts } from "./surroundings.ts";

const MOUNTINFO = `29 1 254:0 / / ro,nodev,relatime - erofs /dev/dm-0 ro,user_xattr
30 29 0:25 / /var rw,nosuid,nodev,noexec,relatime shared:12 master:3 - tmpfs tmpfs rw,size=120000k
`;

t.test("says what systemd imported, what is mounted, and the command line", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "kubedos-look-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const folder of ["proc/self", "run/credentials/@system", "run/credentials/a.service"]) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "proc/cmdline"), "roothash=00 ro\n");
  writeFileSync(join(root, "proc/self/mountinfo"), MOUNTINFO);
  writeFileSync(join(root, "proc/swaps"), "Filename\tType\n/dev/vda4 partition 1024\n");
  writeFileSync(join(root, "run/credentials/@system/x"), "what is in it stays in it");
  t.same(await lookAround(createFiles(root), 7), {
    id: 7,
    cmdline: "roothash=00 ro",
    credentials: ["@system/x"],
    mounts: [
      { target: "/", type: "erofs", source: "/dev/dm-0" },
      { target: "/var", type: "tmpfs", source: "tmpfs" },
    ],
    swaps: ["/dev/vda4"],
  });
});

t.test("nothing there is nothing", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "kubedos-look-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  t.same(await lookAround(createFiles(root), 0), { id: 0, cmdline: "", credentials: [], mounts: [], swaps: [] });
});

t.test("lines of another shape are left out", async (t) => {
  t.same(parseMounts("\n1 2 3\n29 1 254:0 / / ro\n"), []);
});
