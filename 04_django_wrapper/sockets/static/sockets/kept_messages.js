// KeptMessages: what was written here and is not yet acknowledged. Each text is kept in
// the browser, survives a reload and is stored by the server once. CLIENT.md shows how.
//
// 1. Each message has a key of its own. The server stores a key once, so a message may
//    be sent again when nobody knows whether it has arrived.
// 2. One message at a time is on its way: they arrive in the order of writing.
// 3. A message's state is one word:
//      waiting   for a connection, or for the one before it
//      sending   until its ack comes, or its error
//      sent      acknowledged; it is shown here until it is shown elsewhere: settle()
//      failed    the server has refused it: retry() or remove()
//      stopped   there will be no connection any more: only remove() is left
//      gone      it is not here any more
// 4. Nothing here draws: `onChange` is told of each message that has another state.

export class KeptMessages {
  #items = []; // in the order of writing
  #options;

  /**
   * What an earlier page has left is there at once, and is waiting.
   *
   * @param {object} options
   * @param {string} options.store - How the names in localStorage begin. Make it of what
   *   must be the same when a message is sent: who writes, and to where.
   * @param {(item: {key: string, text: string}) => boolean} options.send - Sends it;
   *   false while there is no connection.
   * @param {(item: {key: string, text: string, state: string, reason: string}) => void}
   *   options.onChange - Draws it.
   */
  constructor(options) {
    this.#options = options;
    for (const item of this.#readStore()) this.#append(item);
  }

  get count() {
    return this.#items.length;
  }

  /** Keep a new message, and send it as soon as its turn has come. */
  add(text) {
    // Not the time: a clock may be set back, and then the order would change.
    const order = 1 + Math.max(0, ...this.#items.map((item) => item.order));
    const item = { key: newKey(), text, order };
    inStorage((storage) => {
      storage.setItem(this.#options.store + item.key, JSON.stringify(item));
    });
    this.#append(item);
    this.next();
  }

  /** There is a connection, or an answer: send the next one. */
  next() {
    if (this.#find("sending")) return;
    const item = this.#find("waiting");
    if (item && this.#options.send(item)) this.#become(item, "sending");
  }

  /** The connection is lost: nobody knows whether the one on its way has arrived. */
  connectionLost() {
    const item = this.#find("sending");
    if (item) this.#become(item, "waiting");
  }

  /** There will be no other connection. */
  stop() {
    for (const item of this.#items) {
      const isOver = item.state === "sent" || item.state === "failed";
      if (!isOver) this.#become(item, "stopped");
    }
  }

  /** The server has stored the message of this key, and calls it by this id. */
  acknowledge(key, id) {
    this.#forget(key);
    const item = this.#items.find((each) => each.key === key);
    if (item) {
      item.id = id;
      this.#become(item, "sent");
    }
    this.next();
  }

  /** The message of this id is shown elsewhere now. True: it was one of ours. */
  settle(id) {
    const item = this.#items.find((each) => each.id === id);
    if (item) this.remove(item.key);
    return item !== undefined;
  }

  /** All that is sent is shown elsewhere now. */
  settleAll() {
    const sent = this.#items.filter((item) => item.state === "sent");
    for (const item of sent) this.remove(item.key);
  }

  /** The server has refused the one on its way. False: there was none. */
  fail(reason) {
    const item = this.#find("sending");
    if (!item) return false;
    this.#become(item, "failed", reason);
    this.next(); // one that is refused holds up no other
    return true;
  }

  /** Send one that has failed once more. */
  retry(key) {
    const item = this.#items.find((each) => each.key === key);
    if (item) this.#become(item, "waiting");
    this.next();
  }

  /** Drop a message, here and in the browser. */
  remove(key) {
    this.#forget(key);
    const item = this.#items.find((each) => each.key === key);
    if (!item) return;
    this.#items = this.#items.filter((each) => each !== item);
    this.#become(item, "gone");
    this.next(); // it may have been on its way
  }

  #append(item) {
    this.#items.push(item);
    this.#become(item, "waiting");
  }

  #find(state) {
    return this.#items.find((item) => item.state === state);
  }

  #become(item, state, reason = "") {
    item.state = state;
    item.reason = reason;
    this.#options.onChange(item);
  }

  #readStore() {
    const { store } = this.#options;
    const items = inStorage((storage) => {
      const names = Object.keys(storage).filter((name) => name.startsWith(store));
      return names.map((name) => JSON.parse(storage.getItem(name)));
    });
    return (items ?? []).sort((one, other) => one.order - other.order);
  }

  #forget(key) {
    inStorage((storage) => storage.removeItem(this.#options.store + key));
  }
}

// A browser may forbid storage, or it may be full: then a reload loses what waits.
function inStorage(work) {
  try {
    return work(localStorage);
  } catch {
    return undefined;
  }
}

function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID(); // on https: and localhost only
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
