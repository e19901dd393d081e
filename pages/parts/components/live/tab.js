// What a person sees of this page while another tab is in front of it.

class Tab {
  constructor() { this.title = new TabTitle(); }

  update({ data }) {
    this.title.count(data.unfinished);
    notifications.show(data.ended);
  }

  end() { this.title.end(); }
}

export default function (component) {
  return instanceOn(component, () => new Tab());
}
