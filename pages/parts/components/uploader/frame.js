// One file in the list, as a frame of film: its picture, its way up, what can be done with it.

const PREVIEW_BYTES = 30e6; // a larger picture is not decoded just to be looked at

class Frame {
  constructor(owner, { file = null, asset = null, old = null }) {
    Object.assign(this, { owner, file, asset, old, state: asset ? "done" : "waiting", phase: "waiting", sent: 0, reason: "" });
    this.image = el("img", { alt: "", draggable: "false" });
    this.shade = el("span", { class: "shade" }, el("span"));
    this.number = el("span", { class: "number" });
    this.kind = el("span", { class: "kind" });
    this.grip = el("button", { type: "button", class: "tool grip", on: { keydown: (event) => owner.nudge(this, event), pointerdown: (event) => owner.drag(this, event) } }, icon("grip"));
    this.swap = iconButton("swap", "", () => owner.choose(this));
    this.gone = iconButton("close", "", () => owner.remove(this));
    this.tools = el("span", { class: "tools" }, this.grip, this.swap, this.gone);
    this.picture = el("div", { class: "picture" }, icon("film"), this.image, this.shade, this.tools);
    this.name = el("p", { class: "name" });
    this.facts = el("p", { class: "facts" });
    this.way = el("p", { class: "way" });
    this.retry = el("button", { type: "button", class: "text-button", on: { click: () => owner.retry(this) } });
    this.other = el("button", { type: "button", class: "text-button", on: { click: () => owner.choose(this) } });
    this.node = el("li", { class: "frame" },
      el("div", { class: "film" }, this.picture, el("div", { class: "edge" }, this.number, this.kind)),
      this.name, this.facts, this.way, el("div", { class: "next" }, this.retry, this.other));
  }

  get asked() { return this.asset ?? this.file; }

  show(index, count, labels) {
    const name = this.asset?.filename ?? this.file.name, mime = this.asset?.mime ?? this.file.type;
    this.node.dataset.state = this.state;
    this.node.classList.toggle("video", mime.startsWith("video/"));
    this.source(mime);
    say(this.number, String(index + 1));
    say(this.kind, this.asset?.duration_s ? clock(this.asset.duration_s) : SHORT[mime] ?? "");
    say(this.name, name);
    attribute(this.name, "title", name);
    say(this.facts, this.asset ? [pixels(this.asset.width, this.asset.height), bytes(this.asset.bytes)].filter(Boolean).join(" · ") : bytes(this.file.size));
    say(this.way, this.state === "done" ? "" : this.reason || this.progress(labels));
    attribute(this.way, "role", this.reason ? "alert" : null);
    const share = { hashing: 1, sending: 1 }[this.phase] ? this.sent / Math.max(1, this.file?.size) : 1;
    this.shade.hidden = this.state !== "working";
    this.shade.classList.toggle("hashing", this.phase === "hashing");
    barWidth(this.shade.firstChild, share);
    this.buttons(name, count, labels);
  }

  buttons(name, count, labels) {
    const going = this.state === "working" || this.state === "waiting";
    this.grip.hidden = count < 2 || !this.owner.rules.multiple;
    this.swap.hidden = this.state !== "done";
    const named = (button, label) => { attribute(button, "aria-label", `${label}: ${name}`); attribute(button, "title", label); };
    named(this.grip, labels.move);
    named(this.swap, labels.replace);
    named(this.gone, going ? labels.cancel : labels.remove);
    say(this.retry, this.state === "failed" && this.again ? labels.retry : "");
    say(this.other, this.state === "refused" ? labels.choose_other : "");
  }

  progress(labels) {
    const passed = (performance.now() - this.since) / 1000, speed = passed > 0.4 ? this.sent / passed : 0;
    return fill(labels[this.phase], {
      percent: percent(this.sent / Math.max(1, this.file.size)),
      speed: speed ? bytes(speed) : "–",
      remaining: speed ? clock((this.file.size - this.sent) / speed) : "–",
    });
  }

  /** The thumbnail; before there is one, the file itself, if it is a picture of a sane size. */
  source(mime) {
    if (!this.asset?.thumbnail_url && this.file && !this.local && mime.startsWith("image/") && this.file.size < PREVIEW_BYTES && this.state !== "refused") this.local = URL.createObjectURL(this.file);
    const url = this.asset?.thumbnail_url ?? this.local ?? null;
    if (this.image.getAttribute("src") !== url) attribute(this.image, "src", url);
    this.image.hidden = !url;
    if (this.asset?.thumbnail_url) this.forget();
  }

  move(phase, sent) {
    if (phase !== this.phase || sent === 0) this.since = performance.now();
    Object.assign(this, { phase, sent });
  }

  forget() {
    if (this.local) URL.revokeObjectURL(this.local);
    this.local = null;
  }

  end() {
    this.control?.abort(new DOMException("removed", "AbortError"));
    this.forget();
    this.node.remove();
  }
}
