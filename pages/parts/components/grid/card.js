// One frame of the sheet. Made once per job and then only changed, so pictures stay loaded.

class CardView {
  constructor(grid) {
    this.image = el("img", { alt: "", decoding: "async", loading: "lazy", on: {
      load: () => this.frame.classList.remove("waiting"),
      error: () => this.frame.classList.replace("waiting", "missing"),
    } });
    this.stand = el("img", { alt: "", class: "stand-in", decoding: "async", loading: "lazy" });
    this.badge = el("span", { class: "badge" });
    this.length = el("span", { class: "length" });
    this.bar = el("span", { class: "bar" }, el("span"));
    this.number = el("span", { class: "number" });
    this.edge = el("span", { class: "kind" });
    this.frame = el("span", { class: "frame" }, this.stand, this.image, this.badge, this.length, this.bar);
    this.title = el("span", { class: "title" });
    this.meta = el("span", { class: "meta" });
    this.link = el("a", { class: "link", tabindex: "-1" },
      el("span", { class: "film" }, this.frame, el("span", { class: "edge" }, this.number, this.edge)), this.title, this.meta);
    this.more = iconButton("more", "", (event) => grid.menu.open(event.currentTarget, this.card, grid.labels),
      { class: "tool more", "aria-haspopup": "menu", "aria-expanded": "false", tabindex: "-1" });
    this.node = el("li", { class: "card" }, this.link, this.more);
    this.link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      grid.act("open", this.card.id);
    });
  }

  show(card, number, labels) {
    this.card = card;
    this.node.dataset.tone = card.tone;
    this.node.dataset.kind = card.kind;
    attribute(this.link, "href", card.href);
    attribute(this.link, "aria-label", [card.kind === "video" ? labels.video : "", card.title, card.stage_label, ...card.meta].filter(Boolean).join(", "));
    attribute(this.more, "aria-label", `${labels.menu}: ${card.title}`);
    attribute(this.more, "title", labels.menu);
    this.picture(card);
    say(this.badge, card.tone === "good" ? "" : card.stage_label);
    say(this.length, card.kind === "video" ? card.duration ?? "" : card.results > 1 ? `× ${card.results}` : "");
    this.node.classList.toggle("running", card.tone === "busy");
    this.bar.hidden = card.tone !== "busy";
    this.bar.classList.toggle("unknown", card.progress === null || card.progress === undefined);
    barWidth(this.bar.firstChild, card.progress ?? 0);
    say(this.number, String(number));
    say(this.edge, card.kind === "video" ? labels.video : `${number}A`);
    say(this.title, card.title);
    this.facts(card.meta);
  }

  picture(card) {
    const stand = card.thumb_url ? null : card.preview_url;
    if (this.image.getAttribute("src") !== card.thumb_url) {
      attribute(this.image, "src", card.thumb_url);
      this.frame.classList.remove("missing");
      this.frame.classList.toggle("waiting", Boolean(card.thumb_url) && !this.image.complete);
    }
    attribute(this.stand, "src", stand);
    this.image.hidden = !card.thumb_url;
    this.stand.hidden = !stand;
  }

  facts(meta) {
    if (this.shown === meta.join("\n")) return;
    this.shown = meta.join("\n");
    this.meta.replaceChildren(...meta.map((text) => el("span", { text })));
  }
}
