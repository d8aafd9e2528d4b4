// A websocket that comes back by itself. It knows nothing of the chat.
//
// 1. The states are words: connecting, live, reconnecting, offline, closed.
// 2. After each failure it waits longer, up to half a minute, and never exactly as long
//    as the others do: a server that restarts is not met by all its clients at once.
// 3. Only the server can end it: by a close code, or by refusing the page itself.

const FIRST_WAIT = 1_000; // ms
const LONGEST_WAIT = 30_000; // ms
const SETTLED = 10_000; // ms; a connection that lasted so long was a good one
const LOGGED_OUT = "Your session has ended, here or elsewhere. Load this page again.";
const SILENCE = 10_000; // ms without the answer that is due

export class Connection {
  #socket = null;
  #failures = 0;
  #liveSince = Infinity;
  #retry = 0; // a timer
  #deadline = 0; // another one

  // address: a function, since the query differs each time.
  // onMessage gets what JSON says; onState a word and, by the word, seconds or a reason.
  constructor(address, onMessage, onState) {
    this.address = address;
    this.onMessage = onMessage;
    this.onState = onState;
    this.state = "";
    // The network has changed: only a new connection tells whether there still is one.
    addEventListener("online", () => this.open());
    addEventListener("offline", () => this.open());
    document.addEventListener("visibilitychange", () => {
      const isWaiting = ["reconnecting", "offline"].includes(this.state);
      if (isWaiting && !document.hidden) this.open();
    });
  }

  open() {
    if (this.state === "closed") return;
    this.#drop();
    this.#say("connecting");
    const socket = (this.#socket = new WebSocket(this.address()));
    let wasOpen = false;
    socket.onopen = () => (wasOpen = true);
    socket.onmessage = ({ data }) => this.onMessage(JSON.parse(data));
    socket.onclose = async ({ code, reason }) => {
      this.#drop();
      const meant = code > 4000 && code < 4016 ? code - 3000 : code; // from daphne
      if (code === 4401) return this.#say("closed", LOGGED_OUT);
      if (meant === 1008 || meant >= 4000)
        return this.#say("closed", reason || `The server has ended this (${code}).`);
      if (!wasOpen && (await isRefused())) location.reload(); // that page says why
      else if (this.#socket === null) this.#wait();
    };
    this.expectAnswer();
  }

  // The server has said welcome.
  live() {
    this.answered();
    this.#liveSince = Date.now();
    this.#say("live");
  }

  send(value) {
    this.#socket.send(JSON.stringify(value));
  }

  // A peer that vanished without a goodbye is noticed only by its silence.
  expectAnswer() {
    this.answered();
    this.#deadline = setTimeout(() => this.open(), SILENCE);
  }

  answered() {
    clearTimeout(this.#deadline);
  }

  #drop() {
    clearTimeout(this.#retry);
    this.answered();
    if (this.#socket === null) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #wait() {
    if (Date.now() - this.#liveSince > SETTLED) this.#failures = 0;
    this.#liveSince = Infinity;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures++);
    const until = Date.now() + longest * (0.5 + Math.random() / 2);
    const tick = () => {
      const left = until - Date.now();
      if (left <= 0) return this.open();
      const word = navigator.onLine ? "reconnecting" : "offline";
      this.#say(word, Math.ceil(left / 1000));
      this.#retry = setTimeout(tick, left % 1000 || 1000);
    };
    tick();
  }

  #say(state, detail) {
    this.state = state;
    this.onState(state, detail);
  }
}

// A script is not told why a handshake failed, so ask for the page: would it still come?
async function isRefused() {
  try {
    const options = { cache: "no-store", signal: AbortSignal.timeout(SILENCE) };
    const { status } = await fetch(location.href, options);
    return [401, 403, 404].includes(status);
  } catch {
    return false; // no server at all
  }
}
