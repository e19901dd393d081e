// What a person sees of this page while another tab is in front of it.

class Tab {
  constructor() { this.title = new TabTitle(); }

  update({ data, setTriggerValue }) {
    this.title.count(data.unfinished);
    notifications.show(data.ended);
    clearTimeout(this.timer);
    if (data.again_in_s !== null) this.timer = setTimeout(() => setTriggerValue("due", Date.now()), data.again_in_s * 1000);
  }

  end() {
    clearTimeout(this.timer);
    this.title.end();
  }
}

export default function (component) {
  return instanceOn(component, () => new Tab());
}
