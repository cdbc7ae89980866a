import type { Argv } from "../toolchain/run-host.ts";
import { qemuValue } from "./qemu-value.ts";

/** How the guest's instructions run. TCG needs nothing of the host. */
export type Accel = "kvm" | "tcg";

/** Cluster LAN over UDP multicast on the host's loopback: needs no privilege and joins any number of guests. */
export interface LanShape {
  /** Group address, 230.0.0.0/8. */
  readonly group: string;
  readonly port: number;
  readonly mac: string;
}

/** The operators' network: QEMU's own, closed to the world, one port of the host's loopback forwarded into the guest. */
export interface ForwardShape {
  readonly hostPort: number;
  readonly guestPort: number;
  readonly mac: string;
}

/** A data volume's disk; the guest knows it by its serial number `kubedos-NAME`, of at most 20 characters. */
export interface VolumeShape {
  readonly name: string;
  /** Raw file. */
  readonly file: string;
}

/** One guest, as QEMU sees it. All paths absolute; sockets at most 107 bytes long. */
export interface GuestShape {
  readonly name: string;
  /** SMBIOS UUID; also the seed of the guest's machine id. */
  readonly uuid: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly accel: Accel;
  /** qcow2 file of this guest alone. */
  readonly disk: string;
  /** Data volumes. */
  readonly volumes?: readonly VolumeShape[];
  /** OVMF's code, and this guest's own variable store. */
  readonly firmware: string;
  readonly vars: string;
  readonly tpmSocket: string;
  readonly qmpSocket: string;
  readonly qgaSocket: string;
  readonly serialLog: string;
  /** eth0. */
  readonly lan?: LanShape;
  /** eth1. */
  readonly forward?: ForwardShape;
  /** SMBIOS type 11 strings, in order; the hint record is one. */
  readonly oemStrings: readonly string[];
  /** Socket of the serial port, for tests that type into it; the log is written all the same. */
  readonly serialSocket?: string;
  /** Further arguments, behind all others: what a hostile host adds, in tests. */
  readonly extraArgv?: readonly string[];
}

/**
 * Shape → QEMU's command line. q35 with SMM, so that only firmware writes the variable store that holds our Secure Boot
 * keys; no default devices; a reboot by the guest ends QEMU (a panic then is an exit, not a loop).
 */
export function qemuArgv(g: GuestShape): Argv {
  return [
    "qemu-system-x86_64",
    "-name", qemuValue(g.name),
    "-uuid", g.uuid,
    ...(g.accel === "kvm" ? ["-accel", "kvm", "-cpu", "host"] : ["-accel", "tcg,thread=multi", "-cpu", "max"]),
    "-machine", "q35,smm=on,vmport=off",
    "-global", "driver=cfi.pflash01,property=secure,value=on",
    "-m", String(g.memoryMiB),
    "-smp", String(g.cpus),
    "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
    "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    "-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${qemuValue(g.firmware)}`,
    "-drive", `if=pflash,unit=1,format=raw,file=${qemuValue(g.vars)}`,
    "-chardev", g.serialSocket === undefined
      ? `file,id=serial,path=${qemuValue(g.serialLog)},append=on`
      : `socket,id=serial,path=${qemuValue(g.serialSocket)},server=on,wait=off,logfile=${qemuValue(g.serialLog)},logappend=on`,
    "-serial", "chardev:serial",
    "-chardev", `socket,id=qmp,path=${qemuValue(g.qmpSocket)},server=on,wait=off`,
    "-mon", "chardev=qmp,mode=control",
    "-chardev", `socket,id=tpm,path=${qemuValue(g.tpmSocket)}`,
    "-tpmdev", "emulator,id=tpm0,chardev=tpm",
    "-device", "tpm-crb,tpmdev=tpm0",
    "-drive", `if=none,id=disk,format=qcow2,file=${qemuValue(g.disk)}`,
    "-device", "virtio-blk-pci,drive=disk,bootindex=1",
    ...(g.volumes ?? []).flatMap(volumeArgs),
    "-device", "virtio-rng-pci",
    // Firmware measures the id into PCR 1: one for all, so that guests of one shape have one firmware. Who starts a guest from
    // a snapshot gives another one (-set device.genid.guid=auto), and the guest takes new keys.
    "-device", "vmgenid,id=genid,guid=6b756265-646f-4073-8000-000000000001",
    "-device", "virtio-serial-pci",
    "-chardev", `socket,id=qga,path=${qemuValue(g.qgaSocket)},server=on,wait=off`,
    "-device", "virtserialport,chardev=qga,name=org.qemu.guest_agent.0",
    ...(g.lan === undefined ? [] : lanArgs(g.lan)),
    ...(g.forward === undefined ? [] : forwardArgs(g.forward)),
    ...(g.oemStrings.length === 0 ? [] : ["-smbios", `type=11,${g.oemStrings.map((s) => `value=${qemuValue(s)}`).join(",")}`]),
    ...(g.extraArgv ?? []),
  ];
}

function volumeArgs({ name, file }: VolumeShape): readonly string[] {
  return ["-drive", `if=none,id=volume-${name},format=raw,file=${qemuValue(file)}`, "-device", `virtio-blk-pci,drive=volume-${name},serial=kubedos-${name},romfile=`];
}

// romfile= : no option ROM, or PCR 2 would hold one.
function lanArgs(lan: LanShape): readonly string[] {
  return [
    "-netdev", `socket,id=lan,mcast=${lan.group}:${lan.port},localaddr=127.0.0.1`,
    "-device", `virtio-net-pci,netdev=lan,mac=${lan.mac},romfile=`,
  ];
}

function forwardArgs(f: ForwardShape): readonly string[] {
  return [
    "-netdev", `user,id=admin,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:${f.hostPort}-:${f.guestPort}`,
    "-device", `virtio-net-pci,netdev=admin,mac=${f.mac},romfile=`,
  ];
}
