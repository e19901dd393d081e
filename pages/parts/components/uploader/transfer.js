// One file's way: permission, PUT to the bucket, confirmation. Each is tried three times.

const TRIES = 3, FIRST_WAIT_MS = 700;
const FINAL = [413, 415, 422]; // the same file would be refused again

/** Something to tell a person. `again`: whether the same file may be tried again. */
class Problem extends Error {
  constructor(sentence, { again, label, status } = {}) {
    super(sentence);
    Object.assign(this, { again, label, status });
  }
}

/** No answer, or one that says "later": worth another try by itself. */
class Passing extends Problem {}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}

async function persistently(attempt, { signal, retrying }) {
  for (let n = 1; ; n += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Passing) || n === TRIES) throw error;
      retrying(n);
      await pause(FIRST_WAIT_MS * 2 ** (n - 1) * (0.75 + Math.random() / 2), signal);
    }
  }
}

async function ask(url, body, signal) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST", credentials: "same-origin", cache: "no-store", signal, body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-Proofsheet": "1" },
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Passing("", { again: true, label: "offline" });
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const Kind = answer.status >= 500 ? Passing : Problem;
  throw new Kind(said.error ?? "", { again: !FINAL.includes(answer.status), label: "offline", status: answer.status });
}

/** Name the sentence for a refusal of the store, which says why in XML. It keeps its own time. */
function refusal(said, { url, given }) {
  const old = Date.now() - given >= 1000 * new URL(url).searchParams.get("X-Amz-Expires");
  if (/expired/i.test(said)) return old ? "permission_expired" : "wrong_clock";
  return /not yet valid|not valid yet|RequestTimeTooSkewed/i.test(said) ? "wrong_clock" : "storage_refused";
}

/** PUT the file as the permission says. XHR, because fetch tells no progress of what it sends. */
function put(file, permission, { signal, progress }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(permission.method ?? "PUT", permission.url);
    for (const [name, value] of Object.entries(permission.headers ?? {})) if (name.toLowerCase() !== "content-length" && name.toLowerCase() !== "host") xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => progress(event.loaded);
    xhr.onerror = xhr.ontimeout = () => reject(new Passing("", { again: true, label: "offline" }));
    xhr.onload = () => {
      // 412: "only if it is not there yet", and it is: an earlier try arrived, its answer did not.
      if ((xhr.status >= 200 && xhr.status < 300) || xhr.status === 412) resolve();
      else if (xhr.status >= 500 || xhr.status === 429) reject(new Passing("", { again: true, label: "offline", status: xhr.status }));
      else reject(new Problem("", { again: true, label: refusal(xhr.responseText, permission), status: xhr.status }));
    };
    signal.addEventListener("abort", () => { xhr.abort(); reject(signal.reason); }, { once: true });
    xhr.send(file);
  });
}

/** Resolve to the asset. `tell(phase, sent)` hears 'asking', 'sending', 'confirming', 'retrying'. */
async function transfer(file, facts, { base, purpose, signal, tell }) {
  const retrying = () => tell("retrying", 0);
  const patient = { signal, retrying };
  tell("sending", 0);
  const announced = { filename: file.name, content_type: facts.mime, size_bytes: file.size, sha256: facts.sha256, purpose };
  const permission = await persistently(() => ask(`${base}/storage/presign-put`, announced, signal), patient);
  if (permission.asset) return permission.asset;
  permission.given = Date.now();
  await persistently(() => put(file, permission, { signal, progress: (sent) => tell("sending", sent) }), patient);
  tell("confirming", file.size);
  const confirmed = await persistently(() => ask(`${base}/storage/confirm`, { upload_id: permission.upload_id }, signal), patient);
  return confirmed.asset;
}
