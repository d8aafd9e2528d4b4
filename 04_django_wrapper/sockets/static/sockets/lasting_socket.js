// LastingSocket: a WebSocket that comes back by itself. It sends and receives JSON, and
// knows nothing of the page around it. CLIENT.md shows how to use it.
//
// 1. Its state is one word: connecting, live, reconnecting, offline or closed.
// 2. After each failure it waits longer, up to half a minute, and never exactly as long
//    as others do: a server that restarts does not meet all its clients at once.
// 3. A connection that was lost in silence looks like one on which nobody speaks. So
//    after half a minute without a message, and when somebody comes back to the page,
//    it sends {"type": "ping"}. Without an answer it connects again. The server answers
//    {"type": "pong"}: a script cannot send the pings of RFC 6455, 5.5.2.
// 4. Three things end it for good: a close code that means no, a page that is told why
//    its handshake was refused, and end().
// 5. All times are milliseconds of performance.now(), a clock that nobody sets.

const FIRST_WAIT = 1_000; // before the second attempt, at most
const LONGEST_WAIT = 30_000; // before any attempt
const SETTLED = 10_000; // a connection that has lasted so long begins a new count
const IDLE = 30_000; // without a message; then we ask for a sign of life
const PATIENCE = 10_000; // for the answer

const POLICY_VIOLATION = 1008; // RFC 6455, 7.4.1
const UNAUTHORIZED = 4401; // of this layer: see sockets/codes.py
const LOGGED_OUT = "Your session has ended, here or elsewhere. Load this page again.";

export class LastingSocket {
  #options;
  #socket = null; // the WebSocket of the present attempt
  #failures = 0; // since the last connection that has lasted
  #liveSince = Infinity;
  #heardAt = 0; // when the last message came
  #retry = 0; // the timer of the next attempt
  #idle = 0; // the timer that looks whether it is quiet
  #deadline = 0; // the timer of an answer that is due; 0: none is due
  #listening = new AbortController(); // for the events of window and document

  /**
   * Nothing is opened yet: call open().
   *
   * @param {object} options
   * @param {() => string | URL} options.address - Called before each attempt. Put what
   *   has come already into the query, and the server can send what was missed.
   * @param {(value: any) => void} options.onMessage - Gets the value of each message.
   * @param {(state: string, detail?: number | string) => void} options.onState - Gets
   *   the new state; with "reconnecting" and "offline" the seconds until the next
   *   attempt, with "closed" the reason.
   * @param {boolean} [options.waitsForWelcome] - True: it is live when the page calls
   *   live(), after the server's first message. Else it is live as soon as it is open.
   * @param {() => Promise<string>} [options.whyRefused] - Called when a handshake has
   *   failed. A sentence ends it for good; "" lets it try again, and so does a promise
   *   that is rejected, or that is not kept within ten seconds.
   */
  constructor(options) {
    this.#options = options;
    this.state = "";
    const { signal } = this.#listening;
    // The network has changed: only a new connection tells whether there still is one.
    addEventListener("online", () => this.open(), { signal });
    addEventListener("offline", () => this.open(), { signal });
    // Timers of a hidden page are slow, those of a frozen page stand still.
    addEventListener("pageshow", () => this.check(), { signal });
    const onVisible = () => document.hidden || this.check();
    document.addEventListener("visibilitychange", onVisible, { signal });
  }

  /** Connect, at once; a connection or a wait that there is ends. */
  open() {
    if (this.state === "closed") return;
    this.#leave();
    this.#become("connecting");
    const socket = new WebSocket(this.#options.address());
    this.#socket = socket;
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      if (!this.#options.waitsForWelcome) this.live();
    };
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = ({ code, reason }) => {
      this.#leave();
      if (isRefusal(code)) this.end(reasonOf(code, reason));
      else if (wasOpen) this.#waitAndOpen();
      else this.#askWhy();
    };
    // A server that takes the connection and then says nothing is no better than none.
    this.#deadline = setTimeout(() => {
      this.#leave();
      this.#waitAndOpen();
    }, PATIENCE);
  }

  /** The server has said welcome. */
  live() {
    this.answered();
    this.#heardAt = performance.now();
    this.#liveSince = performance.now();
    this.#become("live");
    this.#watch();
  }

  /** Send a value as JSON; only while it is live. */
  send(value) {
    this.#socket.send(JSON.stringify(value));
  }

  /** An answer is due. Without answered() in time, it connects again. */
  expectAnswer() {
    this.answered();
    this.#deadline = setTimeout(() => this.open(), PATIENCE);
  }

  /** The answer has come. */
  answered() {
    clearTimeout(this.#deadline);
    this.#deadline = 0;
  }

  /** Somebody looks at the page again: is the connection what it seems to be? */
  check() {
    if (this.state === "reconnecting" || this.state === "offline") this.open();
    if (this.state === "live") this.#askForSign();
  }

  /** End it for good, for this reason. */
  end(reason) {
    this.#leave();
    this.#listening.abort();
    this.#become("closed", reason);
  }

  #take(value) {
    this.#heardAt = performance.now();
    if (value?.type === "pong") this.answered();
    else this.#options.onMessage(value);
  }

  #askForSign() {
    if (this.#deadline !== 0) return; // something was asked already
    this.send({ type: "ping" });
    this.expectAnswer();
  }

  #watch() {
    const quiet = performance.now() - this.#heardAt;
    if (quiet >= IDLE) this.#askForSign();
    this.#idle = setTimeout(() => this.#watch(), quiet < IDLE ? IDLE - quiet : IDLE);
  }

  // Leave the present connection, or the present wait, without another word of it.
  #leave() {
    clearTimeout(this.#retry);
    clearTimeout(this.#idle);
    this.answered();
    if (this.#socket === null) return;
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
    this.#socket.onclose = null; // it may come much later, when another one is open
    this.#socket.close();
    this.#socket = null;
  }

  // A script is never told why a handshake has failed, but the page may know whom to ask.
  async #askWhy() {
    let reason = "";
    try {
      const tooLate = new Promise((resolve) => setTimeout(resolve, PATIENCE));
      reason = (await Promise.race([this.#options.whyRefused?.(), tooLate])) ?? "";
    } catch (error) {
      console.warn("whyRefused() has failed:", error); // the server may be away
    }
    if (reason) this.end(reason);
    // Meanwhile somebody may have called open(): then this attempt is forgotten.
    else if (this.#socket === null && this.state === "connecting") this.#waitAndOpen();
  }

  #waitAndOpen() {
    if (performance.now() - this.#liveSince > SETTLED) this.#failures = 0;
    this.#liveSince = Infinity;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures);
    this.#failures += 1;
    const wait = longest * (0.5 + Math.random() / 2);
    const until = performance.now() + wait;

    const tick = () => {
      const left = until - performance.now();
      if (left <= 0) return this.open();
      const state = navigator.onLine ? "reconnecting" : "offline";
      this.#become(state, Math.ceil(left / 1000));
      this.#retry = setTimeout(tick, left % 1000 || 1000); // at the next full second
    };
    tick();
  }

  #become(state, detail) {
    this.state = state;
    this.#options.onState(state, detail);
  }
}

// 4001 to 4015 are 1001 to 1015 as daphne sends them: Autobahn allows an application 1000
// and 3000 to 4999 only.
function isRefusal(code) {
  const meant = code > 4000 && code < 4016 ? code - 3000 : code;
  return meant === POLICY_VIOLATION || meant >= 4000;
}

function reasonOf(code, reason) {
  if (code === UNAUTHORIZED) return LOGGED_OUT;
  return reason || `The server has ended this (${code}).`;
}
