// The page of one room. It joins four parts: LastingSocket is the connection, Log shows
// the messages of the room, KeptMessages has those on their way, UnsentList shows them.

import { KeptMessages } from "../sockets/kept_messages.js";
import { LastingSocket } from "../sockets/lasting_socket.js";
import { Log, avatar, element } from "./log.js";
import { UnsentList } from "./unsent.js";

const LONGEST = 2_000; // characters of a message; the server's limit, too
const TYPING_EVERY = 2_000; // ms from one "typing" that is sent to the next
const TYPING_LASTS = 4_000; // ms for which somebody is shown as typing
const LOOK_UP = 10_000; // ms for the answer of a page that is only asked for its status
const GONE =
  "This room has been deleted. What you wrote for it stays here, until you leave the page.";

// The same characters as in visible.py: spaces, controls, and what Unicode lets a
// program leave out. 2800 is a braille pattern without a dot.
const VISIBLE =
  /[^\p{White_Space}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u;

const byId = (id) => document.getElementById(id);
const page = byId("chat").dataset; // what the template knows: see room.html
const form = byId("form");
const box = byId("box");
const scroller = byId("scroller");
const title = document.title;

const log = new Log(byId("messages"));
let newest = null; // the highest id that has come; 0: the room was empty
let known = null; // the highest id when the page was opened: what is older is not news
let historyEnd = 0; // the last message of the history that is coming in
let unread = 0;
let atEnd = true; // the reader sees the newest message

// --- What the server says, by its type: the wire format in README.md

const answers = {
  welcome({ room_id, user, guest, last, recovered }) {
    // The room that this page was made for is no more, and another one has its name.
    // Nothing that was written for the old one may go there.
    if (String(room_id) !== page.room) return connection.end(GONE);
    // Logged out, or in as somebody else: what waits here must not go out under a name
    // that is not its writer's. It stays in the browser, for this account's next page.
    if (guest ? page.account : user !== page.account) return location.reload();
    log.me = user;
    if (guest) showOwnName(user);
    known ??= last;
    historyEnd = last;
    if (recovered) {
      forgetDeleted().catch(() => {}); // the connection is lost again: next time, then
    } else {
      // The first time, or too much was missed: the last 50 follow.
      log.clear();
      newest = 0;
      unsent.settleAll();
      byId("older").hidden = true;
    }
    keepQuiet();
    connection.live();
    unsent.next();
    showWhetherEmpty();
  },
  message(message) {
    const isNew = log.add(message);
    newest = Math.max(newest, message.id);
    typing.stop(message.user);
    if (message.id === historyEnd) byId("older").hidden = false;
    if (unsent.settle(message.id)) log.markSent(message.id);
    else if (isNew && message.id > known && message.user !== log.me) count(unread + 1);
    showWhetherEmpty();
  },
  ack({ key, id }) {
    connection.answered();
    unsent.acknowledge(key, id);
    // The message may have come before its ack.
    if (log.has(id) && unsent.settle(id)) log.markSent(id);
  },
  presence({ users }) {
    byId("count").textContent = users.length;
    byId("users").replaceChildren(...users.map(personItem));
  },
  typing({ user }) {
    if (user !== log.me) typing.start(user);
  },
  deleted({ id }) {
    log.remove(id);
    unsent.settle(id);
    showWhetherEmpty();
  },
  error({ detail }) {
    connection.answered();
    if (!unsent.fail(detail)) notice(detail);
  },
};

function personItem(user) {
  const item = element("li");
  item.append(avatar(user), element("bdi", "", user));
  return item;
}

// Another tab may have changed a guest's name: the name without its mark, (guest-7b4c).
function showOwnName(user) {
  const name = byId("name");
  if (document.activeElement === name) return; // it is being written
  name.value = user.match(/^(.*) \(guest-[0-9a-f]+\)$/)?.[1] ?? "";
  name.placeholder = user;
}

function showWhetherEmpty() {
  byId("empty").hidden = log.first !== 0;
}

// --- The connection, in words

function showState(state, detail) {
  const words = { reconnecting: `in ${detail} s`, offline: `next try in ${detail} s` };
  byId("state").textContent = state;
  byId("chat").dataset.state = state;
  byId("seconds").textContent = words[state] ?? ""; // outside of what is read aloud
  if (state === "closed") close(detail);
  else if (state !== "live") unsent.connectionLost();
}

// The room takes no message any more; what was written stays, to be copied.
function close(reason) {
  unsent.stop();
  box.readOnly = true;
  form.querySelector("button").disabled = true;
  byId("notice").textContent = reason;
}

function address() {
  const url = new URL(page.websocket, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (newest !== null) url.searchParams.set("after", newest);
  return url;
}

// Whoever may not open the websocket may not open this page either, and the page's own
// answer says why.
async function whyRefused() {
  try {
    const signal = AbortSignal.timeout(LOOK_UP);
    const { status } = await fetch(location.href, { cache: "no-store", signal });
    if (status === 404) return GONE;
    if (status === 401 || status === 403) location.reload();
  } catch {
    // There is no server at the moment.
  }
  return "";
}

const connection = new LastingSocket({
  address,
  onMessage: (value) => answers[value.type]?.(value),
  onState: showState,
  waitsForWelcome: true,
  whyRefused,
});

// unsent.js draws what is kept.
const drawn = new UnsentList(byId("unsent"), {
  retry: (key) => unsent.retry(key),
  discard: (key) => unsent.remove(key),
  edit(key, text) {
    unsent.remove(key);
    box.value = box.value ? `${text}\n${box.value}` : text;
    box.focus();
  },
});

const unsent = new KeptMessages({
  // The room by its number: another room may get the same name.
  store: `chat:${page.room}:${page.author}:`,
  send({ key, text }) {
    if (connection.state !== "live") return false;
    connection.send({ type: "message", text, key });
    connection.expectAnswer();
    return true;
  },
  onChange: (message) => drawn.show(message),
});

// --- Writing

let typedAt = -Infinity; // ms; when the others were last told

form.onsubmit = (event) => {
  event.preventDefault();
  box.focus();
  if (box.readOnly || box.value === "") return; // a second Enter says nothing
  const length = [...box.value].length;
  if (!VISIBLE.test(box.value)) return notice("Write something first.");
  if (length > LONGEST) return notice(`Too long: ${length} of ${LONGEST} characters.`);
  unsent.add(box.value);
  box.value = "";
  typedAt = -Infinity;
  notice("");
  scroller.scrollTop = 0;
};

box.onkeydown = (event) => {
  // An input method uses Enter, too: to choose a word while it composes one.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
};

box.oninput = () => {
  notice("");
  if (connection.state !== "live" || !VISIBLE.test(box.value)) return;
  if (performance.now() - typedAt < TYPING_EVERY) return;
  typedAt = performance.now();
  connection.send({ type: "typing" });
};

// The reason why it was closed stays.
function notice(sentence) {
  if (connection.state !== "closed") byId("notice").textContent = sentence;
}

// --- Who is typing; whoever stops is forgotten after a while

const typing = {
  timers: new Map(), // by the name
  start(user) {
    clearTimeout(this.timers.get(user));
    this.timers.set(user, setTimeout(() => this.stop(user), TYPING_LASTS));
    this.show();
  },
  stop(user) {
    clearTimeout(this.timers.get(user));
    if (this.timers.delete(user)) this.show();
  },
  show() {
    const users = [...this.timers.keys()];
    const who = users.length > 2 ? "Several people" : users.join(" and ");
    const words = `${who} ${users.length > 1 ? "are" : "is"} typing…`;
    byId("typing").textContent = users.length ? words : "";
  },
};

// --- Reading: what is new, and what is older. The scroller begins at its lower end
// (column-reverse), so scrollTop is 0 there, and negative further up.

function count(number) {
  unread = document.hidden || !atEnd ? number : 0;
  document.title = unread ? `(${unread}) ${title}` : title;
  byId("new").hidden = atEnd;
  byId("new").textContent = unread ? `↓ New messages: ${unread}` : "↓ To the newest";
}

scroller.onscroll = () => {
  const wasAtEnd = atEnd;
  atEnd = scroller.scrollTop > -40; // a line or two above the end is still the end
  if (atEnd !== wasAtEnd) count(unread);
};
document.addEventListener("visibilitychange", () => count(unread));
byId("new").onclick = () => {
  scroller.scrollTop = 0;
  box.focus();
};

async function messagesBefore(id) {
  const response = await fetch(`${page.older}?before=${id}`);
  return response.json();
}

async function loadOlder() {
  const first = log.first;
  nearTop.unobserve(byId("older")); // one page at a time
  try {
    const { messages, more } = await messagesBefore(first);
    if (first !== log.first) return; // meanwhile all has come anew
    keepQuiet();
    if (messages.length) log.addOlder(messages);
    byId("older").hidden = !more;
    nearTop.observe(byId("older")); // it tells at once whether it is still in sight
  } catch {
    notice("Older messages could not be loaded. Try again.");
  }
}

// Nobody told this page what was deleted while there was no connection.
async function forgetDeleted() {
  const shown = newest;
  const { messages } = await messagesBefore(shown + 1);
  log.keepOnly(messages, shown);
  showWhetherEmpty();
}

// Older messages are loaded a little before the reader reaches the button.
const onNearTop = (entries) => {
  if (entries.at(-1).isIntersecting && log.first) loadOlder();
};
const margins = { root: scroller, rootMargin: "800px 0px 0px" };
const nearTop = new IntersectionObserver(onNearTop, margins);
nearTop.observe(byId("older"));
byId("older").onclick = loadOlder;

// A screen reader does not read the history, only what comes after it.
let quiet = 0;
function keepQuiet() {
  scroller.ariaLive = "off";
  clearTimeout(quiet);
  quiet = setTimeout(() => (scroller.ariaLive = "polite"), 1_000);
}

byId("people").open = matchMedia("(min-width: 50rem)").matches;
// With a mouse there is a keyboard; on a phone its picture would jump up.
if (matchMedia("(hover: hover)").matches) box.focus();
connection.open();
