// How far a job is: its stage in words, a clock that ticks here, and what is usual.

class Progress {
  constructor() {
    this.stage = el("p", { class: "stage-label" });
    this.sentence = el("p", { class: "sentence" });
    this.time = el("span", { class: "time" });
    this.usual = el("span", { class: "usual" });
    this.bar = el("div", { class: "bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, el("span"));
    this.more = el("p", { class: "more" });
    this.clock = el("div", { class: "clock" }, this.time, this.usual);
    this.node = el("div", { class: "progress" }, el("div", { role: "status" }, this.stage, this.sentence), this.clock, this.bar, this.more);
  }

  show(data) {
    this.data = data;
    this.node.dataset.tone = data.tone;
    const quiet = !data.running && data.results.length > 0;
    this.node.hidden = quiet;
    say(this.stage, data.stage_label);
    say(this.sentence, data.sentence);
    const ahead = data.ahead > 0 ? fill(data.labels.ahead, { count: data.ahead }) : "";
    say(this.more, data.running ? [ahead, data.provider_status].filter(Boolean).join(" · ") : "");
    this.clock.hidden = this.bar.hidden = !data.running || !data.started_at;
    if (data.now !== this.now) { this.now = data.now; this.heard = performance.now(); }
    attribute(this.bar, "aria-label", data.labels.elapsed);
    attribute(this.time, "title", data.labels.elapsed);
    say(this.usual, data.typical_s ? `${data.labels.expected} ${clock(data.typical_s)}` : "");
    this.run(!this.clock.hidden);
    this.tick();
  }

  run(running) {
    if (running && !this.timer) this.timer = setInterval(() => this.tick(), 1000);
    if (!running) this.end();
  }

  tick() {
    const { started_at: start, now, typical_s: usual } = this.data;
    if (!start) return;
    const passed = Math.max(0, (now ?? Date.now() / 1000) - start + (performance.now() - this.heard) / 1000);
    this.time.textContent = clock(passed);
    this.bar.classList.toggle("unknown", !usual);
    // Up to nine tenths by the usual time, then slower and slower: it never claims to be done.
    const share = usual ? (passed < usual ? (0.9 * passed) / usual : 1 - 0.1 * Math.exp(1 - passed / usual)) : 0;
    barWidth(this.bar.firstChild, share);
    attribute(this.bar, "aria-valuenow", usual ? Math.round(100 * share) : null);
  }

  end() {
    clearInterval(this.timer);
    this.timer = null;
  }
}
