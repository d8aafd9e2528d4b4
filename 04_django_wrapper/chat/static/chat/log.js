// The messages in the page, oldest first, each once. Everything is put in as text.
//
// Older messages come in lists of fifty, and a browser lays out no list that is out of
// sight (chat.css): thousands of messages cost no more than a few.

const TOGETHER = 5 * 60 * 1000; // ms between two messages that stand together
const HUES = 6; // see chat.css
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const both = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** A new HTML element with this class and this text. */
export function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

export class Log {
  #known = new Set(); // ids, also of messages that were deleted
  #sent = element("span", "sent", "sent"); // below one's own last message

  /** @param {HTMLElement} root - Gets the lists of messages. */
  constructor(root) {
    this.root = root;
    this.me = ""; // the reader's own name
  }

  /** The id of the oldest message; 0 if there is none. */
  get first() {
    return Number(this.root.querySelector("li")?.dataset.id ?? 0);
  }

  has(id) {
    return this.#known.has(id);
  }

  /** Add the newest message. False: it was here already. */
  add(message) {
    if (this.has(message.id)) return false;
    const list = this.root.lastElementChild ?? this.root.appendChild(element("ol"));
    const item = list.appendChild(this.#draw(message));
    group(item);
    return true;
  }

  /** Add messages, oldest first, from before the first one that is here. */
  addOlder(messages) {
    const list = element("ol", "older");
    list.append(...messages.map((message) => this.#draw(message)));
    this.root.prepend(list);
    for (const item of list.children) group(item);
    group(below(list.lastElementChild)); // it has another one above it now
  }

  /** Remove a message. One that comes later with this id is not shown either. */
  remove(id) {
    this.#known.add(id);
    const item = this.#item(id);
    if (!item) return;
    const next = below(item);
    const list = item.parentElement;
    item.remove();
    if (!list.children.length) list.remove();
    group(next);
  }

  /**
   * Remove what has been deleted.
   *
   * @param {object[]} messages - The newest of all, oldest first.
   * @param {number} newest - The highest id to look at: what came later is not in them.
   */
  keepOnly(messages, newest) {
    const oldest = messages[0]?.id ?? 0;
    const kept = new Set(messages.map(({ id }) => id));
    for (const { dataset } of this.root.querySelectorAll("li")) {
      const id = Number(dataset.id);
      if (id >= oldest && id <= newest && !kept.has(id)) this.remove(id);
    }
  }

  clear() {
    this.#known.clear();
    this.root.replaceChildren();
  }

  /** Write "sent" below this message of one's own, and below no other one. */
  markSent(id) {
    this.#item(id)?.append(this.#sent);
  }

  #draw({ id, user, text, created }) {
    this.#known.add(id);
    const at = new Date(created);
    const item = element("li", user === this.me ? "mine" : "");
    item.id = `m${id}`;
    Object.assign(item.dataset, { id, user, at: at.getTime(), day: calendar.format(at) });

    const time = element("time", "", clock.format(at));
    time.dateTime = created;
    time.title = both.format(at);
    const about = element("div", "about");
    about.append(element("bdi", "name", user), " ", time);

    const words = element("p", "text", text);
    words.dir = "auto"; // right to left, if it is so written
    item.append(avatar(user), about, words);
    return item;
  }

  #item(id) {
    return document.getElementById(`m${id}`);
  }
}

// A message shows its writer, unless the one above it does; a new day is named.
function group(item) {
  if (!item) return;
  const { user, at, day } = item.dataset;
  const before = above(item)?.dataset ?? {};
  const isClose = before.user === user && at - before.at < TOGETHER;
  item.classList.toggle("new-day", before.day !== day);
  item.classList.toggle("together", before.day === day && isClose);
}

// The message above, or below, may stand in another list.
function above(item) {
  const list = item.parentElement.previousElementSibling;
  return item.previousElementSibling ?? list?.lastElementChild;
}
function below(item) {
  const list = item.parentElement.nextElementSibling;
  return item.nextElementSibling ?? list?.firstElementChild;
}

/** A letter in a circle: the same name always has the same one of the hues. */
export function avatar(user) {
  const [letter = "?"] = user; // a whole character, also outside the first 65,536
  let sum = 0;
  for (const character of user) sum += character.codePointAt(0);
  const made = element("span", `avatar hue-${sum % HUES}`, letter.toUpperCase());
  made.ariaHidden = "true";
  return made;
}
