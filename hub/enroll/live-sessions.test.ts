import t from "tap";
import type { Greeting } from "./greet.ts";
import { LiveSessions, type LiveSession } from "./live-sessions.ts";
import { Trial } from "./trial.ts";

/** A stream that notes what happens to it; it ends as a real one does. */
class Noting implements LiveSession {
  readonly source: string;
  readonly happened: string[] = [];
  readonly #live: LiveSessions;

  constructor(live: LiveSessions, source: string) {
    this.#live = live;
    this.source = source;
  }
  approved = (): void => void this.happened.push("approved");
  renew = (): void => void this.happened.push("renew");
  putOnTrial = (): void => void this.happened.push("trial");
  prevail = (): void => void this.happened.push("prevail");
  refuse = ({ code }: { readonly code: string }): void => {
    this.happened.push(code);
    this.#live.leave("id", this);
  };
}
const END = { code: "CLONE_DETECTED", message: "m", retryAfterMs: 0 } as const;

t.test("one stream is alone; of more, each older one is on trial, and who is left alone prevails", async (t) => {
  const live = new LiveSessions();
  const [a, b, c] = ["a", "b", "c"].map((name) => new Noting(live, name)) as [Noting, Noting, Noting];
  t.equal(live.get("id"), null);
  t.ok(live.join("id", a));
  t.notOk(live.join("id", b));
  t.notOk(live.join("id", c));
  t.same(a.happened, ["trial", "trial"], "a stream takes one question for all of them");
  t.same(b.happened, ["trial"]);
  t.same(live.sources("id"), ["a", "b", "c"]);
  live.leave("id", a);
  t.same(c.happened, [], "not before both are gone");
  live.leave("id", a);
  live.leave("other", b);
  t.same(c.happened, [], "and nobody is gone twice");
  live.leave("id", b);
  t.same(c.happened, ["prevail"]);
  live.leave("id", c);
  t.equal(live.size, 0);
});

t.test("what ends all of them lets nobody prevail", async (t) => {
  const live = new LiveSessions();
  const [a, b, c] = ["a", "b", "c"].map((name) => new Noting(live, name)) as [Noting, Noting, Noting];
  for (const stream of [a, b, c]) live.join("id", stream);
  live.get("id")?.refuse(END);
  t.same(c.happened, ["CLONE_DETECTED"]);
  t.same(b.happened, ["trial", "CLONE_DETECTED"]);
  t.same(a.happened, ["trial", "trial", "prevail", "CLONE_DETECTED"], "the oldest is on trial: alone at last, it gets nothing by that");
  t.equal(live.get("id"), null);
});

t.test("an old stream that can't even be asked makes room at once", async (t) => {
  const live = new LiveSessions();
  const [a, b] = ["a", "b"].map((name) => new Noting(live, name)) as [Noting, Noting];
  a.putOnTrial = () => a.refuse(END);
  live.join("id", a);
  t.notOk(live.join("id", b), "the caller needn't go on by itself");
  t.same(b.happened, ["prevail"]);
});

t.test("a trial's time", async (t) => {
  const secret = new Uint8Array(32).fill(7);
  const trial = new Trial({ challenge: { secret, issuedAt: 1000, expiresAt: 3000 } } as Greeting);
  t.notOk(trial.isOver(2999, 0));
  t.ok(trial.isOver(3000, 0));
  t.ok(trial.isAnsweredBy(secret), "a late answer is one all the same: the stream is still there");
  for (const wrong of [new Uint8Array(32), new Uint8Array(0), secret.subarray(1)]) t.notOk(trial.isAnsweredBy(wrong));
  const stopped = new Trial({ challenge: { secret, issuedAt: 1000, expiresAt: 3000 } } as Greeting);
  t.notOk(stopped.isOver(9000, 7500), "the hub stood still, not the node");
  t.ok(stopped.isOver(11_000, 0), "counted on from there");
  const late = new Trial({ challenge: { secret, issuedAt: 9000, expiresAt: 11_000 } } as Greeting);
  t.notOk(late.isOver(9100, 60_000));
  t.ok(late.isOver(11_200, 0), "what the hub missed before it asked gives no time");
});
