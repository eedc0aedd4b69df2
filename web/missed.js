// What a person is told where the stream of events is not whole, and why there is no connection.
// Pure: no page, no socket.

const NOT_KEPT = "what panes printed in between is not kept";
const RESTARTED = "the server was restarted";
const RESETS = new Map([
  ["epoch", "the server was restarted; events in between are not known"],
  ["expired", "the connection was away too long; events in between were missed"],
  ["scope", "not everything may be read any more; events in between were left out"],
]);
const ENDINGS = new Map([
  ["AUTH_FAILED", "the token is not good: it is wrong, too old, or was used before"],
  ["4503", "access was revoked"],
]);

// Whether another token is needed.
export const isBarred = ({ name, error }) =>
  name === "locked" || (name === "ended" && ENDINGS.has(error.code));

export const endingOf = (error) => ENDINGS.get(error.code) ?? error.message;

// Says things once for a connection, however many runs of the server its replay goes through.
export class Missed {
  #isToldOfOutput = false;
  #isToldOfRestart = false;

  // There is another connection.
  opened() {
    this.#isToldOfOutput = this.#isToldOfRestart = false;
  }

  // The text for a `Gap` or a `Restarted`; null: it is told already, or nothing that is shown.
  tell({ type, data }) {
    if (type === "stream.epoch") {
      this.#isToldOfRestart = true;
      return this.#isToldOfOutput ? `${RESTARTED}; ${NOT_KEPT}` : RESTARTED;
    }
    if (data.reason === "history") {
      if (data.only !== "pane.output" || this.#isToldOfOutput) return null;
      this.#isToldOfOutput = true;
      return this.#isToldOfRestart ? `${RESTARTED}; ${NOT_KEPT}` : NOT_KEPT;
    }
    if (data.reason === "slow") {
      return `${data.dropped === 1 ? "1 event was" : `${data.dropped ?? "some"} events were`} missed:`
        + " this page was too slow";
    }
    return RESETS.get(data.reason) ?? "the stream begins anew";
  }
}
