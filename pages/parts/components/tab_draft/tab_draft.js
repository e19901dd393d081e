// What a form holds, in the tab's own storage: a reload or a step back loses no typed word.

const STORED = "proofsheet-draft:";

class TabDraft {
  constructor() {
    this.typing = (event) => this.type(event);
    document.addEventListener("input", this.typing);
  }

  update({ data, setTriggerValue }) {
    const first = this.slot !== data.slot, { draft } = data;
    if (draft.prompt !== this.draft?.prompt) this.typed = null;
    Object.assign(this, { slot: data.slot, field: data.field, draft });
    const found = first ? this.missing() : null;
    if (found) {
      this.waiting = true;
      setTriggerValue("found", found);
    } else if (!this.waiting || draft.prompt || this.holdsFiles(draft)) {
      this.waiting = false;
      this.keep();
    }
  }

  /** What was kept and the form, of a new session, does not hold. */
  missing() {
    const kept = this.kept();
    if (!kept || this.draft.prompt) return null;
    if (!this.holdsFiles(this.draft)) return kept.prompt || this.holdsFiles(kept) ? kept : null;
    return kept.prompt ? { prompt: kept.prompt } : null;
  }

  holdsFiles(draft) {
    return draft.inputs.length > 0 || draft.masks.length > 0;
  }

  type(event) {
    if (!event.target.closest?.(`.st-key-${this.field}`)) return;
    this.typed = event.target.value;
    this.keep();
  }

  keep() {
    const draft = { ...this.draft, prompt: this.typed ?? this.draft.prompt };
    try { sessionStorage.setItem(STORED + this.slot, JSON.stringify(draft)); } catch { /* full or forbidden: nothing is kept */ }
  }

  kept() {
    try { return JSON.parse(sessionStorage.getItem(STORED + this.slot)); } catch { return null; }
  }

  end() {
    document.removeEventListener("input", this.typing);
  }
}

export default function (component) {
  return instanceOn(component, () => new TabDraft());
}
