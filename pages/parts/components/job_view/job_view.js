class JobView {
  constructor(root) {
    this.at = 0;
    this.frames = new Frames((width, height) => this.picture(width, height));
    this.canvas = el("div", { class: "canvas" }, ...this.frames.nodes);
    this.progress = new Progress();
    this.cross = el("div", { class: "cross" });
    this.stage = el("div", { class: "stage", tabindex: "0", role: "group", on: { keydown: (event) => this.key(event), keyup: (event) => this.unkey(event), blur: () => this.unkey({ key: " " }) } }, this.canvas, this.cross, this.progress.node);
    this.number = el("span");
    this.late = el("span", { class: "late" });
    this.size = el("span", { class: "size" });
    this.film = el("div", { class: "film" }, this.stage, el("div", { class: "edge" }, this.number, this.late, this.size));
    this.fit = el("button", { type: "button", on: { click: () => this.lens.fit() } });
    this.full = el("button", { type: "button", on: { click: () => this.lens.full() } });
    this.keys = el("div", { class: "keys" }, this.fit, this.full);
    this.peeker = this.makePeeker();
    this.download = el("a", { class: "button download", download: "" }, icon("down"), this.downloadText = el("span"));
    this.tools = el("div", { class: "tools" }, this.keys, this.peeker, this.download);
    this.strip = el("div", { class: "strip", role: "listbox", on: { keydown: (event) => this.stripKey(event) } });
    this.lens = new Lens(this.stage, this.canvas, () => this.zoomed());
    root.append(el("div", { class: "root" }, this.film, this.strip, this.tools));
  }

  makePeeker() {
    const hold = (on) => (event) => { if (event.type.startsWith("pointer") || [" ", "Enter"].includes(event.key)) { if (event.key) event.preventDefault(); this.peek(on); } };
    return el("button", { type: "button", class: "button peek", "aria-pressed": "false", on: {
      pointerdown: hold(true), pointerup: hold(false), pointerleave: hold(false), pointercancel: hold(false),
      keydown: hold(true), keyup: hold(false), blur: () => this.peek(false), contextmenu: (event) => event.preventDefault(),
    } }, icon("eye"), this.peekText = el("span"));
  }

  update({ data }) {
    if (this.data?.id !== data.id) this.at = 0;
    this.data = data;
    this.at = Math.min(this.at, Math.max(0, data.results.length - 1));
    const labels = data.labels;
    attribute(this.stage, "aria-label", labels.results);
    say(this.fit, labels.fit);
    say(this.full, labels.full);
    say(this.peekText, labels.peek);
    say(this.downloadText, labels.download);
    this.progress.show(data);
    this.fillStrip();
    this.show();
  }

  show() {
    const { data } = this, shown = data.results[this.at], film = Boolean(shown?.mime.startsWith("video/"));
    this.film.dataset.tone = data.tone;
    this.film.dataset.state = shown ? "result" : data.running ? "running" : "nothing";
    this.frames.show(shown, data);
    this.cross.hidden = Boolean(shown) || data.running || data.tone !== "bad";
    if (shown?.width) this.picture(shown.width, shown.height);
    else if (!data.preview_url) this.picture(4, 3);
    attribute(this.stage, "tabindex", shown ? "0" : null);
    this.keys.hidden = !shown || film;
    this.peeker.hidden = !shown || !data.input_url;
    this.download.hidden = !shown;
    attribute(this.download, "href", shown?.download_url);
    this.tools.hidden = !shown;
    say(this.number, shown ? `${this.at + 1}${data.results.length > 1 ? ` / ${data.results.length}` : ""}` : data.running ? "" : data.labels.no_result);
    say(this.late, shown?.late ? data.labels.late : "");
    for (const [index, frame] of [...this.strip.children].entries()) {
      attribute(frame, "aria-selected", String(index === this.at));
      frame.tabIndex = index === this.at ? 0 : -1;
    }
    this.zoomed();
  }

  /** The stage takes the picture's shape, already from its first preview on. */
  picture(width, height) {
    const shown = this.data.results[this.at];
    this.stage.style.setProperty("--ratio", width / height);
    this.lens.picture(width, height, { coming: !shown, enabled: Boolean(shown?.mime.startsWith("image/")) });
  }

  fillStrip() {
    const { results, labels } = this.data;
    this.strip.hidden = results.length < 2;
    attribute(this.strip, "aria-label", labels.results);
    const wanted = results.map(({ id }) => id).join();
    if (this.stripped === wanted) return;
    this.stripped = wanted;
    this.strip.replaceChildren(...results.map((shown, index) => el("button", {
      type: "button", role: "option", class: "thumb", "aria-label": String(index + 1), on: { click: () => this.go(index) },
    }, el("img", { src: shown.thumb_url ?? shown.url, alt: "", loading: "lazy" }), el("span", { text: String(index + 1) }))));
  }

  go(index) {
    if (!this.data.results[index] || index === this.at) return;
    this.at = index;
    this.lens.fit();
    this.show();
  }

  peek(on) {
    this.frames.peek(on && Boolean(this.data?.input_url));
    attribute(this.peeker, "aria-pressed", String(Boolean(on)));
  }

  zoomed() {
    const shown = this.data?.results[this.at];
    attribute(this.fit, "aria-pressed", String(!this.lens.enlarged));
    attribute(this.full, "aria-pressed", String(this.lens.enlarged && Math.abs(this.lens.size - 1) < 0.01));
    say(this.size, shown?.width ? `${pixels(shown.width, shown.height)}${this.keys.hidden ? "" : ` · ${percent1(this.lens.size)}`}` : "");
  }

  key(event) {
    if (event.target !== this.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const { lens } = this, far = 80;
    const pan = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[event.key];
    const does = { "+": () => lens.step(1.5), "=": () => lens.step(1.5), "-": () => lens.step(1 / 1.5), 0: () => lens.fit(), 1: () => lens.full(), " ": () => { this.peek(true); this.held = true; },
      Escape: lens.enlarged && (() => lens.fit()) }[event.key];
    if (does && (lens.enabled || event.key === " ")) does();
    else if (pan && lens.enlarged) lens.pan(...pan);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.go(this.at + (event.key === "ArrowRight" ? 1 : -1));
    else return;
    event.preventDefault();
  }

  unkey(event) {
    if (event.key === " " && this.held) this.peek(false);
    if (event.key === " ") this.held = false;
  }

  stripKey(event) {
    const to = this.at + ({ ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0);
    if (to === this.at || !this.strip.children[to]) return;
    event.preventDefault();
    this.go(to);
    this.strip.children[to].focus();
  }

  end() {
    this.progress.end();
    this.lens.end();
    this.frames.video.pause();
    this.frames.video.removeAttribute("src");
  }
}

/** A size on the screen can pass 100 %. */
function percent1(share) {
  return `${Math.round(100 * share)} %`;
}

export default function (component) {
  return instanceOn(component, (root) => new JobView(root));
}
