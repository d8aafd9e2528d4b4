// What was written here and not yet acknowledged. It is kept in the browser, survives a
// reload, and is sent exactly once: the server knows a key that it has seen already.

import { element } from "./log.js";

const WORDS = { waiting: "waiting", sending: "sending…", sent: "sent" };

export class Unsent {
  #items = []; // in the order of writing

  // send: a function for the next message, which gives false while there is no connection
  constructor(list, store, send) {
    this.list = list;
    this.store = store; // the beginning of the names in localStorage
    this.send = send;
    const kept = stored((storage) => {
      const names = Object.keys(storage).filter((name) => name.startsWith(store));
      return names.map((name) => JSON.parse(storage.getItem(name)));
    });
    for (const item of kept?.sort((a, b) => a.at - b.at) ?? []) this.#show(item);
  }

  write(text) {
    const item = { key: newKey(), text, at: Date.now() };
    const value = JSON.stringify(item);
    stored((storage) => storage.setItem(this.store + item.key, value));
    this.#show(item);
    this.next();
  }

  // One at a time, so that they arrive in the order in which they were written.
  next() {
    if (this.#items.some(({ state }) => state === "sending")) return;
    const item = this.#items.find(({ state }) => state === "waiting");
    if (item && this.send(item)) this.#become(item, "sending");
  }

  // The connection is gone: nobody knows whether the one that was sent has arrived.
  wait() {
    for (const item of this.#items)
      if (item.state === "sending") this.#become(item, "waiting");
  }

  // The server has stored it. It stays here until it comes back as a message.
  acknowledge(key, id) {
    this.#forget(key);
    const item = this.#items.find((item) => item.key === key);
    if (item) this.#become(Object.assign(item, { id }), "sent");
    this.next();
  }

  // The message with this id is in the log now. True if it was written here.
  settle(id) {
    const item = this.#items.find((item) => item.id === id);
    if (item) this.#remove(item);
    return item !== undefined;
  }

  settleAll() {
    for (const item of this.#items.filter(({ state }) => state === "sent"))
      this.#remove(item);
  }

  fail(sentence) {
    const item = this.#items.find(({ state }) => state === "sending");
    if (!item) return false;
    this.#become(item, "failed", `Not sent. ${sentence}`);
    item.element.lastElementChild.role = "alert";
    const again = element("button", "", "Try again");
    again.onclick = () => (this.#become(item, "waiting"), this.next());
    const drop = element("button", "", "Discard");
    drop.onclick = () => this.#remove(item);
    const buttons = element("div", "row");
    buttons.append(again, drop);
    item.element.append(buttons);
    this.next();
    return true;
  }

  #show(item) {
    item.element = element("li", "mine");
    this.list.append(item.element);
    this.#items.push(item);
    this.#become(item, "waiting");
  }

  #become(item, state, words = WORDS[state]) {
    item.state = state;
    const text = element("p", "text", item.text);
    text.dir = "auto";
    item.element.dataset.state = state;
    item.element.replaceChildren(text, element("span", "sent", words));
  }

  #forget(key) {
    stored((storage) => storage.removeItem(this.store + key));
  }

  #remove(item) {
    this.#forget(item.key);
    item.element.remove();
    this.#items.splice(this.#items.indexOf(item), 1);
  }
}

// A browser may allow no storage, or have no room left: then a reload loses what waits.
function stored(work) {
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
