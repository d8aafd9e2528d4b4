// What a page of stage 01 or 02 needs: send which button was pressed, and put what
// comes back into the elements with those ids. All drawing is done by the server.
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const buttons = () => document.querySelectorAll("[data-press]");
let socket;

function enable(open, words) {
  const state = document.getElementById("state");
  if (words) state.textContent = words;
  buttons().forEach((button) => (button.disabled = !open));
}

function connect() {
  socket = new WebSocket(`${scheme}//${location.host}${location.pathname}`);
  socket.onopen = () => enable(true, "ready");
  socket.onclose = () => {
    enable(false, "connection lost, trying again");
    setTimeout(connect, 1000);
  };
  socket.onmessage = (event) => {
    for (const [id, html] of Object.entries(JSON.parse(event.data))) {
      const element = document.getElementById(id);
      if (element.innerHTML !== html) element.innerHTML = html;
    }
    keepInView();
  };
}

// Keep the task that runs in view, else the first that waits; the page itself stays still.
function keepInView() {
  const mark = document.querySelector("mark.current") ?? document.querySelector("mark");
  if (mark) mark.closest("pre").scrollTop = mark.offsetTop - 120;

  // In the stepper's picture the task's name stands behind its line, after this sign.
  const picture = document.getElementById("picture");
  const names = [...picture.querySelectorAll("text")];
  const name = names.find((text) => text.textContent.startsWith("◀"));
  if (name && document.documentElement.classList.contains("big")) {
    // By as little as is needed, since what stands above the lines is the lesson.
    const fromTop = name.getBoundingClientRect().top - picture.getBoundingClientRect().top;
    const above = picture.scrollTop + fromTop + 50 - picture.clientHeight;
    picture.scrollTop = Math.max(above, 0);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-press]");
  if (button && socket.readyState === WebSocket.OPEN)
    socket.send(JSON.stringify({ press: button.dataset.press }));
});
document.addEventListener("change", (event) => {
  if (event.target.name === "program")
    socket.send(JSON.stringify({ press: "choose", program: event.target.value }));
});
connect();
