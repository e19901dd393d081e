class SignOut {
  constructor(root) {
    this.button = el("button", { type: "button", class: "sign-out", on: { click: () => this.press() } });
    root.append(el("div", { class: "root" }, this.button));
  }

  update({ data }) {
    speak(data.language);
    this.base = data.api_base;
    say(this.button, data.label);
  }

  async press() {
    this.button.disabled = true;
    const answer = await post(`${this.base}/logout`, {});
    this.button.disabled = false;
    if (answer.ok || answer.error) location.reload(); // an answer of any kind: the page knows where it stands
  }

  end() {}
}

export default function (component) {
  return instanceOn(component, (root) => new SignOut(root));
}
