// A switch whose truth is the browser's: its permission and its memory.

class NotificationSwitch {
  constructor(root) {
    this.button = el("button", { type: "button", role: "switch", class: "switch", on: { click: () => this.press() } }, icon("bell"), this.text = el("span"));
    root.append(el("div", { class: "root" }, this.button));
  }

  update({ data }) {
    this.labels = data.labels;
    this.show();
  }

  show() {
    const on = notifications.wanted(), blocked = notifications.blocked();
    attribute(this.button, "aria-checked", String(on));
    this.button.disabled = blocked;
    say(this.text, blocked ? this.labels.blocked : on ? this.labels.on : this.labels.off);
  }

  async press() {
    const on = !notifications.wanted();
    notifications.want(on);
    if (on && Notification.permission !== "granted") await Notification.requestPermission();
    this.show();
  }

  end() {}
}

export default function (component) {
  return instanceOn(component, (root) => new NotificationSwitch(root));
}
