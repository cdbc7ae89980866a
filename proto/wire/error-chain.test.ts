import t from "tap";
import { errorChain } from "./error-chain.ts";

t.test("each layer's own sentence, the outermost first", async (t) => {
  const root = new Error("no such file");
  t.equal(errorChain(root), "no such file");
  t.equal(errorChain(new Error("loading the key failed", { cause: new Error("it can't be read", { cause: root }) })), "loading the key failed: it can't be read: no such file");
  t.equal(errorChain(new Error("outer", { cause: "a string" })), "outer: a string");
  t.equal(errorChain("no error at all"), "no error at all");
  t.equal(errorChain(undefined), "");
  const own = new Error("round");
  own.cause = own;
  t.equal(errorChain(own), Array(8).fill("round").join(": "), "a circle has an end");
});
