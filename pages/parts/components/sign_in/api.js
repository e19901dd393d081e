/** Say which language the page is in, and have the API answer in it, also to a plain link. */
function speak({ cookie, locale }) {
  document.documentElement.lang = locale;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${cookie}=${locale}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

/**
 * Send JSON as one of our own pages. Resolves to {ok, status, error}. Without an error's words, status
 * 429 means that a proxy turned us away, and 0 that nobody answered.
 */
async function post(url, body) {
  try {
    const answer = await fetch(url, {
      method: "POST", credentials: "same-origin", cache: "no-store", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-Proofsheet": "1" },
    });
    if (answer.ok) return { ok: true };
    const said = await answer.json().catch(() => ({}));
    return { ok: false, status: answer.status, error: said.error ?? "" };
  } catch {
    return { ok: false, status: 0, error: "" };
  }
}
