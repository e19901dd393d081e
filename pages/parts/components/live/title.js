// The number of unfinished jobs before the tab's name, which Streamlit sets anew at every page.

const COUNT = /^\(\d+\) /;

class TabTitle {
  constructor() {
    this.before = "";
    this.watch = new MutationObserver(() => this.put());
    this.watch.observe(document.querySelector("title") ?? document.head, { childList: true, characterData: true, subtree: true });
  }

  count(unfinished) {
    this.before = unfinished > 0 ? `(${unfinished}) ` : "";
    this.put();
  }

  put() {
    const wanted = this.before + document.title.replace(COUNT, "");
    if (document.title !== wanted) document.title = wanted;
  }

  end() {
    this.watch.disconnect();
    this.before = "";
    this.put();
  }
}
