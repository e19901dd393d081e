// What lies on the light box: previews that sharpen, the result, the input to compare with.

class Frames {
  constructor(loaded) {
    this.loaded = loaded;
    this.image = el("img", { class: "result", alt: "", draggable: "false", on: { load: () => this.arrived(), error: () => this.broken() } });
    this.video = el("video", { class: "result", controls: true, playsinline: true, preload: "metadata", on: {
      loadedmetadata: () => this.loaded(this.video.videoWidth, this.video.videoHeight), error: () => this.broken(),
    } });
    this.previews = el("div", { class: "previews" });
    this.input = el("img", { class: "input", alt: "", draggable: "false", on: { error: () => this.renew(this.input, this.inputDownload) } });
    this.nodes = [this.previews, this.image, this.video, this.input];
  }

  show(shown, data) {
    this.shown = shown;
    const film = Boolean(shown?.mime.startsWith("video/"));
    attribute(this.image, "alt", data.prompt);
    attribute(this.video, "aria-label", data.prompt);
    this.image.hidden = !shown || film;
    this.video.hidden = !film;
    if (!film) this.video.pause();
    if (shown && film) this.film(shown);
    else if (shown) this.still(shown);
    if (!shown) this.id = null;
    this.preview(data);
    if (this.inputOf !== data.id) { this.inputOf = data.id; this.input.removeAttribute("src"); }
    this.inputUrl = data.input_url;
    this.inputDownload = data.input_download_url;
  }

  // A link signed anew for the same result is kept for the day the old one fails.
  still(shown) {
    if (this.id === shown.id && !this.failed) return;
    this.id = shown.id;
    this.failed = false;
    this.image.classList.add("coming");
    this.image.style.backgroundImage = "";
    this.image.src = shown.url;
  }

  film(shown) {
    if (this.id === shown.id && !this.failed) return;
    this.id = shown.id;
    this.failed = false;
    attribute(this.video, "poster", shown.thumb_url);
    this.video.src = shown.url;
  }

  arrived() {
    this.image.classList.remove("coming");
    this.image.classList.toggle("checkered", !this.shown?.mime.endsWith("jpeg"));
    this.loaded(this.image.naturalWidth, this.image.naturalHeight);
    setTimeout(() => { if (this.id) this.previews.replaceChildren(); }, 900);
  }

  broken() {
    const film = !this.video.hidden, node = film ? this.video : this.image, at = this.video.currentTime;
    this.failed = !this.renew(node, this.shown?.download_url);
    if (film && !this.failed) this.video.currentTime = at;
  }

  /** Links live for minutes, a page stays open for hours: ours leads to a fresh one, tried once. */
  renew(node, url) {
    if (!url || node.getAttribute("src") === url) return false;
    node.src = url;
    return true;
  }

  /** Each preview fades in over the last. Before the first, the input lies there, out of focus. */
  preview(data) {
    const last = this.previews.lastElementChild, url = data.preview_url ?? (data.running ? data.input_url : null);
    if (!url || (this.id && !last) || last?.getAttribute("src") === url) return;
    const next = el("img", { alt: data.labels.preview, class: "coming", draggable: "false" });
    next.classList.toggle("latent", !data.preview_url);
    next.addEventListener("load", () => {
      if (!this.id && data.preview_url) this.loaded(next.naturalWidth, next.naturalHeight);
      requestAnimationFrame(() => next.classList.remove("coming"));
      setTimeout(() => { while (this.previews.firstChild && this.previews.firstChild !== next) this.previews.firstChild.remove(); }, 1200);
    });
    next.src = url;
    this.previews.append(next);
  }

  peek(on) {
    if (on && this.inputUrl && !this.input.getAttribute("src")) this.input.src = this.inputUrl;
    this.input.classList.toggle("peeking", on);
  }
}
