// The room's page: what the server says goes into the log, what is written goes out.
// connection.js has the websocket, log.js the messages, unsent.js those on their way.

import { Connection } from "./connection.js";
import { Log, avatar, element } from "./log.js";
import { Unsent } from "./unsent.js";

const LONGEST = 2_000; // characters of a message; the server's limit
const TYPING_EVERY = 2_000; // ms between two that are sent
const TYPING_LASTS = 4_000; // ms that one is shown

const $ = (id) => document.getElementById(id);
const { websocket, older, room, account } = $("chat").dataset;
const [form, box, scroller] = [$("form"), $("box"), $("scroller")];
const title = document.title;

const log = new Log($("messages"));
let newest = null; // the highest id that has come; 0: the room was empty
let old = null; // what was there when the page was opened is not news
let historyEnd = 0; // the last message of the history that is coming in
let unread = 0;
let atEnd = true; // the reader sees the newest message

// --- What the server says, by its type

const answers = {
  welcome({ user, guest, last, recovered }) {
    // Logged out, or in as somebody else: what waits here must not go out under a name
    // that is not its writer's. It stays in the browser, for this account's next page.
    if (guest ? account : user !== account) return location.reload();
    log.me = user;
    old ??= last;
    historyEnd = last;
    if (recovered) {
      forgetDeleted().catch(() => {}); // the connection is lost again: next time, then
    } else { // the first time, or too much was missed: the last 50 follow
      log.clear();
      newest = 0;
      unsent.settleAll();
      $("older").hidden = true;
    }
    keepQuiet();
    connection.live();
    unsent.next();
  },
  message(message) {
    const isNew = log.add(message);
    newest = Math.max(newest, message.id);
    typing.stop(message.user);
    if (message.id === historyEnd) $("older").hidden = false;
    if (unsent.settle(message.id)) log.markSent(message.id);
    else if (isNew && message.id > old && message.user !== log.me) count(unread + 1);
  },
  ack({ key, id }) {
    connection.answered();
    unsent.acknowledge(key, id);
    if (log.has(id) && unsent.settle(id)) log.markSent(id);
  },
  presence({ users }) {
    $("count").textContent = users.length;
    $("users").replaceChildren(...users.map((user) => {
      const item = element("li");
      item.append(avatar(user), element("bdi", "", user));
      return item;
    }));
  },
  typing({ user }) {
    if (user !== log.me) typing.start(user);
  },
  deleted({ id }) {
    log.remove(id);
    unsent.settle(id);
  },
  error({ detail }) {
    connection.answered();
    if (!unsent.fail(detail)) notice(detail);
  },
};

// --- The connection, in words

function showState(state, detail) {
  const words = { reconnecting: `in ${detail} s`, offline: `next try in ${detail} s` };
  $("state").textContent = state;
  $("chat").dataset.state = state;
  $("seconds").textContent = words[state] ?? ""; // outside of what is read aloud
  if (state !== "live") unsent.wait();
  if (state === "closed") notice(detail);
}

function address() {
  const url = new URL(websocket, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (newest !== null) url.searchParams.set("after", newest);
  return url;
}

const connection = new Connection(
  address, (value) => answers[value.type]?.(value), showState);

const unsent = new Unsent($("unsent"), `chat:${room}:${account}:`, ({ key, text }) => {
  if (connection.state !== "live") return false;
  connection.send({ type: "message", text, key });
  connection.expectAnswer();
  return true;
});

// --- Writing

let typedAt = 0; // ms; when the others were last told

form.onsubmit = (event) => {
  event.preventDefault();
  const length = [...box.value].length;
  box.focus();
  if (!box.value.trim()) return notice("Write something first.");
  if (length > LONGEST) return notice(`Too long: ${length} of ${LONGEST} characters.`);
  unsent.write(box.value);
  box.value = "";
  typedAt = 0;
  notice("");
  scroller.scrollTop = 0;
};

box.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
};

box.oninput = () => {
  notice("");
  if (connection.state !== "live" || !box.value.trim()) return;
  if (Date.now() - typedAt < TYPING_EVERY) return;
  typedAt = Date.now();
  connection.send({ type: "typing" });
};

function notice(sentence) {
  if (connection.state !== "closed" || sentence) $("notice").textContent = sentence;
}

// --- Who is typing; whoever stops is forgotten after a while

const typing = {
  timers: new Map(),
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
    $("typing").textContent = users.length ? words : "";
  },
};

// --- Reading: what is new, and what is older. The scroller begins at its lower end
// (column-reverse), so scrollTop is 0 there, and negative further up.

function count(number) {
  unread = document.hidden || !atEnd ? number : 0;
  document.title = unread ? `(${unread}) ${title}` : title;
  $("new").hidden = atEnd;
  $("new").textContent = unread ? `↓ New messages: ${unread}` : "↓ To the newest";
}

scroller.onscroll = () => {
  const wasAtEnd = atEnd;
  atEnd = scroller.scrollTop > -40;
  if (atEnd !== wasAtEnd) count(unread);
};
document.addEventListener("visibilitychange", () => count(unread));
$("new").onclick = () => {
  scroller.scrollTop = 0;
  box.focus();
};

async function before(id) {
  const response = await fetch(`${older}?before=${id}`);
  return response.json();
}

async function loadOlder() {
  const first = log.first;
  approach.unobserve($("older"));
  try {
    const { messages, more } = await before(first);
    if (first !== log.first) return; // meanwhile all has come anew
    keepQuiet();
    if (messages.length) log.addOlder(messages);
    $("older").hidden = !more;
    approach.observe($("older")); // is it still in sight?
  } catch {
    notice("Older messages could not be loaded. Try again.");
  }
}

// Nobody told us what was deleted while there was no connection.
async function forgetDeleted() {
  const shown = newest;
  const { messages } = await before(shown + 1);
  log.keepOnly(messages, shown);
}

const nearby = { root: scroller, rootMargin: "800px 0px 0px" };
const approach = new IntersectionObserver((entries) => {
  if (entries.at(-1).isIntersecting && log.first) loadOlder();
}, nearby);
approach.observe($("older"));
$("older").onclick = loadOlder;

// History is not read aloud, only what comes after it.
let quiet = 0;
function keepQuiet() {
  scroller.ariaLive = "off";
  clearTimeout(quiet);
  quiet = setTimeout(() => (scroller.ariaLive = "polite"), 1_000);
}

$("people").open = matchMedia("(min-width: 50rem)").matches;
if (matchMedia("(hover: hover)").matches) box.focus(); // no keyboard jumps up on a phone
connection.open();
