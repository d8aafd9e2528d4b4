// The messages in the page, oldest first, each once. Everything is put in as text.

const GROUP = 5 * 60 * 1000; // ms between two messages that stand together
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

export class Log {
  #known = new Set(); // ids, also of messages that were deleted

  constructor(list) {
    this.list = list;
    this.me = "";
    this.sent = element("span", "sent", "sent"); // below one's own last message
  }

  get first() {
    return Number(this.list.firstElementChild?.dataset.id ?? 0);
  }

  has(id) {
    return this.#known.has(id);
  }

  // True where the message is new. It goes to one of the ends: ids come in order.
  add(message) {
    if (this.has(message.id)) return false;
    this.#known.add(message.id);
    const item = this.#draw(message);
    if (message.id < this.first) this.list.prepend(item);
    else this.list.append(item);
    group(item);
    group(item.nextElementSibling);
    return true;
  }

  remove(id) {
    this.#known.add(id);
    const item = this.#item(id);
    const next = item?.nextElementSibling;
    item?.remove();
    group(next);
  }

  clear() {
    this.#known.clear();
    this.list.replaceChildren();
  }

  markSent(id) {
    this.#item(id)?.append(this.sent);
  }

  #item(id) {
    return document.getElementById(`m${id}`);
  }

  #draw({ id, user, text, created }) {
    const at = new Date(created);
    const item = element("li", user === this.me ? "mine" : "");
    item.id = `m${id}`;
    Object.assign(item.dataset, { id, user, at: at.getTime(), day: calendar.format(at) });

    const time = element("time", "", clock.format(at));
    time.dateTime = created;
    time.title = exact.format(at);
    const about = element("div", "about");
    about.append(element("bdi", "name", user), " ", time);
    const words = element("p", "text", text);
    words.dir = "auto"; // right to left, if it is so written
    item.append(avatar(user), about, words);
    return item;
  }
}

// A message says whose it is, unless the one above it does; a new day is named.
function group(item) {
  if (!item) return;
  const { user, at, day } = item.dataset;
  const above = item.previousElementSibling?.dataset ?? {};
  const sameDay = above.day === day;
  const together = sameDay && above.user === user && at - above.at < GROUP;
  item.classList.toggle("new-day", !sameDay);
  item.classList.toggle("together", together);
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
