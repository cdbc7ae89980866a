/**
 * The kernel's command line, sealed in the UKI and again in the initrd. Byte for byte what init accepts, so there is no
 * newline. Each word after the root hash closes a door or keeps the console quiet (DESIGN §2.2).
 */
export function commandLine(rootHash: string): string {
  return [
    `roothash=${rootHash}`,
    "console=ttyS0",
    // A node that can't go on restarts; it doesn't wait for a keyboard.
    "panic=-1",
    "ro",
    "quiet",
    "net.ifnames=0",
    "audit=0",
    // Before init, and not only when /etc/sysctl.d is read: a break on the serial port is an order to the kernel.
    "sysctl.kernel.sysrq=0",
    "systemd.show_status=no",
    // Credentials from SMBIOS and fw_cfg are invisible to the TPM.
    "systemd.import_credentials=no",
    "systemd.gpt_auto=no",
  ].join(" ");
}

/** The UKI's `.osrel` section (os-release(5)): names cluster and role to whoever reads the file or the log. */
export function osRelease(cluster: string, role: string): string {
  return [`ID=kubedos`, `NAME=kubedos`, `PRETTY_NAME="kubedos ${cluster} ${role}"`, `IMAGE_ID=${cluster}-${role}`, `VARIANT_ID=${role}`, ""].join("\n");
}
