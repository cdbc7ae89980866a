import t from "tap";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { DeployEvent } from "./deploy-event.ts";
import { DeployError } from "./error.ts";
import { type WatchedGuests, watchGuests } from "./watch-guests.ts";

/** Guests whose status files are the given ones, one after the other; after the last the guest has ended. */
function guestsOf(statuses: Readonly<Record<string, readonly (string | null)[]>>): WatchedGuests {
  const left = new Map(Object.entries(statuses).map(([name, list]) => [name, [...list]]));
  return {
    running: () => [...left].filter(([, list]) => list.length > 0).map(([name]) => name),
    readFile: async (name) => {
      const next = left.get(name)?.shift();
      if (next === undefined) throw new DeployError("GUEST_ENDED", `${name} ended`);
      return next === null ? null : utf8(next);
    },
    ended: async () => "guest-shutdown",
    console: async (name) => `/state/${name}/serial.log`,
  };
}

const status = (state: string, up: readonly boolean[] = [], code?: string): string =>
  JSON.stringify({ node: { state, ...(code === undefined ? {} : { code }) }, planes: up.map((u, i) => ({ name: `wg${i + 1}`, up: u })) });

t.test("each change is said once, then the end", async (t) => {
  const said: DeployEvent[] = [];
  const guests = guestsOf({ "w-1": [null, status("pending"), status("pending"), status("admitted", [true, true, false])] });
  await t.rejects(watchGuests(guests, ["w-1"], (event) => said.push(event), new AbortController().signal, 1), { code: "GUEST_ENDED" }, "nobody is left");
  t.same(said, [
    { event: "state", node: "w-1", state: "pending", planes: [] },
    { event: "state", node: "w-1", state: "admitted", planes: ["wg1", "wg2"] },
    { event: "ended", node: "w-1", cause: "guest-shutdown", console: "/state/w-1/serial.log" },
  ]);
});

t.test("what a guest writes reaches no terminal unless it is a plain word", async (t) => {
  const said: DeployEvent[] = [];
  const stop = new AbortController();
  const bad = ["{", "[]", status("\u001b[2J"), status("x".repeat(33)), status("refused", [], "no code"), JSON.stringify({ node: { state: "admitted" }, planes: [{ name: "eth0\n", up: true }] })];
  const guests = guestsOf({ "w-1": [...bad.slice(0, 1)], "w-2": [...bad.slice(1, 2)], "w-3": bad.slice(2, 3), "w-4": bad.slice(3, 4), "w-5": bad.slice(4, 5), "w-6": bad.slice(5), "w-7": [status("refused", [], "WINDOW_CLOSED"), ...Array<null>(1000).fill(null)] });
  const watching = watchGuests(guests, ["w-1", "w-2", "w-3", "w-4", "w-5", "w-6", "w-7"], (event) => said.push(event), stop.signal, 1);
  setTimeout(() => stop.abort(), 100);
  await watching;
  t.same(said.filter((event) => event.event !== "ended"), [{ event: "state", node: "w-7", state: "refused (WINDOW_CLOSED)", planes: [] }]);
});
