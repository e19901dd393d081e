// One menu for all cards: it opens at the button that asked for it.

class CardMenu {
  constructor(act) {
    this.act = act;
    this.node = el("div", { class: "menu", role: "menu", popover: "auto", on: {
      keydown: (event) => this.key(event),
      toggle: (event) => { if (event.newState === "closed") this.closed(); },
    } });
  }

  open(button, card, labels) {
    this.button = button;
    const item = (act) => el("button", { type: "button", role: "menuitem", tabindex: "-1", class: act === "delete" ? "danger" : "", text: labels[act], on: {
      click: () => { this.node.hidePopover(); this.act(act, card.id); },
    } });
    const download = card.download_url && el("a", {
      role: "menuitem", tabindex: "-1", href: card.download_url, download: "", text: labels.download,
      on: { click: () => this.node.hidePopover() },
    });
    this.node.setAttribute("aria-label", labels.menu);
    this.node.replaceChildren(...[item("open"), item("form"), item("rerun"), download, card.own !== false && item("delete")].filter(Boolean));
    this.node.showPopover();
    this.place();
    button.setAttribute("aria-expanded", "true");
    this.node.firstElementChild.focus();
  }

  place() {
    const at = this.button.getBoundingClientRect(), size = this.node.getBoundingClientRect();
    const below = at.bottom + 4 + size.height < innerHeight;
    this.node.style.left = `${Math.max(8, Math.min(at.right - size.width, innerWidth - size.width - 8))}px`;
    this.node.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - size.height)}px`;
  }

  closed() {
    this.button.setAttribute("aria-expanded", "false");
    if (this.node.contains(this.node.getRootNode().activeElement)) this.button.focus();
  }

  key(event) {
    const items = [...this.node.children], at = items.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") this.node.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    items.at(to % items.length).focus();
  }
}
