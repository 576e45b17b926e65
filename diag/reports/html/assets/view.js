// The window of time that is seen, and numbers as text. All times are whole microseconds.
const byId = (id) => document.getElementById(id);
const readJson = (id) => {
  const found = byId(id);
  return found ? JSON.parse(found.textContent) : null;
};

function durationText(us) {
  const ms = us / 1000;
  if (us === 0) return "0 ms";
  if (us < 100) return `${us} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(ms < 1 ? 2 : 1) : Math.round(ms)} ms`;
  return ms < 60000
    ? `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`
    : `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}

function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

// A stretch of [0, length] shown on some pixels; it never leaves that range.
class View {
  constructor(length) {
    this.length = Math.max(1, length);
    this.start = 0;
    this.end = this.length;
    this.width = 1;
  }
  get span() {
    return this.end - this.start;
  }
  x(time) {
    return ((time - this.start) * this.width) / this.span;
  }
  time(x) {
    return this.start + (x * this.span) / this.width;
  }
  show(start, end) {
    const span = Math.min(this.length, Math.max(200, end - start));
    this.start = Math.min(Math.max(0, start), this.length - span);
    this.end = this.start + span;
  }
  zoom(factor, x = this.width / 2) {
    const at = this.time(x),
      left = (at - this.start) / factor;
    this.show(at - left, at - left + this.span / factor);
  }
  pan(pixels) {
    const by = (pixels * this.span) / this.width;
    this.show(this.start + by, this.end + by);
  }
  get whole() {
    return this.span >= this.length;
  }
}

// Round times for a ruler, at least `gap` pixels apart.
function ticksOf(view, gap) {
  const least = (gap * view.span) / view.width,
    power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((part) => part * power).find((each) => each >= least);
  const ticks = [];
  for (let at = Math.ceil(view.start / step) * step; at <= view.end; at += step) ticks.push(at);
  return { ticks, step };
}

// All ticks of a ruler have the same unit and as many decimals.
function tickText(us, step, end) {
  const unit = end >= 1e6 ? 1e6 : 1000,
    decimals = Math.max(0, Math.ceil(Math.log10(unit / step) - 1e-9));
  return `${(us / unit).toFixed(decimals)} ${unit === 1e6 ? "s" : "ms"}`;
}
