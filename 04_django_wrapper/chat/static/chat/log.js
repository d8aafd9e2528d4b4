// The messages in the page, oldest first, each once. Everything is put in as text.
// Older ones come in lists of fifty, and a browser lays out no list that is out of sight
// (chat.css): thousands of messages cost no more than a few.

const GROUP = 5 * 60 * 1000; // ms between two messages that stand together
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const both = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

export class Log {
  #known = new Set(); // ids, also of messages that were deleted
  #sent = element("span", "sent", "sent"); // below one's own last message

  constructor(root) {
    this.root = root;
    this.me = "";
  }

  // The id of the oldest message; 0 if there is none.
  get first() {
    return Number(this.root.querySelector("li")?.dataset.id ?? 0);
  }

  has(id) {
    return this.#known.has(id);
  }

  // The newest message. True if it was not here yet.
  add(message) {
    if (this.has(message.id)) return false;
    const list = this.root.lastElementChild ?? this.root.appendChild(element("ol"));
    list.append(this.#draw(message));
    group(list.lastElementChild);
    return true;
  }

  // Messages from before the first one.
  addOlder(messages) {
    const list = element("ol", "older");
    list.append(...messages.map((message) => this.#draw(message)));
    this.root.prepend(list);
    for (const item of list.children) group(item);
    group(below(list.lastElementChild));
  }

  remove(id) {
    this.#known.add(id);
    const item = this.#item(id);
    if (!item) return;
    const [next, list] = [below(item), item.parentElement];
    item.remove();
    if (!list.children.length) list.remove();
    group(next);
  }

  // These are the newest of all: what is shown in their place has been deleted.
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

// A message says whose it is, unless the one above it does; a new day is named.
function group(item) {
  if (!item) return;
  const { user, at, day } = item.dataset;
  const before = above(item)?.dataset ?? {};
  const together = before.day === day && before.user === user && at - before.at < GROUP;
  item.classList.toggle("new-day", before.day !== day);
  item.classList.toggle("together", together);
}

// The next message may stand in the next list.
function above(item) {
  const list = item.parentElement.previousElementSibling;
  return item.previousElementSibling ?? list?.lastElementChild;
}
function below(item) {
  const list = item.parentElement.nextElementSibling;
  return item.nextElementSibling ?? list?.firstElementChild;
}

// A letter in a circle: the same person always has the same one of six hues.
export function avatar(user) {
  const [letter = "?"] = user; // a whole character, also outside the first 65,536
  let sum = 0;
  for (const character of user) sum += character.codePointAt(0);
  const made = element("span", `avatar hue-${sum % 6}`, letter.toUpperCase());
  made.ariaHidden = "true";
  return made;
}
