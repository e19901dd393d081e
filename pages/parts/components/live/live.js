// One WebSocket per mounted listener. What it hears is only a hint to look again.
// Where none can be opened, it has the page look by itself while a job is unfinished.

const LOOK_MS = 5000, APART_MS = 500, FIRST_PAUSE_MS = 500, LONGEST_PAUSE_MS = 20000;

class Live {
  constructor() {
    this.lastFired = -Infinity;
    this.pause = FIRST_PAUSE_MS;
    this.wake = () => { if (!document.hidden) this.connect(); };
    document.addEventListener("visibilitychange", this.wake);
    window.addEventListener("online", this.wake);
    this.looking = setInterval(() => this.look(), LOOK_MS);
  }

  update({ data, setTriggerValue }) {
    this.fire = setTriggerValue;
    this.topics = data.topics;
    this.unfinished = data.unfinished;
    if (this.url !== data.url) { this.url = data.url; this.close(); }
    this.connect();
  }

  connect() {
    if (this.ended || (this.socket && this.socket.readyState < WebSocket.CLOSING)) return;
    clearTimeout(this.again);
    const address = new URL(this.url, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = this.socket = new WebSocket(address);
    socket.onmessage = (event) => this.hear(event.data);
    socket.onclose = () => { if (socket === this.socket) this.later(); };
  }

  later() {
    this.socket = null;
    this.hears = false;
    this.again = setTimeout(() => this.connect(), this.pause * (0.5 + Math.random()));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  hear(text) {
    let change;
    try { change = JSON.parse(text); } catch { return; }
    if (change.hello) { this.hears = true; this.pause = FIRST_PAUSE_MS; }
    const ours = Object.entries(this.topics).every(([name, value]) => change[name] === value);
    if (change.hello) this.changed("news", true);
    else if (change.news) this.changed("news", ours);
    else if (ours) this.changed("changed", true);
  }

  // The first change at once, a burst as one more when half a second has passed; news that are
  // not about what is shown always then: they may be of what this page is just doing.
  changed(what, soon) {
    this.next = what === "news" ? what : this.next ?? what;
    const rested = this.lastFired + APART_MS - performance.now();
    const wait = soon ? rested : Math.max(rested, APART_MS);
    if (wait <= 0) this.tell(this.next);
    else if (!this.waiting) this.waiting = setTimeout(() => this.tell(this.next), wait);
  }

  tell(what) {
    clearTimeout(this.waiting);
    this.waiting = this.next = null;
    this.lastFired = performance.now();
    this.count = (this.count ?? 0) + 1;
    this.fire(what, this.count);
  }

  look() {
    if (!this.hears && this.unfinished > 0 && !document.hidden) this.tell("silent");
  }

  close() {
    const socket = this.socket;
    this.socket = null;
    this.hears = false;
    clearTimeout(this.again);
    socket?.close();
  }

  end() {
    this.ended = true;
    clearTimeout(this.waiting);
    clearInterval(this.looking);
    document.removeEventListener("visibilitychange", this.wake);
    window.removeEventListener("online", this.wake);
    this.close();
  }
}

export default function (component) {
  return instanceOn(component, () => new Live());
}
