// The tab's name, with the number of unfinished jobs. Streamlit sets the name as well.

class TabTitle {
  constructor() {
    this.watch = new MutationObserver(() => this.put());
    this.watch.observe(document.querySelector("title") ?? document.head, { childList: true, characterData: true, subtree: true });
  }

  set(title, unfinished) {
    this.wanted = title && (unfinished > 0 ? `(${unfinished}) ${title}` : title);
    this.bare = title;
    this.put();
  }

  put() {
    if (this.wanted && document.title !== this.wanted) document.title = this.wanted;
  }

  end() {
    this.watch.disconnect();
    if (this.bare) document.title = this.bare;
  }
}
