// Figures as people read them. No words: those are labels.

const UNITS = ["B", "kB", "MB", "GB"], STEP = 1024; // as limits are set: 50 MB are 50 × 2^20

function bytes(count) {
  let value = count, unit = 0;
  while (value >= STEP && unit < UNITS.length - 1) { value /= STEP; unit += 1; }
  return `${Number(value.toFixed(unit === 0 || value >= 100 ? 0 : 1))} ${UNITS[unit]}`;
}

/** 75 s -> "1:15", 3700 s -> "1:01:40". */
function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const tail = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  if (hours) return `${hours}:${tail.map((part) => String(part).padStart(2, "0")).join(":")}`;
  return `${tail[0]}:${String(tail[1]).padStart(2, "0")}`;
}

function percent(share) {
  return Math.round(100 * Math.min(1, Math.max(0, share)));
}

/** Let a bar show a share of its width. */
function barWidth(bar, share) {
  bar.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
}

function pixels(width, height) {
  return width && height ? `${width} × ${height}` : "";
}
