// Looking closer: fit or enlarged, by click, wheel, keys, drag or two fingers.

const CLOSEST = 8;

class Lens {
  constructor(stage, canvas, changed) {
    Object.assign(this, { stage, canvas, changed, scale: 1, x: 0, y: 0, fingers: new Map(), natural: [1, 1] });
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => this.up(event));
    this.resized = new ResizeObserver(() => this.layout());
    this.resized.observe(stage);
  }

  /** The picture's own size decides the fit. Only what is still coming is enlarged by it. */
  picture(width, height, { enabled, coming }) {
    Object.assign(this, { enabled, coming });
    if (width && height && String(this.natural) !== String([width, height])) { this.natural = [width, height]; this.fit(); }
    this.layout();
    requestAnimationFrame(() => this.layout()); // the page may still be giving the stage its room
  }

  layout() {
    const { clientWidth: width, clientHeight: height } = this.stage, [w, h] = this.natural;
    if (!width || !height) return;
    const share = Math.min(width / w, height / h, this.coming ? Infinity : 1);
    this.base = share;
    this.canvas.style.width = `${w * share}px`;
    this.canvas.style.height = `${h * share}px`;
    this.put();
  }

  /** How large a pixel of the picture is: 1 is 100 %. */
  get size() { return (this.base ?? 1) * this.scale; }
  get enlarged() { return this.scale > 1.001; }

  fit() { this.zoom(1); }
  full(at) { this.zoom(Math.max(1 / (this.base || 1), this.base >= 1 ? 2 : 1), at); }
  step(factor, at) { this.zoom(this.scale * factor, at); }

  zoom(scale, at = [0, 0]) {
    const closest = Math.max(1, CLOSEST / (this.base || 1)), next = Math.min(Math.max(1, scale), closest), ratio = next / this.scale;
    this.x = at[0] - (at[0] - this.x) * ratio;
    this.y = at[1] - (at[1] - this.y) * ratio;
    this.scale = next;
    this.put();
  }

  pan(dx, dy) { this.x += dx; this.y += dy; this.put(); }

  put() {
    const room = (inner, outer) => Math.max(0, (inner * this.scale - outer) / 2);
    const mx = room(this.canvas.offsetWidth, this.stage.clientWidth), my = room(this.canvas.offsetHeight, this.stage.clientHeight);
    this.x = Math.min(mx, Math.max(-mx, this.x));
    this.y = Math.min(my, Math.max(-my, this.y));
    this.canvas.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.canvas.classList.toggle("pixels", this.size > 2);
    this.stage.classList.toggle("enlarged", this.enlarged);
    this.stage.classList.toggle("lens", Boolean(this.enabled));
    this.changed();
  }

  /** A point on the screen, counted from the middle of the stage. */
  point(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }

  wheel(event) {
    // Without a modifier the page scrolls, unless somebody is already looking closer.
    if (!this.enabled || !(event.ctrlKey || event.metaKey || this.enlarged)) return;
    event.preventDefault();
    this.step(Math.exp(-event.deltaY / 300), this.point(event));
  }

  down(event) {
    if (!this.enabled || event.button !== 0) return;
    this.stage.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, this.point(event));
    this.moved = this.fingers.size > 1;
    this.start = this.point(event);
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = this.point(event), other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.fingers.set(event.pointerId, now);
    if (Math.hypot(now[0] - this.start[0], now[1] - this.start[1]) > 5) this.moved = true;
    const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
    if (other) this.step(apart(now) / Math.max(1, apart(before)), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    else if (this.enlarged && this.moved) this.pan(now[0] - before[0], now[1] - before[1]);
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId) || this.moved || event.type === "pointercancel") return;
    if (this.enlarged) this.fit();
    else this.full(this.point(event));
  }

  end() { this.resized.disconnect(); }
}
