// Notifications are shown only where somebody switched them on, and only once each.

const WISH = "proofsheet-notify", TOLD = "proofsheet-told";

const notifications = {
  possible: () => "Notification" in window,
  wanted: () => notifications.possible() && Notification.permission === "granted" && localStorage.getItem(WISH) === "on",
  blocked: () => !notifications.possible() || Notification.permission === "denied",
  want(on) { localStorage.setItem(WISH, on ? "on" : "off"); },
  show(notice) {
    if (!notice || localStorage.getItem(TOLD) === notice.id) return;
    localStorage.setItem(TOLD, notice.id);
    if (!document.hidden || !notifications.wanted()) return; // who looks at the page has seen it
    try {
      const shown = new Notification(notice.title, { body: notice.body, tag: notice.id });
      shown.onclick = () => { window.focus(); shown.close(); };
    } catch { /* Chrome for Android has the class and refuses it to pages */ }
  },
};
