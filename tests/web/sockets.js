// The WebSocket of the tests: the package `ws`, as somebody with Node 20 gives it.

export { WebSocket } from "ws";
