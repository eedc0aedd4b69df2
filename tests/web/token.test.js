import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { fromAddress, keep, recall, tokenIn } from "../../web/token.js";

// Just so much of a browser: an address, a history, a storage that may refuse.
let refuses, replaced;
beforeEach(() => {
  const stored = new Map();
  refuses = false;
  replaced = [];
  globalThis.location = { hash: "", pathname: "/", search: "?x=1" };
  globalThis.history = { replaceState: (...all) => replaced.push(all) };
  Object.defineProperty(globalThis, "sessionStorage", {
    configurable: true,
    get() {
      if (refuses) throw new Error("SecurityError");
      return {
        getItem: (key) => stored.get(key) ?? null,
        setItem: (key, value) => stored.set(key, value),
        removeItem: (key) => stored.delete(key),
      };
    },
  });
});
afterEach(() => keep(null));

test("a token comes out of the address, and is gone from it", () => {
  location.hash = "#token=tp_a_b-c";
  assert.equal(fromAddress(), "tp_a_b-c");
  assert.deepEqual(replaced, [[null, "", "/?x=1"]]);
});

test("an address without one stays as it is", () => {
  for (const hash of ["", "#sessions", "#nottoken=x"]) {
    location.hash = hash;
    assert.equal(fromAddress(), null);
  }
  assert.deepEqual(replaced, []);
});

test("what is pasted may be a token or an address with one", () => {
  for (const text of ["tp_a_b", " tp_a_b\n", "http://127.0.0.1:8765/#token=tp_a_b", "#token=tp_a_b "]) {
    assert.equal(tokenIn(text), "tp_a_b");
  }
  assert.equal(tokenIn("x".repeat(9000)).length, 512);
});

test("a token is kept until it is forgotten, with a storage or without", () => {
  for (refuses of [false, true]) {
    assert.equal(recall(), null);
    keep("tp_a_b");
    assert.equal(recall(), "tp_a_b");
    keep(null);
    assert.equal(recall(), null);
  }
});
