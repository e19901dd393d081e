// The number of unfinished jobs before the tab's name, which Streamlit sets anew at every page.
// It lies on the document: of two of these, after a deployment, none must answer the other.

const COUNT = /^\(\d+\) /;

class TabTitle {
  constructor() {
    this.watch = new MutationObserver(() => this.put());
    this.watch.observe(document.querySelector("title") ?? document.head, { childList: true, characterData: true, subtree: true });
  }

  count(unfinished) {
    document.documentElement.dataset.unfinished = unfinished > 0 ? `(${unfinished}) ` : "";
    this.put();
  }

  put() {
    const wanted = (document.documentElement.dataset.unfinished ?? "") + document.title.replace(COUNT, "");
    if (document.title !== wanted) document.title = wanted;
  }

  end() {
    this.watch.disconnect();
    this.count(0);
  }
}
