// SHA-256 (FIPS 180-4) of a file of any size, in a worker, 8 MB at a time. Our own code,
// because crypto.subtle wants the whole file in memory and is missing on plain http.
// The 64 rounds are written out by `roundsSource`, which makes them four times as fast as a loop.

class Unreadable extends Error {}

/** The constants: the first 32 bits of the fractions of the roots of the first primes. */
function sha256Constants() {
  const start = [], rounds = [];
  const fraction = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
  for (let n = 2; rounds.length < 64; n += 1) {
    if ([...Array(Math.floor(Math.sqrt(n)) + 1).keys()].some((d) => d > 1 && n % d === 0)) continue;
    if (start.length < 8) start.push(fraction(Math.sqrt(n)));
    rounds.push(fraction(Math.cbrt(n)));
  }
  return { start, rounds };
}

/** The rounds as text: a..h change their roles from round to round instead of their values. */
function roundsSource(constants) {
  const turned = (x, n) => `((${x} >>> ${n}) | (${x} << ${32 - n}))`;
  const lines = constants.map((constant, i) => {
    const [a, b, c, d, e, f, g, h] = [...Array(8).keys()].map((k) => "abcdefgh"[(k - (i % 8) + 8) % 8]);
    const w = (n) => `w${n % 16}`, x = w(i + 1), y = w(i + 14);
    const word = i < 16 ? `view.getInt32(at + ${4 * i})`
      : `(${w(i)} + (${turned(x, 7)} ^ ${turned(x, 18)} ^ (${x} >>> 3)) + ${w(i + 9)} + (${turned(y, 17)} ^ ${turned(y, 19)} ^ (${y} >>> 10))) | 0`;
    return `${w(i)} = ${word};
      t = (${h} + (${turned(e, 6)} ^ ${turned(e, 11)} ^ ${turned(e, 25)}) + (${g} ^ (${e} & (${f} ^ ${g}))) + ${constant} + ${w(i)}) | 0;
      ${d} = (${d} + t) | 0;
      ${h} = (t + (${turned(a, 2)} ^ ${turned(a, 13)} ^ ${turned(a, 22)}) + ((${a} & ${b}) | (${c} & (${a} | ${b})))) | 0;`;
  });
  return lines.join("\n");
}

function workerSource() {
  const { start, rounds } = sha256Constants();
  return `
    const START = Int32Array.of(${start});
    function compress(state, bytes, to) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let [s0, s1, s2, s3, s4, s5, s6, s7] = state, t = 0, ${[...Array(16).keys()].map((n) => `w${n} = 0`)};
      for (let at = 0; at < to; at += 64) {
        let a = s0, b = s1, c = s2, d = s3, e = s4, f = s5, g = s6, h = s7;
        ${roundsSource(rounds)}
        s0 = (s0 + a) | 0; s1 = (s1 + b) | 0; s2 = (s2 + c) | 0; s3 = (s3 + d) | 0;
        s4 = (s4 + e) | 0; s5 = (s5 + f) | 0; s6 = (s6 + g) | 0; s7 = (s7 + h) | 0;
      }
      state.set([s0, s1, s2, s3, s4, s5, s6, s7]);
    }
    (${hashWhatComes})(START, compress);`;
}

/** Runs in the worker: hash the file that is sent, tell how far it is, then the hash. */
function hashWhatComes(start, compress) {
  const SLICE = 8 * 1024 * 1024;

  function padded(tail, length) {
    const last = new Uint8Array(tail.length < 56 ? 64 : 128), view = new DataView(last.buffer);
    last.set(tail);
    last[tail.length] = 0x80;
    view.setUint32(last.length - 8, Math.floor(length / 536870912));
    view.setUint32(last.length - 4, (length * 8) >>> 0);
    return last;
  }

  async function hash(file) {
    const state = start.slice();
    let bytes = new Uint8Array(0);
    for (let at = 0; at < file.size; at += SLICE) {
      bytes = new Uint8Array(await file.slice(at, Math.min(at + SLICE, file.size)).arrayBuffer());
      compress(state, bytes, bytes.length - (bytes.length % 64));
      postMessage({ done: at + bytes.length });
    }
    const tail = padded(bytes.subarray(bytes.length - (bytes.length % 64)), file.size);
    compress(state, tail, tail.length);
    return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  onmessage = (event) => hash(event.data).then((sha256) => postMessage({ sha256 }), (error) => postMessage({ error: String(error) }));
}

/** Resolve to the hash as 64 hex digits. Rejects when aborted or when the file cannot be read. */
function sha256(file, { signal, progress }) {
  const url = URL.createObjectURL(new Blob([workerSource()], { type: "text/javascript" }));
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
