class SignIn {
  constructor(root) {
    const field = (name, attributes) => el("input", { id: `ps-${name}`, name, required: true, autocapitalize: "none", spellcheck: "false", ...attributes });
    this.login = field("login_id", { type: "text", autocomplete: "username", autofocus: true });
    this.password = field("password", { type: "password", autocomplete: "current-password", "aria-describedby": "ps-caps", on: {
      keydown: (event) => this.caps(event), keyup: (event) => this.caps(event), blur: () => say(this.hint, ""),
    } });
    this.title = el("h2");
    this.loginLabel = el("label", { for: "ps-login_id" });
    this.passwordLabel = el("label", { for: "ps-password" });
    this.peek = el("button", { type: "button", class: "ps-peek", on: { click: () => this.reveal(this.password.type === "password") } });
    this.hint = el("p", { id: "ps-caps", class: "ps-hint", "aria-live": "polite" });
    this.problem = el("p", { class: "ps-problem", role: "alert" });
    this.button = el("button", { type: "submit", class: "ps-submit" });
    this.form = el("form", { class: "ps-form", novalidate: true, on: { submit: (event) => this.submit(event), input: () => say(this.problem, "") } },
      this.title, el("div", {}, this.loginLabel, this.login),
      el("div", {}, this.passwordLabel, el("div", { class: "ps-secret" }, this.password, this.peek), this.hint),
      this.problem, this.button);
    root.append(this.form);
    say(this.hint, "");
    say(this.problem, "");
    this.login.focus();
  }

  update({ data }) {
    speak(data.language);
    this.base = data.api_base;
    this.labels = data.labels;
    say(this.title, this.labels.title);
    say(this.loginLabel, this.labels.login_id);
    say(this.passwordLabel, this.labels.password);
    this.reveal(this.password.type === "text");
    this.busy(this.sending);
  }

  reveal(shown) {
    this.password.type = shown ? "text" : "password";
    this.peek.replaceChildren(icon(shown ? "hidden" : "eye"));
    for (const name of ["title", "aria-label"]) attribute(this.peek, name, shown ? this.labels.hide : this.labels.show);
  }

  caps(event) {
    say(this.hint, event.getModifierState?.("CapsLock") ? this.labels.caps_lock : "");
  }

  busy(sending) {
    this.sending = sending;
    this.button.disabled = Boolean(sending);
    attribute(this.form, "aria-busy", sending ? "true" : null);
    say(this.button, sending ? this.labels.busy : this.labels.submit);
  }

  async submit(event) {
    event.preventDefault();
    const empty = [this.login, this.password].find((field) => !field.value);
    if (empty) { empty.focus(); return; }
    if (this.sending) return;
    say(this.problem, "");
    this.busy(true);
    const answer = await post(`${this.base}/login`, { login_id: this.login.value, password: this.password.value });
    if (answer.ok) { location.reload(); return; }
    this.busy(false);
    say(this.problem, answer.error || (answer.status === 429 ? this.labels.too_many : this.labels.offline));
    this.password.select();
    this.password.focus();
  }

  end() {}
}

export default function (component) {
  return instanceOn(component, (root) => new SignIn(root));
}
