import t from "tap";
import { moduleName, moduleOrder } from "./module-order.ts";

const dep = `kernel/fs/erofs/erofs.ko: kernel/lib/libcrc32c.ko
kernel/lib/libcrc32c.ko:
kernel/drivers/md/dm-verity.ko: kernel/drivers/md/dm-bufio.ko kernel/drivers/md/dm-mod.ko
kernel/drivers/md/dm-bufio.ko: kernel/drivers/md/dm-mod.ko
kernel/drivers/md/dm-mod.ko:
kernel/drivers/block/virtio_blk.ko.xz:
`;

t.test("each module comes once, after what it needs", async (t) => {
  t.same(moduleOrder(dep, ["virtio_blk", "dm-verity", "erofs", "dm_bufio"]), [
    "kernel/drivers/block/virtio_blk.ko.xz",
    "kernel/drivers/md/dm-mod.ko",
    "kernel/drivers/md/dm-bufio.ko",
    "kernel/drivers/md/dm-verity.ko",
    "kernel/lib/libcrc32c.ko",
    "kernel/fs/erofs/erofs.ko",
  ]);
  t.same(moduleOrder(dep, []), []);
});

t.test("a module that the kernel lacks is an error, not a boot without it", async (t) => {
  t.throws(() => moduleOrder(dep, ["nvme"]), /no module nvme/);
  t.throws(() => moduleOrder("", ["erofs"]), /no module erofs/);
});

t.test("names as the kernel has them", async (t) => {
  t.equal(moduleName("kernel/drivers/md/dm-verity.ko.xz"), "dm_verity");
  t.equal(moduleName("dm-verity"), "dm_verity");
  t.equal(moduleName("sha256-ssse3.ko"), "sha256_ssse3");
});
