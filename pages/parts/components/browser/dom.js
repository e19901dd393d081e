// What every component is built with. Text enters the page through textContent only.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  close: "M5 5l14 14M19 5L5 19",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  again: "M20 12a8 8 0 1 1-2.400-5.700M20 3v4h-4",
  swap: "M4 8h14l-3-3M20 16H6l3 3",
  play: "M8 5.500v13l11-6.500z",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.500h4M4 14.500h4M16 9.500h4M16 14.500h4",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  eye: "M2 12s4-6.500 10-6.500S22 12 22 12s-4 6.500-10 6.500S2 12 2 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  hidden: "M2 12s4-6.500 10-6.500S22 12 22 12s-4 6.500-10 6.500S2 12 2 12zM4 20L20 4",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
};

/** Make one element. `text` is text; `on` maps events to listeners; the rest are attributes. */
function el(tag, { text, on = {}, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) attribute(node, name, value);
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  if (text !== undefined) node.textContent = text;
  node.append(...children.filter(Boolean));
  return node;
}

/** Set, or with null or false remove, an attribute; touch the page only if it differs. */
function attribute(node, name, value) {
  const next = value === true ? "" : value;
  if (next === null || next === undefined || next === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(next)) node.setAttribute(name, next);
}

/** Show text and hide the element when there is none. */
function say(node, text) {
  const next = text ?? "";
  if (node.textContent !== next) node.textContent = next;
  node.hidden = next === "";
}

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24", width: 18, height: 18, fill: "none", stroke: "currentColor",
    "stroke-width": name === "more" || name === "grip" ? 3 : 1.8,
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", class: "icon",
  })) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function iconButton(name, label, press, attributes = {}) {
  return el("button", { type: "button", class: "tool", title: label, "aria-label": label, on: { click: press }, ...attributes }, icon(name));
}

/** Put values into the {places} of a translated sentence. */
function fill(sentence, values = {}) {
  return (sentence ?? "").replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

// Streamlit calls the default function again whenever data changes, and may call the cleanup of
// a call it has already replaced. So one instance lives per root, and it ends when the root has
// really left the page.
const instances = new WeakMap();

function instanceOn(component, create) {
  const root = component.parentElement;
  let instance = instances.get(root);
  if (!instance) {
    instance = create(root);
    instances.set(root, instance);
  }
  instance.update(component);
  return () => setTimeout(() => {
    const host = root.host ?? root;
    if (host.isConnected || instances.get(root) !== instance) return;
    instances.delete(root);
    instance.end();
  });
}
