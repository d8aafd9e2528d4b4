// The console of stages 03 and 04: one websocket, its state in words, a log of both
// directions. The page brings the elements; nothing here knows which stage it is in.
// A module: its names are its own, so what is typed into the browser's console under
// the same names (ws, say) is another websocket, and this one goes on.

const $ = (id) => document.getElementById(id);

// What each close code means and what to do about it.
// Source: RFC 6455, 7.4.1, and the IANA registry of WebSocket close codes.
const CLOSE_CODES = {
  1000: ["normal", "Both sides were done.", "Nothing to do."],
  1001: ["going away", "The server stops, or the page was left.", "Connect again later."],
  1002: ["protocol error", "One side broke the rules of the protocol.",
    "Look at the frames that were sent."],
  1003: ["unsupported data", "The server does not take this kind of message.",
    "Send text in place of bytes, or the other way round."],
  1005: ["no code given", "The connection was closed properly, and no code was named.",
    "Nothing to do."],
  1006: ["no goodbye", "The connection ended without a close frame.",
    "Look into the server's log: did it stop, or did the handler raise or return?"],
  1007: ["bad data", "A text message was not valid UTF-8.", "Send bytes as a binary frame."],
  1008: ["policy violation", "The server has a rule against what was done.",
    "Look for the reason that it gave."],
  1009: ["too big", "A message was larger than the server allows.", "Send smaller ones."],
  1010: ["extension missing", "The client needs an extension that the server lacks.",
    "Ask for less."],
  1011: ["internal error", "The server failed while it worked on a message.",
    "Look for the traceback in the server's log."],
  1012: ["service restart", "The server restarts, or was stopped.",
    "Wait a few seconds, connect again."],
  1013: ["try again later", "The server has too much to do.", "Wait longer, connect again."],
  1014: ["bad gateway", "A proxy had no answer from the server behind it.",
    "Is that server running?"],
  1015: ["TLS failed", "The encrypted connection could not be made.",
    "Look at the server's certificate."],
};

function explain(code) {
  if (code in CLOSE_CODES) return CLOSE_CODES[code];
  if (code >= 4000) return ["the application's own", "Its author chose it.", "Ask there."];
  if (code >= 3000) return ["a library's own", "It is registered at IANA.", "Look there."];
  return ["reserved", "No meaning is defined for it.", "Tell the server's author."];
}

// wss: on an https: page, since browsers block ws: there; host and port are the page's.
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
// A page may add a query, with which its server knows this page's connection again. The
// path is the page's own: a proxy may have mounted the site below a root path.
const query = document.documentElement.dataset.query ?? "";
const address = `${scheme}//${location.host}${location.pathname}${query}`;

let ws = null; // the current WebSocket; null before the first and after each end

function show(state, look = "") {
  $("state").textContent = state;
  $("state").className = `state ${look}`;
  const isOpen = state === "open";
  $("connect").textContent = { connecting: "Connecting", open: "Close", closing: "Closing" }[
    state] ?? "Connect";
  $("connect").classList.toggle("primary", !ws);
  $("send").classList.toggle("primary", isOpen);
  // A message before the connection is open cannot be sent: the browser would raise.
  for (const button of document.querySelectorAll("#send, [data-send], #send-bytes")) {
    button.disabled = !isOpen;
  }
}

const SIGNS = { out: ["→", "sent"], in: ["←", "received"], note: ["·", "note"] };

function log(direction, words, isError = false) {
  const [sign, label] = SIGNS[direction];
  const now = new Date();
  const line = document.createElement("li");
  line.className = isError ? `${direction} error` : direction;

  const time = document.createElement("time");
  const milliseconds = String(now.getMilliseconds()).padStart(3, "0");
  time.textContent = `${now.toTimeString().slice(0, 8)}.${milliseconds}`;

  const arrow = document.createElement("span"); // a screen reader says the word
  arrow.textContent = sign;
  arrow.setAttribute("role", "img");
  arrow.setAttribute("aria-label", label);

  const text = document.createElement("span"); // text, never HTML: it came from outside
  text.textContent = words;

  line.append(time, arrow, text);
  $("log").append(line);
  if ($("log").children.length > 500) $("log").firstElementChild.remove();
  $("log").scrollTop = $("log").scrollHeight;
}

function words(data) {
  if (data === "") return "(empty text)";
  if (typeof data === "string") return data;
  const bytes = [...data].map((byte) => byte.toString(16).padStart(2, "0"));
  return `(${data.length} bytes) ${bytes.join(" ")}`;
}

function connect() {
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  let wasOpen = false;
  ws = socket;
  show("connecting");

  socket.onopen = () => {
    wasOpen = true;
    show("open", "open");
    log("note", "connected");
  };
  socket.onmessage = ({ data }) => {
    log("in", words(typeof data === "string" ? data : new Uint8Array(data)));
  };
  socket.onerror = () => {
    // A script is never told why: it could feel its way around a private network.
    log("note", "error: only the browser's own console (F12) is told why", true);
  };
  socket.onclose = ({ code, reason }) => {
    const [name, meaning, advice] = wasOpen ? explain(code) : ["never opened",
      "The handshake did not succeed.",
      "Is the server running, and does it speak WebSocket? Its log may say more."];
    const said = reason ? ` It said: “${reason}”.` : "";
    const fine = wasOpen && (code === 1000 || code === 1005);
    ws = null;
    show("closed", fine ? "" : "closed");
    log("note", `closed, ${code} ${name}. ${meaning}${said} ${advice}`, !fine);
  };
}

function send(data) {
  if (ws === null || ws.readyState !== WebSocket.OPEN) {
    log("note", "nothing sent: the connection is not open", true);
    return;
  }
  ws.send(data);
  log("out", words(data));
}

$("connect").onclick = () => {
  if (ws === null) {
    connect();
  } else if (ws.readyState === WebSocket.OPEN) {
    show("closing");
    ws.close(1000);
  } // else it opens or closes already, and a second click changes nothing
};
$("form").onsubmit = (event) => {
  event.preventDefault();
  send($("message").value);
};
for (const button of document.querySelectorAll("[data-send]")) {
  button.onclick = () => send(button.dataset.send);
}
$("send-bytes").onclick = () => send(new TextEncoder().encode("ping"));
$("clear").onclick = () => $("log").replaceChildren();
for (const element of document.querySelectorAll(".address")) {
  element.textContent = address;
}
show("not connected");
