// Drawing: requests on a canvas, as there may be thousands of them. Every stage has a shape of its own.
const ROW_HEIGHTS = [
  [14, 15],
  [32, 11],
  [90, 7],
  [220, 4],
];
const GROUP_HEAD = 18,
  DENSITY = 46;

function rowHeight(rows) {
  const found = ROW_HEIGHTS.find(([most]) => rows <= most);
  return found ? found[1] : Math.max(1, 880 / rows);
}

function palette() {
  const style = getComputedStyle(document.documentElement);
  const names = [
    "ink",
    "soft",
    "paper",
    "panel",
    "rule",
    "strong-rule",
    "accent",
    "on-accent",
    "bad",
    "before",
    "before-edge",
    "queued",
    "own",
    "awaiting",
    "after",
  ];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

// Columns to arrays, and where each row lies.
class Requests {
  constructor(data) {
    Object.assign(this, data.requests);
    let at = 0;
    this.start = this.start.map((step) => (at += step));
    this.count = this.start.length;
    this.groups = data.groups;
    this.byRequest = { own: this.spread(this.own), queued: this.spread(this.queued) };
    this.each = rowHeight(data.groups.reduce((sum, group) => sum + group.rows, 0));
    this.hasDensity = data.density !== null;
    this.tops = [];
    let top = this.hasDensity ? DENSITY + 26 : 4;
    for (const group of this.groups) {
      this.tops.push(top + GROUP_HEAD);
      top += GROUP_HEAD + group.rows * this.each + 8;
    }
    this.height = top;
    this.looks = Array.from({ length: this.count }, (_, i) => this.look(i));
    this.culprits = Array.from({ length: this.count }, () => []);
    data.blocks.forEach((block, index) =>
      block.victims.forEach((victim, place) => this.culprits[victim].push([index, block.waited[place]])),
    );
  }
  spread(spans) {
    const found = new Map();
    for (const [index, start, end] of spans) {
      if (!found.has(index)) found.set(index, []);
      found.get(index).push([start, end]);
    }
    return found;
  }
  // What a request looks like where it is too narrow for its stages: the one that it mostly was.
  look(i) {
    if (this.byRequest.own.has(i)) return "own";
    return this.before[i] * 2 > this.inside[i] + this.before[i]
      ? "before"
      : this.byRequest.queued.has(i)
        ? "queued"
        : "awaiting";
  }
  end(i) {
    return this.start[i] + this.before[i] + this.inside[i] + this.after[i];
  }
  top(i) {
    return this.tops[this.group[i]] + this.row[i] * this.each;
  }
  failed(i) {
    return this.status[i] <= 0 || this.status[i] >= 500;
  }
  at(time, y, slack) {
    const group = this.tops.findIndex(
      (top, index) => y >= top - 1 && y < top + this.groups[index].rows * this.each,
    );
    if (group < 0) return -1;
    const row = Math.floor((y - this.tops[group]) / this.each);
    let best = -1,
      nearest = slack;
    for (let i = 0; i < this.count; i++) {
      if (this.group[i] !== group || this.row[i] !== row) continue;
      const off = Math.max(this.start[i] - time, time - this.end(i), 0);
      if (off <= nearest) {
        best = i;
        nearest = off;
      }
      if (this.start[i] > time + slack) break;
    }
    return best;
  }
}

function hatch(context, color) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.strokeStyle = color;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(-1, 7);
  pen.lineTo(7, -1);
  pen.moveTo(-1, 1);
  pen.lineTo(1, -1);
  pen.moveTo(5, 7);
  pen.lineTo(7, 5);
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

class Painter {
  constructor(canvas, data, requests, view) {
    Object.assign(this, { canvas, data, requests, view, base: document.createElement("canvas") });
    this.refresh();
  }
  refresh() {
    this.colors = palette();
    this.hatched = hatch(this.canvas.getContext("2d"), this.colors.queued);
  }
  resize() {
    const scale = window.devicePixelRatio || 1,
      { width } = this.view,
      { height } = this.requests;
    for (const each of [this.canvas, this.base]) {
      each.width = Math.round(width * scale);
      each.height = Math.round(height * scale);
    }
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
  }
  pen(canvas) {
    const pen = canvas.getContext("2d"),
      scale = window.devicePixelRatio || 1;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, this.view.width, this.requests.height);
    return pen;
  }
  // Everything as it is without a highlight, kept for as long as the view stays.
  prepare() {
    const pen = this.pen(this.base);
    this.lines(pen);
    if (this.requests.hasDensity) this.density(pen);
    this.shown = this.visible();
    this.stages(pen, this.shown);
    this.names(pen);
  }
  draw(lit) {
    const pen = this.pen(this.canvas);
    pen.globalAlpha = lit ? 0.22 : 1;
    pen.drawImage(this.base, 0, 0, this.view.width, this.requests.height);
    pen.globalAlpha = 1;
    if (!lit) return;
    const chosen = [...lit.keys()].filter((i) => this.seen(i));
    this.stages(pen, chosen);
    this.mark(pen, chosen, lit);
    this.names(pen);
  }
  seen(i) {
    return this.requests.start[i] <= this.view.end && this.requests.end(i) >= this.view.start;
  }
  visible() {
    const found = [];
    for (let i = 0; i < this.requests.count && this.requests.start[i] <= this.view.end; i++)
      if (this.seen(i)) found.push(i);
    return found;
  }
  lines(pen) {
    pen.fillStyle = this.colors.rule;
    for (const at of ticksOf(this.view, 90).ticks)
      pen.fillRect(Math.round(this.view.x(at)), 0, 1, this.requests.height);
  }
  density(pen) {
    const { before, queued, own, awaiting } = this.data.density,
      { view, colors } = this,
      count = before.length;
    const highest = Math.max(0.01, ...before.map((value, i) => value + queued[i] + own[i] + awaiting[i]));
    const each = Math.ceil((this.data.length * 1000) / count) / 1000,
      floor = DENSITY + 16;
    const stack = [
      [own, colors.own],
      [awaiting, colors.awaiting],
      [queued, this.hatched],
      [before, colors.before],
    ];
    const heights = new Float64Array(count);
    for (const [values, fill] of stack) {
      pen.fillStyle = fill;
      for (let i = 0; i < count; i++) {
        if (!values[i]) continue;
        const x = view.x(i * each),
          width = view.x((i + 1) * each) - x,
          height = (values[i] * DENSITY) / highest;
        if (x + width >= 0 && x <= view.width)
          pen.fillRect(x, floor - heights[i] - height, width + 0.4, height);
        heights[i] += height;
      }
    }
    pen.fillStyle = colors["strong-rule"];
    pen.fillRect(0, floor, view.width, 1);
    this.caption(pen, `requests under way, ${this.data.density.most.toLocaleString("en")} at most`, 12);
  }
  // Stage by stage, so that the canvas changes colour four times and not forty thousand.
  stages(pen, all) {
    const visible = this.narrow(pen, all);
    const { requests, view, colors } = this,
      high = Math.max(1, requests.each - (requests.each > 5 ? 2 : requests.each > 2 ? 1 : 0));
    const bar = (from, to, top, height) => {
      const x = Math.max(-2, view.x(from)),
        end = Math.min(view.width + 2, view.x(to));
      if (end > -2 && x < view.width + 2) pen.fillRect(x, top, Math.max(end - x, 0.8), height);
    };
    pen.fillStyle = colors.before;
    for (const i of visible)
      if (requests.before[i])
        bar(requests.start[i], requests.start[i] + requests.before[i], requests.top(i), high);
    if (high >= 6) {
      pen.strokeStyle = colors["before-edge"];
      pen.lineWidth = 1;
      pen.beginPath();
      for (const i of visible) {
        const x = Math.max(-4, view.x(requests.start[i])),
          end = Math.min(view.width + 4, view.x(requests.start[i] + requests.before[i]));
        if (end - x >= 3) pen.rect(x + 0.5, requests.top(i) + 0.5, end - x - 1, high - 1);
      }
      pen.stroke();
    }
    const thin = Math.max(1, high * 0.22);
    pen.fillStyle = colors.awaiting;
    for (const i of visible)
      if (requests.inside[i])
        bar(
          requests.start[i] + requests.before[i],
          requests.end(i) - requests.after[i],
          requests.top(i) + (high - thin) / 2,
          thin,
        );
    pen.fillStyle = colors.after;
    for (const i of visible)
      if (requests.after[i])
        bar(requests.end(i) - requests.after[i], requests.end(i), requests.top(i) + (high - thin) / 2, thin);
    for (const [name, fill] of [
      ["queued", this.hatched],
      ["own", colors.own],
    ]) {
      for (const under of name === "queued" ? [colors.paper, fill] : [fill]) {
        pen.fillStyle = under;
        for (const i of visible)
          for (const [from, to] of requests.byRequest[name].get(i) || [])
            bar(from, to, requests.top(i), high);
      }
    }
    pen.fillStyle = colors.bad;
    for (const i of visible)
      if (requests.failed(i)) pen.fillRect(view.x(requests.end(i)) - 3, requests.top(i), 3, high);
  }
  // Requests narrower than two pixels, of each row no more than one a pixel; the others are returned.
  narrow(pen, all) {
    const { requests, view, colors } = this,
      wide = [],
      last = new Map(),
      least = (2 * view.span) / view.width;
    const high = Math.max(1, requests.each - (requests.each > 2 ? 1 : 0));
    const looks = {
      own: [colors.own, []],
      before: [colors.before, []],
      queued: [this.hatched, []],
      awaiting: [colors.awaiting, []],
    };
    for (const i of all) {
      if (requests.end(i) - requests.start[i] >= least) {
        wide.push(i);
        continue;
      }
      const x = Math.floor(view.x(requests.start[i])),
        top = requests.top(i),
        look = requests.looks[i];
      if (last.get(top) === x && look !== "own") continue;
      last.set(top, x);
      looks[look][1].push(x, top);
    }
    for (const [look, [fill, places]] of Object.entries(looks)) {
      const height = look === "awaiting" ? high * 0.5 : high;
      pen.fillStyle = fill;
      for (let at = 0; at < places.length; at += 2)
        pen.fillRect(places[at], places[at + 1] + (high - height) / 2, 1.5, height);
    }
    return wide;
  }
  mark(pen, chosen, lit) {
    const { requests, view, colors } = this,
      high = Math.max(2, requests.each - 1);
    pen.strokeStyle = colors.ink;
    pen.lineWidth = requests.each < 7 ? 1 : 1.5;
    // Many outlines close together would hide what they are about; the others are faint enough.
    for (const i of chosen.length > 40 && requests.each < 11 ? [] : chosen) {
      const x = Math.max(-4, view.x(requests.start[i])),
        end = Math.min(view.width + 4, view.x(requests.end(i)));
      pen.strokeRect(x - 0.5, requests.top(i) - 0.5, Math.max(2, end - x) + 1, high);
    }
    if (requests.each < 11) return;
    pen.font = `600 10px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "middle";
    for (const i of chosen) {
      const text = lit.get(i);
      if (!text) continue;
      const wide = pen.measureText(text).width + 8,
        end = view.x(requests.end(i));
      const x = Math.max(0, Math.min(view.width - wide, end + 3));
      pen.fillStyle = colors.ink;
      pen.fillRect(x, requests.top(i) - 1, wide, high + 1);
      pen.fillStyle = colors.paper;
      pen.fillText(text, x + 4, requests.top(i) + high / 2);
    }
  }
  names(pen) {
    this.requests.groups.forEach((group, index) =>
      this.caption(
        pen,
        `${group.label}  ·  ${group.count.toLocaleString("en")}`,
        this.requests.tops[index] - 5,
      ),
    );
  }
  caption(pen, text, y) {
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "alphabetic";
    let shown = text;
    while (shown.length > 4 && pen.measureText(shown).width > this.view.width - 12)
      shown = `${shown.slice(0, -2).replace(/…$/, "")}…`;
    pen.fillStyle = this.colors.paper;
    pen.fillRect(0, y - 11, pen.measureText(shown).width + 10, 14);
    pen.fillStyle = this.colors.soft;
    pen.fillText(shown, 4, y);
  }
}
