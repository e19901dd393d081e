// What a file really is and how large its picture is, from its first bytes.

const HEAD = 512 * 1024;
const EXTENSIONS = {
  "image/png": ["png"], "image/jpeg": ["jpg", "jpeg", "jpe", "jfif"], "image/webp": ["webp"], "video/mp4": ["mp4", "m4v"],
};
const SHORT = { "image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP", "video/mp4": "MP4" };

const ascii = (bytes, at, length) => String.fromCharCode(...bytes.subarray(at, at + length));

function mimeOf(bytes) {
  if (ascii(bytes, 0, 8) === "\x89PNG\r\n\x1a\n") return "image/png";
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "image/jpeg";
  if (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 4) === "WEBP") return "image/webp";
  // HEIC and AVIF are boxes too; their brand tells them from a film.
  if (ascii(bytes, 4, 4) === "ftyp" && !/^(hei|hev|mif|msf|avi|qt)/.test(ascii(bytes, 8, 4))) return "video/mp4";
  return null;
}

/** Return {width, height, alpha} or null where the header does not say. */
function pictureOf(mime, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return { "image/png": pngPicture, "image/jpeg": jpegPicture, "image/webp": webpPicture }[mime]?.(view, bytes) ?? null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function pngPicture(view, bytes) {
  if (ascii(bytes, 12, 4) !== "IHDR") return null;
  let alpha = bytes[25] === 4 || bytes[25] === 6;
  for (let at = 33; !alpha && at + 8 < bytes.length; at += 12 + view.getUint32(at)) {
    const chunk = ascii(bytes, at + 4, 4);
    alpha = chunk === "tRNS";
    if (chunk === "IDAT") break;
  }
  return { width: view.getUint32(16), height: view.getUint32(20), alpha };
}

function jpegPicture(view, bytes) {
  let turned = false;
  for (let at = 2; at + 9 < bytes.length;) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1];
    if (marker === 0xff) { at += 1; continue; }
    if (marker === 0xe1) turned = exifTurned(view, at + 4);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      const [width, height] = [view.getUint16(at + 7), view.getUint16(at + 5)];
      return turned ? { width: height, height: width, alpha: false } : { width, height, alpha: false };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/** Cameras lay a portrait on its side: orientations 5 to 8 exchange width and height. */
function exifTurned(view, at) {
  if (view.getUint32(at) !== 0x45786966) return false;
  const tiff = at + 6, little = view.getUint16(tiff) === 0x4949;
  const first = tiff + view.getUint32(tiff + 4, little);
  for (let entry = 0; entry < view.getUint16(first, little); entry += 1) {
    const where = first + 2 + 12 * entry;
    if (view.getUint16(where, little) === 0x0112) return view.getUint16(where + 8, little) >= 5;
  }
  return false;
}

function webpPicture(view, bytes) {
  const u24 = (at) => bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
  switch (ascii(bytes, 12, 4)) {
    case "VP8X": return { width: u24(24) + 1, height: u24(27) + 1, alpha: Boolean(bytes[20] & 0x10) };
    case "VP8 ": return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff, alpha: false };
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, alpha: Boolean(bits & 0x10000000) };
    }
    default: return null;
  }
}

async function decodedPicture(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const size = { width: bitmap.width, height: bitmap.height, alpha: true };
    bitmap.close();
    return size;
  } catch {
    return null;
  }
}

/** Resolve to {mime, width, height} or, for a file that cannot be taken, {refusal: [label, values]}. */
async function inspect(file, rules) {
  const name = file.name, size = bytes(file.size);
  const types = rules.accept.map((mime) => SHORT[mime] ?? mime).join(", ");
  if (file.size === 0) return { refusal: ["empty", { name }] };
  const head = await file.slice(0, HEAD).arrayBuffer().then((buffer) => new Uint8Array(buffer), () => null);
  if (!head) return { refusal: ["unreadable", { name }] };
  const mime = mimeOf(head), extension = name.includes(".") ? name.split(".").pop().toLowerCase() : "";
  if (!rules.accept.includes(mime)) {
    const claimed = rules.accept.find((type) => EXTENSIONS[type]?.includes(extension));
    return { refusal: claimed ? ["not_what_it_says", { name, type: SHORT[claimed] }] : ["bad_type", { name, types }] };
  }
  if (extension && !EXTENSIONS[mime].includes(extension) && Object.values(EXTENSIONS).flat().includes(extension)) {
    return { refusal: ["not_what_it_says", { name, type: extension.toUpperCase() }] };
  }
  const limit = rules.max_bytes[mime];
  if (limit && file.size > limit) return { refusal: ["too_large", { name, size, limit: bytes(limit) }] };
  if (!mime.startsWith("image/")) return { mime, width: null, height: null };
  const picture = pictureOf(mime, head) ?? await decodedPicture(file);
  if (!picture?.width || !picture.height) return { refusal: ["unreadable", { name }] };
  const wrong = pixelRefusal(picture, rules.pixels);
  return wrong ? { refusal: [wrong[0], { name, width: picture.width, height: picture.height, ...wrong[1] }] } : { mime, ...picture };
}

function pixelRefusal({ width, height, alpha }, rule) {
  if (rule.exactly && (width !== rule.exactly[0] || height !== rule.exactly[1])) return ["other_size", { limit: pixels(...rule.exactly) }];
  if (rule.min_side && Math.min(width, height) < rule.min_side) return ["too_small_side", { limit: rule.min_side }];
  if (rule.max_side && Math.max(width, height) > rule.max_side) return ["too_large_side", { limit: rule.max_side }];
  if (rule.max_pixels && width * height > rule.max_pixels) return ["too_many_pixels", { limit: (rule.max_pixels / 1e6).toFixed(0) }];
  if (rule.alpha && !alpha) return ["no_alpha", {}];
  return null;
}
