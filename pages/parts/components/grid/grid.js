// The sheet: keeps one CardView per job id, moves focus with the arrow keys.

class Grid {
  constructor(root) {
    this.views = new Map();
    this.menu = new CardMenu((act, id) => this.act(act, id));
    this.list = el("ul", { class: "grid", on: { keydown: (event) => this.key(event), focusin: (event) => this.focused(event) } });
    root.append(el("div", { class: "root" }, this.list, this.menu.node));
  }

  update({ data, setTriggerValue }) {
    this.fire = setTriggerValue;
    this.labels = data.labels;
    attribute(this.list, "aria-label", data.labels.grid);
    this.list.style.setProperty("--min", `${data.min_width}px`);
    this.list.hidden = data.cards.length === 0;
    const wanted = new Set(data.cards.map((card) => card.id));
    for (const [id, view] of this.views) if (!wanted.has(id)) { view.node.remove(); this.views.delete(id); }
    data.cards.forEach((card, index) => this.put(card, index));
    this.keepOneTabStop();
  }

  put(card, index) {
    let view = this.views.get(card.id);
    if (!view) this.views.set(card.id, view = new CardView(this));
    view.show(card, index + 1, this.labels);
    if (this.list.children[index] !== view.node) this.list.insertBefore(view.node, this.list.children[index] ?? null);
  }

  act(act, id) {
    this.fire("action", { act, id });
  }

  links() {
    return [...this.list.querySelectorAll(".link")];
  }

  keepOneTabStop() {
    const links = this.links();
    if (!links.some((link) => link.tabIndex === 0) && links.length) this.stop(links[0]);
  }

  stop(link) {
    for (const node of this.list.querySelectorAll("[tabindex='0']")) node.tabIndex = -1;
    link.tabIndex = 0;
    link.parentNode.querySelector(".more").tabIndex = 0;
  }

  focused(event) {
    const card = event.target.closest(".card");
    if (card) this.stop(card.querySelector(".link"));
  }

  key(event) {
    const links = this.links(), at = links.indexOf(event.target);
    if (at < 0) return;
    const columns = getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined || !links[to]) return;
    event.preventDefault();
    links[to].focus();
  }

  end() {
    this.views.clear();
  }
}

export default function (component) {
  return instanceOn(component, (root) => new Grid(root));
}
