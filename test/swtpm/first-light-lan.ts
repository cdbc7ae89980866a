import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A machine's place on the LAN: the links that its network namespace has, all down and without addresses. */
export interface Host {
  /** Put before a command, it runs there. */
  readonly enter: readonly [string, ...string[]];
}

/**
 * Network namespaces that stand for machines on one switch. `outside` is the switch itself, with an address on the LAN and the
 * far end of the master's eth1; nobody filters there, so what it can't reach, the machines keep closed. Nothing has a name on
 * this host: all of it ends with the processes that hold it, and those with us.
 */
export class Lan {
  readonly outside: Host;
  readonly #holders: ChildProcess[];

  private constructor(holders: ChildProcess[], outside: Host) {
    this.#holders = holders;
    this.outside = outside;
  }

  /** Needs root. `address` is the switch's on the LAN, with its prefix. */
  static async lay(address: string): Promise<Lan> {
    const holder = await hold();
    const lan = new Lan([holder], hostOf(holder));
    ip(lan.outside, "link set lo up", "link add lan type bridge", `address add ${address} dev lan`, "link set lan up");
    return lan;
  }

  /** A new machine with eth0 on the switch, and with an eth1 if `admin` is the other end's address. */
  async plug(admin?: string): Promise<Host> {
    const holder = await hold();
    this.#holders.push(holder);
    const port = `port${this.#holders.length}`;
    ip(this.outside, `link add ${port} type veth peer name eth0 netns ${holder.pid}`, `link set ${port} master lan up`);
    if (admin !== undefined) ip(this.outside, `link add admin type veth peer name eth1 netns ${holder.pid}`, `address add ${admin} dev admin`, "link set admin up");
    const host = hostOf(holder);
    ip(host, "link set lo up");
    return host;
  }

  /** Whether somebody takes TCP connections there, as seen from outside. */
  reaches(address: string, port: number): boolean {
    const [file, ...args] = this.outside.enter;
    return spawnSync(file, [...args, "timeout", "0.6", "bash", "-c", `exec 3<>"/dev/tcp/$0/$1"`, address, String(port)], { stdio: "ignore" }).status === 0;
  }

  /** Ends whatever still runs on the LAN, such as a command of an agent that was killed, then the LAN. */
  async remove(): Promise<void> {
    const held = this.#holders.map((holder) => namespaceOf(holder.pid)).filter((name) => name !== "");
    const strays = (): number[] => {
      const pids = readdirSync("/proc").map(Number).filter((pid) => pid > 0 && !this.#holders.some((holder) => holder.pid === pid));
      return pids.filter((pid) => held.includes(namespaceOf(pid)));
    };
    for (let left = strays(); left.length > 0; left = strays()) {
      for (const pid of left) kill(pid);
      await sleep(10);
    }
    for (const holder of this.#holders) {
      const exit = once(holder, "exit");
      holder.stdin?.end();
      await exit;
    }
  }
}

/** A process in a namespace of its own; it ends when its input does, so also when we are killed. */
async function hold(): Promise<ChildProcess> {
  const child = spawn("unshare", ["--net", "--", "cat"], { stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  const ours = readlinkSync("/proc/self/ns/net");
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`no network namespace: ${said.trim()} (needs root)`);
    if (![ours, ""].includes(namespaceOf(child.pid))) return child;
    await sleep(5);
  }
  throw new Error("unshare does not start");
}

/** Empty for a process that is gone. */
function namespaceOf(pid: number | undefined): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return "";
  }
}

function hostOf({ pid }: ChildProcess): Host {
  return { enter: ["nsenter", "--net", "--target", String(pid), "--"] };
}

/** Runs lines of `ip -batch` in a namespace. */
function ip({ enter: [file, ...args] }: Host, ...lines: readonly string[]): void {
  execFileSync(file, [...args, "ip", "-batch", "-"], { input: `${lines.join("\n")}\n`, stdio: ["pipe", "ignore", "inherit"] });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
