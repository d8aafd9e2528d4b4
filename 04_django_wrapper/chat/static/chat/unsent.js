// The list below the messages: what was written here and is not yet in the room. It only
// draws: kept_messages.js decides what becomes of a message.

import { element } from "./log.js";

const WORDS = {
  waiting: "waiting",
  sending: "sending…",
  sent: "sent",
  stopped: "not sent",
};

export class UnsentList {
  #root;
  #actions;
  #items = new Map(); // the list item of each message, by its key

  /**
   * @param {HTMLElement} root - Gets a list item for each message.
   * @param {object} actions - What the buttons do.
   * @param {(key: string) => void} actions.retry
   * @param {(key: string) => void} actions.discard
   * @param {(key: string, text: string) => void} actions.edit
   */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
  }

  /** Draw a message of KeptMessages in the state that it has now. */
  show(message) {
    if (message.state === "gone") {
      this.#items.get(message.key).remove();
      this.#items.delete(message.key);
      return;
    }
    if (!this.#items.has(message.key)) {
      this.#items.set(message.key, this.#root.appendChild(element("li", "mine")));
    }
    const item = this.#items.get(message.key);
    item.dataset.state = message.state;

    const text = element("p", "text", message.text);
    text.dir = "auto"; // right to left, if it is so written
    item.replaceChildren(text, caption(message));
    const buttons = this.#buttons(message);
    if (buttons.length) {
      const row = item.appendChild(element("div", "row"));
      row.append(...buttons);
    }
  }

  // What is on its way may have arrived: it can be neither changed nor taken back.
  #buttons({ key, text, state }) {
    const again = button("Try again", () => this.#actions.retry(key));
    const edit = button("Edit", () => this.#actions.edit(key, text));
    const discard = button("Discard", () => this.#actions.discard(key));
    const ofState = {
      waiting: [edit, discard],
      failed: [again, edit, discard],
      stopped: [discard],
    };
    return ofState[state] ?? [];
  }
}

function caption({ state, reason }) {
  if (state !== "failed") return element("span", "sent", WORDS[state]);
  const words = element("span", "sent", `Not sent. ${reason}`);
  words.role = "alert";
  return words;
}

function button(words, onclick) {
  const made = element("button", "", words);
  made.type = "button";
  made.onclick = onclick;
  return made;
}
