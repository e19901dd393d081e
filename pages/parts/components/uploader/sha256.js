// SHA-256 of a file of any size, in a worker, 8 MB at a time. Our own code because
// crypto.subtle wants the whole file in memory and is missing on plain http.

function sha256Worker() {
  const SLICE = 8 * 1024 * 1024;
  const K = new Int32Array(64);
  const START = new Int32Array(8);
  // The constants are the fractions of the roots of the first primes (FIPS 180-4).
  for (let n = 2, found = 0; found < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    const fraction = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
    if (found < 8) START[found] = fraction(Math.sqrt(n));
    K[found] = fraction(Math.cbrt(n));
    found += 1;
  }

  const W = new Int32Array(64);

  function blocks(state, bytes, from, to) {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = state;
    for (let at = from; at < to; at += 64) {
      for (let i = 0, p = at; i < 16; i += 1, p += 4) W[i] = (bytes[p] << 24) | (bytes[p + 1] << 16) | (bytes[p + 2] << 8) | bytes[p + 3];
      for (let i = 16; i < 64; i += 1) {
        const x = W[i - 15], y = W[i - 2];
        W[i] = (W[i - 16] + W[i - 7] + (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3))
          + (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10))) | 0;
      }
      let a = s0, b = s1, c = s2, d = s3, e = s4, f = s5, g = s6, h = s7;
      for (let i = 0; i < 64; i += 1) {
        const t1 = (h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
        const t2 = ((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
      }
      s0 = (s0 + a) | 0; s1 = (s1 + b) | 0; s2 = (s2 + c) | 0; s3 = (s3 + d) | 0;
      s4 = (s4 + e) | 0; s5 = (s5 + f) | 0; s6 = (s6 + g) | 0; s7 = (s7 + h) | 0;
    }
    state.set([s0, s1, s2, s3, s4, s5, s6, s7]);
  }

  function padded(tail, length) {
    const last = new Uint8Array(tail.length < 56 ? 64 : 128);
    last.set(tail);
    last[tail.length] = 0x80;
    const view = new DataView(last.buffer);
    view.setUint32(last.length - 8, Math.floor(length / 536870912));
    view.setUint32(last.length - 4, (length * 8) >>> 0);
    return last;
  }

  async function hash(file) {
    const state = START.slice();
    let bytes = new Uint8Array(0);
    for (let at = 0; at < file.size; at += SLICE) {
      bytes = new Uint8Array(await file.slice(at, Math.min(at + SLICE, file.size)).arrayBuffer());
      blocks(state, bytes, 0, bytes.length - (bytes.length % 64));
      postMessage({ done: at + bytes.length });
    }
    const tail = padded(bytes.subarray(bytes.length - (bytes.length % 64)), file.size);
    blocks(state, tail, 0, tail.length);
    return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  onmessage = (event) => hash(event.data).then((sha256) => postMessage({ sha256 }), (error) => postMessage({ error: String(error) }));
}

/** Resolve to the hash as 64 hex digits. Rejects when aborted or when the file cannot be read. */
function sha256(file, { signal, progress }) {
  const url = URL.createObjectURL(new Blob([`(${sha256Worker})()`], { type: "text/javascript" }));
  const worker = new Worker(url);
  const ended = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.sha256) resolve(data.sha256);
      else if (data.error) reject(new Unreadable(data.error));
      else progress(data.done);
    };
    worker.onerror = (event) => reject(new Error(event.message));
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    worker.postMessage(file);
  });
  return ended.finally(() => { worker.terminate(); URL.revokeObjectURL(url); });
}

class Unreadable extends Error {}
