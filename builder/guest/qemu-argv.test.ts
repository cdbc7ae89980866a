import t from "tap";
import { qemuArgv } from "./qemu-argv.ts";
import type { GuestShape } from "./qemu-argv.ts";
import { qemuValue } from "./qemu-value.ts";

const shape: GuestShape = {
  name: "w-1",
  uuid: "11111111-2222-4333-8444-555555555555",
  memoryMiB: 256,
  cpus: 2,
  accel: "tcg",
  disk: "/g/disk.qcow2",
  firmware: "/fw/code.fd",
  vars: "/g/vars.fd",
  tpmSocket: "/g/tpm.sock",
  qmpSocket: "/g/qmp.sock",
  qgaSocket: "/g/qga.sock",
  serialLog: "/g/serial.log",
  oemStrings: [],
};

const golden = `qemu-system-x86_64 -name w-1 -uuid 11111111-2222-4333-8444-555555555555
-accel tcg,thread=multi -cpu max
-machine q35,smm=on,vmport=off -global driver=cfi.pflash01,property=secure,value=on
-m 256 -smp 2 -nodefaults -no-user-config -display none -no-reboot
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
-drive if=pflash,unit=0,format=raw,readonly=on,file=/fw/code.fd
-drive if=pflash,unit=1,format=raw,file=/g/vars.fd
-chardev file,id=serial,path=/g/serial.log,append=on -serial chardev:serial
-chardev socket,id=qmp,path=/g/qmp.sock,server=on,wait=off -mon chardev=qmp,mode=control
-chardev socket,id=tpm,path=/g/tpm.sock -tpmdev emulator,id=tpm0,chardev=tpm -device tpm-crb,tpmdev=tpm0
-drive if=none,id=disk,format=qcow2,file=/g/disk.qcow2 -device virtio-blk-pci,drive=disk,bootindex=1
-device virtio-rng-pci
-device vmgenid,id=genid,guid=6b756265-646f-4073-8000-000000000001
-device virtio-serial-pci -chardev socket,id=qga,path=/g/qga.sock,server=on,wait=off
-device virtserialport,chardev=qga,name=org.qemu.guest_agent.0`;

const words = (text: string): readonly string[] => text.split(/\s+/);

t.test("data volumes are known by their serial numbers, and boot nothing", async (t) => {
  const argv = qemuArgv({ ...shape, volumes: [{ name: "hub", file: "/g/a,b.img" }] });
  t.same(argv.filter((_, i) => argv[i - 1] === "-drive").at(-1), "if=none,id=volume-hub,format=raw,file=/g/a,,b.img");
  t.ok(argv.includes("virtio-blk-pci,drive=volume-hub,serial=kubedos-hub,romfile="));
  t.equal(argv.filter((word) => word.includes("bootindex")).length, 1);
});

t.test("a guest without networks", async (t) => {
  t.same(qemuArgv(shape), words(golden));
});

t.test("KVM changes the processor and nothing else", async (t) => {
  const expected = golden.replace("-accel tcg,thread=multi -cpu max", "-accel kvm -cpu host");
  t.same(qemuArgv({ ...shape, accel: "kvm" }), words(expected));
});

t.test("LAN first, then the operators' network, so that they are eth0 and eth1", async (t) => {
  const argv = qemuArgv({
    ...shape,
    forward: { hostPort: 40001, guestPort: 7444, mac: "52:54:00:01:00:01" },
    lan: { group: "230.1.2.3", port: 12345, mac: "52:54:00:00:00:01" },
  });
  t.same(
    argv.slice(words(golden).length),
    words(`-netdev socket,id=lan,mcast=230.1.2.3:12345,localaddr=127.0.0.1
      -device virtio-net-pci,netdev=lan,mac=52:54:00:00:00:01,romfile=
      -netdev user,id=admin,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:40001-:7444
      -device virtio-net-pci,netdev=admin,mac=52:54:00:01:00:01,romfile=`),
  );
});

t.test("SMBIOS strings keep their commas and stay one option each", async (t) => {
  const argv = qemuArgv({ ...shape, oemStrings: ['kubedos.hint={"v":1,"slot":"w-1"}', "a,value=b"] });
  t.same(argv.slice(-2), ["-smbios", 'type=11,value=kubedos.hint={"v":1,,"slot":"w-1"},value=a,,value=b']);
});

t.test("no path or name can add an option", async (t) => {
  const argv = qemuArgv({ ...shape, serialLog: "/g/a,server=on.log", name: "a,process=b" });
  t.ok(argv.includes("file,id=serial,path=/g/a,,server=on.log,append=on"));
  t.ok(argv.includes("a,,process=b"));
});

t.test("a serial port that can be typed into writes the same log, and what is added stands last", async (t) => {
  const argv = qemuArgv({ ...shape, serialSocket: "/g/s,1.sock", oemStrings: ["x"], extraArgv: ["-fw_cfg", "name=opt/a,string=b"] });
  t.ok(argv.includes("socket,id=serial,path=/g/s,,1.sock,server=on,wait=off,logfile=/g/serial.log,logappend=on"));
  t.same(argv.slice(-2), ["-fw_cfg", "name=opt/a,string=b"]);
});

t.test("what can't travel in an option is refused", async (t) => {
  for (const text of ["a\nb", "a\0b", "\u007f", "\u0001"]) t.throws(() => qemuValue(text), RangeError);
  t.equal(qemuValue(",,a,"), ",,,,a,,");
  t.equal(qemuValue(""), "");
});
