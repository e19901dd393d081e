// The list: what is chosen, in which order, two files on their way at a time.

const AT_A_TIME = 2;
const TYPING = "input:not([type=button]):not([type=checkbox]):not([type=radio]):not([type=range]), textarea, [contenteditable]:not([contenteditable=false])";

class Uploader {
  constructor(root) {
    this.frames = [];
    this.input = el("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", on: { change: () => this.picked() } });
    this.call = el("p", { class: "call" });
    this.button = el("button", { type: "button", class: "button", on: { click: () => this.choose() } });
    this.limits = el("p", { class: "limits" });
    this.zone = el("li", { class: "zone" }, el("i"), el("i"), el("i"), el("i"), this.call, this.button, this.limits);
    this.list = el("ol", { class: "frames" }, this.zone);
    this.problem = el("p", { class: "problem", role: "alert" });
    this.news = el("p", { class: "unseen", "aria-live": "polite" });
    this.node = el("div", { class: "root uploader", on: { pointerenter: () => { this.hovered = true; }, pointerleave: () => { this.hovered = false; } } }, this.list, this.problem, this.news, this.input);
    say(this.problem, "");
    root.append(this.node);
    this.listen();
  }

  listen() {
    this.ending = new AbortController();
    const on = (event, listener) => document.addEventListener(event, listener, { signal: this.ending.signal });
    on("paste", (event) => this.paste(event));
    // A file dropped beside the zone must not replace the page.
    for (const name of ["dragenter", "dragover"]) on(name, (event) => { if (event.dataTransfer?.types.includes("Files")) { event.preventDefault(); this.node.classList.add("inviting"); } });
    on("dragleave", (event) => { if (!event.relatedTarget) this.node.classList.remove("inviting"); });
    on("drop", (event) => { if (event.dataTransfer?.types.includes("Files")) { event.preventDefault(); this.node.classList.remove("inviting"); } });
    this.node.addEventListener("drop", (event) => { if (event.dataTransfer?.files.length) this.add(event.dataTransfer.files); });
  }

  update({ data, setStateValue }) {
    this.tell = setStateValue;
    this.labels = data.labels;
    this.rules = data;
    if (this.reset !== data.reset) this.adopt(data);
    this.refresh(data.files);
    attribute(this.input, "accept", data.accept.flatMap((mime) => [mime, ...(EXTENSIONS[mime] ?? []).map((end) => `.${end}`)]).join());
    this.input.multiple = data.multiple;
    attribute(this.list, "aria-label", data.labels.list);
    this.node.classList.toggle("single", !data.multiple);
    say(this.button, data.labels.choose);
    say(this.limits, this.limitText());
    this.draw();
  }

  adopt({ files, reset }) {
    this.reset = reset;
    this.told = null;
    for (const frame of this.frames) frame.end();
    this.frames = files.map((asset) => new Frame(this, { asset }));
    say(this.problem, "");
  }

  /** Thumbnails are links, and links are signed anew. */
  refresh(files) {
    for (const asset of files) {
      const frame = this.frames.find((one) => one.asset?.id === asset.id);
      if (frame) frame.asset = { ...frame.asset, ...asset };
    }
  }

  limitText() {
    const { accept, max_bytes: limits, labels, multiple, max_files: count } = this.rules, groups = new Map();
    for (const mime of accept) groups.set(limits[mime], [...(groups.get(limits[mime]) ?? []), SHORT[mime] ?? mime]);
    const parts = [...groups].map(([limit, types]) => fill(labels.limits, { types: types.join(", "), limit: bytes(limit ?? 0) }));
    return [...parts, multiple ? fill(labels.limits_many, { count }) : ""].filter(Boolean).join(" · ");
  }

  draw() {
    const { labels } = this, count = this.frames.length;
    this.frames.forEach((frame, index) => {
      frame.show(index, count, labels);
      if (this.list.children[index] !== frame.node) this.list.insertBefore(frame.node, this.list.children[index]);
    });
    this.zone.hidden = count >= this.rules.max_files;
    this.zone.classList.toggle("small", count > 0);
    say(this.call, count ? labels.drop_more : labels.drop);
  }

  choose(replacing = null) {
    this.replacing = replacing;
    this.input.value = "";
    this.input.click();
  }

  picked() {
    if (this.input.files.length) this.add(this.input.files, this.replacing);
    this.replacing = null;
  }

  paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || event.defaultPrevented) return;
    const target = event.composedPath()[0], inside = event.composedPath().includes(this.node);
    const typing = target instanceof Element && target.closest(TYPING) && !inside;
    if (typing && event.clipboardData.types.includes("text/plain")) return;
    // Beside a text field it is ours; a mask's list takes only what is meant for it.
    if (!inside && !this.hovered && (typing || this.rules.purpose !== "input")) return;
    event.preventDefault();
    this.add(files.map((file, index) => this.named(file, index)));
  }

  /** Pasted pictures are all called image.png. */
  named(file, index) {
    if (!/^image\.\w+$/.test(file.name)) return file;
    const now = new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
    return new File([file], `${now}${index ? `-${index}` : ""}.${file.name.split(".").pop()}`, { type: file.type });
  }

  add(files, replacing = null) {
    say(this.problem, "");
    let wanted = [...files];
    const target = replacing ?? (this.rules.multiple ? null : this.frames[0] ?? null);
    const room = target ? 1 : this.rules.max_files - this.frames.length;
    if (wanted.length > room) say(this.problem, fill(this.labels.too_many, { limit: this.rules.max_files }));
    wanted = wanted.slice(0, Math.max(0, room));
    for (const file of wanted) this.put(new Frame(this, { file, old: target && this.kept(target) }), target);
    if (wanted.length) this.news.textContent = fill(this.labels.added, { count: wanted.length });
    this.pump();
  }

  /** What comes back when a replacement does not arrive. */
  kept(frame) { return frame.asset ? frame.asset : frame.old; }

  put(frame, instead) {
    const at = this.frames.indexOf(instead);
    if (at < 0) this.frames.push(frame);
    else { this.frames[at] = frame; instead.end(); }
  }

  retry(frame) {
    Object.assign(frame, { state: "waiting", phase: "waiting", reason: "" });
    this.pump();
  }

  pump() {
    for (const frame of this.frames.filter((one) => one.state === "waiting")) {
      if (this.frames.filter((one) => one.state === "working").length >= AT_A_TIME) break;
      frame.state = "working";
      this.run(frame).finally(() => { if (!this.ended) this.pump(); });
    }
    this.draw();
    this.report();
  }

  async run(frame) {
    frame.control = new AbortController();
    const { signal } = frame.control, { file } = frame;
    const moved = (phase, sent) => { frame.move(phase, sent); if (!signal.aborted) frame.show(this.frames.indexOf(frame), this.frames.length, this.labels); };
    try {
      moved("checking", 0);
      const facts = await inspect(file, this.rules);
      signal.throwIfAborted();
      if (facts.refusal) { this.refuse(frame, ...facts.refusal); return; }
      moved("hashing", 0);
      frame.sha256 ??= await sha256(file, { signal, progress: (done) => moved("hashing", done) });
      if (this.twin(frame)) { this.refuse(frame, "same_file", { name: file.name }); return; }
      const way = { base: this.rules.api_base, purpose: this.rules.purpose, patience: 1000 * this.rules.stalled_s, signal, tell: moved };
      frame.asset = await transfer(file, { ...facts, sha256: frame.sha256 }, way);
      Object.assign(frame, { state: "done", old: null });
    } catch (error) {
      if (!signal.aborted) this.failed(frame, error);
    }
  }

  twin(frame) {
    return this.frames.some((other) => other !== frame && (other.asset?.sha256 ?? other.sha256) === frame.sha256 && other.state !== "refused");
  }

  refuse(frame, label, values) {
    Object.assign(frame, { state: "refused", reason: fill(this.labels[label], values) });
  }

  failed(frame, error) {
    const known = error instanceof Problem, unreadable = error instanceof Unreadable;
    const label = unreadable ? "unreadable" : error.label ?? "offline";
    const reason = (known && error.message) || fill(this.labels[label], { name: frame.file.name });
    Object.assign(frame, { state: "failed", again: !known || error.again, reason });
    if (!known && !unreadable) console.error(error);
  }

  remove(frame) {
    const at = this.frames.indexOf(frame), focused = this.node.getRootNode().activeElement === frame.gone;
    const back = frame.old ? [new Frame(this, { asset: frame.old })] : [];
    frame.end();
    this.frames.splice(at, 1, ...back);
    say(this.problem, "");
    this.pump();
    if (focused) (this.frames[Math.min(at, this.frames.length - 1)]?.gone ?? this.button).focus();
  }

  nudge(frame, event) {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.place(frame, this.frames.indexOf(frame) + step);
    frame.grip.focus();
    this.settle(frame);
  }

  drag(frame, event) {
    if (event.button !== 0) return;
    event.preventDefault();
    frame.grip.focus();
    frame.grip.setPointerCapture(event.pointerId);
    frame.node.classList.add("dragged");
    const control = new AbortController(), before = this.frames.indexOf(frame);
    const over = ({ clientX: x, clientY: y }) => this.frames.findIndex(({ node }) => {
      const box = node.getBoundingClientRect();
      return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
    });
    frame.grip.addEventListener("pointermove", (move) => { const to = over(move); if (to >= 0) this.place(frame, to); }, { signal: control.signal });
    const drop = () => { control.abort(); frame.node.classList.remove("dragged"); if (this.frames.indexOf(frame) !== before) this.settle(frame); };
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) frame.grip.addEventListener(name, drop, { signal: control.signal });
  }

  place(frame, to) {
    const from = this.frames.indexOf(frame);
    if (to < 0 || to >= this.frames.length || to === from) return;
    this.frames.splice(to, 0, ...this.frames.splice(from, 1));
    this.draw();
  }

  settle(frame) {
    this.news.textContent = fill(this.labels.moved, { position: this.frames.indexOf(frame) + 1, count: this.frames.length });
    this.report();
  }

  /** Tell Python, only when it has changed, what is confirmed and what on the screen is not. */
  report() {
    const items = this.frames.map((frame) => frame.asset ?? frame.old).filter(Boolean);
    const coming = this.frames.some((frame) => frame.state === "waiting" || frame.state === "working");
    const refused = this.frames.some((frame) => frame.state === "refused" || frame.state === "failed");
    const news = JSON.stringify([items.map((asset) => asset.id), coming, refused]);
    if (news === this.told) return;
    this.told = news;
    this.tell("assets", { reset: this.reset, items, coming, refused });
  }

  end() {
    this.ended = true;
    this.ending.abort();
    for (const frame of this.frames) frame.end();
  }
}

export default function (component) {
  return instanceOn(component, (root) => new Uploader(root));
}
