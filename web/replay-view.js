// Steering the replay of a recording: there only where the server plays one.

import { button, byId, element, setAttribute, setText } from "./dom.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16, 64];
const LOOK_MS = 1000;
const STEP_S = 10;

// Where a replay is at a time, from what was told of it at another. Pure.
export function positionAt(state, told, now) {
  if (state.paused || state.finished || state.speed === null) return state.position_s;
  const moved = state.position_s + (now - told) / 1000 * state.speed;
  return Math.min(moved, state.duration_s ?? moved);
}

export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  return `${hours ? `${hours}:` : ""}${hours ? two(Math.floor(whole / 60) % 60) : Math.floor(whole / 60)}:${two(whole % 60)}`;
}

export class ReplayView {
  #ask; // (order) -> Promise of the state
  #state = null;
  #told = 0;
  #its = null;
  #held = false; // the slider is
  #timer = null;
  #said = () => {};

  constructor(ask, said) {
    this.#ask = ask;
    this.#said = said;
  }

  get state() {
    return this.#state;
  }

  // Asks whether something is replayed here; if so it goes on to ask, until `stop`.
  async begin() {
    this.stop();
    try {
      this.#take(await this.#ask({}));
    } catch (error) {
      if (error.code === "UNAVAILABLE" && error.name !== "ServerUnavailable") byId("player").hidden = true;
      return false;
    }
    this.#its ??= this.#make();
    byId("player").hidden = false;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.paint();
    return true;
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #look = async () => {
    if (document.hidden) return;
    await this.#order({});
  };

  async #order(order) {
    try {
      this.#take(await this.#ask(order));
      this.paint();
    } catch (error) {
      if (Object.keys(order).length) this.#said(`the replay could not be steered: ${error.message}`);
    }
  }

  #take(state) {
    this.#state = state;
    this.#told = performance.now();
  }

  toggle() {
    if (!this.#state?.may_steer) return;
    if (this.#state.finished) this.#order({ seek_s: 0, play: "resume" });
    else this.#order({ play: this.#state.paused ? "resume" : "pause" });
  }

  step(direction) {
    if (this.#state?.may_steer) this.#seek(positionAt(this.#state, this.#told, performance.now()) + direction * STEP_S);
  }

  #seek(seconds) {
    const longest = this.#state.duration_s ?? seconds;
    this.#order({ seek_s: Math.min(Math.max(0, seconds), longest) });
  }

  #make() {
    const its = {
      play: button("", "", () => this.toggle()), seek: element("input"), time: element("span", "time"),
      speed: element("select"), state: element("span", "state"),
    };
    Object.assign(its.seek, { type: "range", min: 0, step: 0.1, ariaLabel: "Place in the recording" });
    its.seek.addEventListener("input", () => {
      this.#held = true;
      setText(its.time, `${clockText(its.seek.value)} / ${clockText(this.#state.duration_s ?? 0)}`);
    });
    its.seek.addEventListener("change", () => {
      this.#held = false;
      this.#seek(Number(its.seek.value));
    });
    its.speed.ariaLabel = "Speed";
    its.speed.append(...SPEEDS.map((one) => new Option(`${one}×`, one)));
    its.speed.addEventListener("change", () => this.#order({ speed: Number(its.speed.value) }));
    byId("player").append(element("strong", "", "Replay"), its.play, its.seek, its.time, its.speed, its.state);
    return its;
  }

  paint() {
    if (!this.#its || !this.#state) return;
    const { play, seek, time, speed, state } = this.#its;
    const { paused, finished, duration_s: duration, may_steer: may } = this.#state;
    const position = positionAt(this.#state, this.#told, performance.now());
    setText(play, finished ? "Again" : paused ? "Play" : "Pause");
    for (const one of [play, seek, speed]) one.disabled = !may;
    seek.disabled = !may || duration === null;
    if (!this.#held) {
      seek.max = String(duration ?? Math.max(position, 1));
      seek.value = String(position);
      setText(time, duration === null ? clockText(position) : `${clockText(position)} / ${clockText(duration)}`);
      setAttribute(seek, "aria-valuetext", time.textContent);
    }
    const value = String(this.#state.speed ?? "");
    if (value && ![...speed.options].some((one) => one.value === value)) speed.append(new Option(`${value}×`, value));
    if (document.activeElement !== speed) speed.value = value;
    setText(state, [finished && "at its end", paused && "paused", !may && "this token may only look"].filter(Boolean).join(" · "));
  }
}
