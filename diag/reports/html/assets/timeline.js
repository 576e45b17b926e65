// The timeline: lanes with their blocks, rows of requests, and who waited for whom.
const SVG = "http://www.w3.org/2000/svg";
// Height of a lane, and how much of it its name takes; many lanes are lower, and very many have no name.
const LANE_HEIGHTS = [
  [4, 46, 17],
  [12, 32, 14],
  [Infinity, 14, 0],
];
const CAUSES = {
  waiting: "off-CPU (waiting)",
  "on-cpu-gil": "on-CPU holding the GIL",
  "on-cpu-no-gil": "on-CPU without the GIL",
  "on-cpu": "on-CPU (GIL not observed)",
  "gil-wait": "waiting for the GIL",
  "run-queue": "run-queue wait",
  unknown: "cause not known",
};

function svg(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
function html(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

class Timeline {
  constructor(root, data) {
    Object.assign(this, { root, data, blocks: data.blocks, current: -1, chosen: null });
    this.part = (name) => root.querySelector(`[data-${name}]`);
    this.stage = this.part("stage");
    this.lanes = this.part("lanes");
    this.panel = this.part("panel");
    this.view = new View(data.length);
    [, this.laneHeight, this.laneHead] = LANE_HEIGHTS.find(([most]) => data.lanes.length <= most);
    this.requests = new Requests(data);
    this.inOrder = [...data.steps].sort((a, b) => a[1] - b[1]);
    root.hidden = false;
    this.painter = new Painter(this.part("requests"), data, this.requests, this.view);
    this.build();
    writeLegend(this);
    writeLeftOut(this);
    listenTo(this);
    this.resize();
  }
  get trackHeight() {
    return this.laneHeight - this.laneHead - (this.laneHead ? 4 : 2);
  }
  get noun() {
    return this.data.tasks ? "task" : "request";
  }

  build() {
    const { lanes, laneHeight, laneHead } = this;
    lanes.setAttribute("height", this.data.lanes.length * laneHeight + 4);
    this.data.lanes.forEach((lane, index) => {
      const track = lanes.appendChild(
        svg("rect", {
          class: "track",
          x: 0,
          y: index * laneHeight + laneHead,
          width: "100%",
          height: this.trackHeight,
        }),
      );
      track.append(svg("title", {}, `${lane.label}: ${lane.detail}`));
      if (laneHead)
        lanes.append(
          svg("text", { class: "lane-name", x: 4, y: index * laneHeight + laneHead - 5 }, lane.label),
        );
    });
    this.steps = lanes.appendChild(svg("path", { class: "step" }));
    this.nodes = this.blocks.map((block, index) => {
      const group = svg("path", {
        class: `block cause-${block.cause}${block.parts.length ? " split" : ""}`,
        role: "button",
        tabindex: index ? -1 : 0,
        "data-block": index,
        "aria-label": `Block ${index + 1} of ${this.blocks.length}: ${this.said(block)}`,
      });
      return lanes.appendChild(group);
    });
    this.shade = lanes.appendChild(
      svg("rect", { class: "shade", width: "100%", height: "100%", visibility: "hidden" }),
    );
    this.raised = lanes.appendChild(svg("g", { class: "raised" }));
  }
  said(block) {
    const waited = block.victim_count
      ? `${plural(block.victim_count, this.noun)} waited ${durationText(Math.round(block.waited_ns / 1000))} in all`
      : "nobody was seen waiting";
    return `${durationText(Math.round(block.own_ns / 1000))} at ${block.where || block.route || "a line not known"}, ${CAUSES[block.cause]}; ${waited}`;
  }

  // Layout -----------------------------------------------------------------------------------------------
  resize() {
    this.view.width = Math.max(200, this.stage.clientWidth);
    this.painter.resize();
    this.laidOut = "";
    this.draw();
  }
  soon() {
    if (!this.asked) {
      this.asked = true;
      requestAnimationFrame(() => {
        this.asked = false;
        this.draw();
      });
    }
  }
  // What depends on the view is laid out anew only when that has changed; highlighting is cheap.
  draw() {
    const { view } = this,
      key = `${view.start} ${view.end} ${view.width}`;
    if (key !== this.laidOut) {
      this.laidOut = key;
      this.ruler();
      this.steps.setAttribute("d", this.outlineOfSteps());
      this.outlines = this.blocks.map((block) => this.outline(block));
      this.outlines.forEach((outline, index) => {
        if (this.nodes[index].shape !== outline) {
          this.nodes[index].shape = outline;
          this.nodes[index].setAttribute("d", outline);
        }
      });
      this.painter.prepare();
    }
    this.raise();
    this.painter.draw(this.lit);
    if (this.onDraw) this.onDraw();
  }
  outlineOfSteps() {
    const last = new Map(),
      found = [];
    for (const [lane, start, end] of this.inOrder) {
      const x = this.view.x(start),
        width = Math.max(0.7, this.view.x(end) - x);
      if (x + width < 0 || x > this.view.width || x + width - (last.get(lane) ?? -9) < 0.5) continue;
      last.set(lane, x + width);
      const floor = lane * this.laneHeight + this.laneHead + this.trackHeight,
        high = Math.round(this.trackHeight / 3);
      found.push(`M${x.toFixed(1)} ${floor - high}h${width.toFixed(1)}v${high}h-${width.toFixed(1)}z`);
    }
    return found.join("");
  }
  // Lit blocks are drawn once more above a shade, which is quicker than dimming all others.
  raise() {
    const lit = this.litBlocks;
    this.shade.setAttribute("visibility", lit && lit.size ? "visible" : "hidden");
    this.raised.replaceChildren(
      ...[...(lit || [])].flatMap((index) => {
        const block = this.blocks[index],
          whole = { ...block, parts: [] };
        return [
          svg("path", { class: `cause-${block.cause}`, d: this.outlines[index] }),
          svg("path", { class: "edge", d: this.outline(whole) }),
        ];
      }),
    );
  }
  outline(block) {
    const { view } = this,
      top = block.lane * this.laneHeight + this.laneHead,
      floor = top + this.trackHeight,
      found = [];
    for (const [start, end] of block.parts.length && view.span < 60 * (block.end - block.start)
      ? block.parts
      : [[block.start, block.end]]) {
      const x = Math.max(-5, view.x(start)),
        right = Math.min(view.width + 5, Math.max(view.x(end), view.x(start) + 2));
      if (right > -5 && x < view.width + 5)
        found.push(`M${x.toFixed(2)} ${top}H${right.toFixed(2)}V${floor}H${x.toFixed(2)}Z`);
    }
    return found.join("") || "M-9 0Z";
  }
  ruler() {
    const ruler = this.part("ruler"),
      { ticks, step } = ticksOf(this.view, 90),
      made = [];
    for (const at of ticks) {
      const x = this.view.x(at),
        anchor = x < 24 ? "start" : x > this.view.width - 30 ? "end" : "middle";
      made.push(
        svg("line", { x1: x, x2: x, y1: 18, y2: 24 }),
        svg(
          "text",
          { x: Math.min(Math.max(x, 3), this.view.width - 3), y: 13, "text-anchor": anchor },
          tickText(at, step, this.view.end),
        ),
      );
    }
    ruler.replaceChildren(...made);
  }

  // Who waited for whom ----------------------------------------------------------------------------------
  light(blocks, requests) {
    this.lit = requests;
    this.litBlocks = blocks;
    this.root.dataset.lit = requests ? [...requests.keys()].sort((a, b) => a - b).join(" ") : "";
    this.root.dataset.culprits = blocks ? [...blocks].sort((a, b) => a - b).join(" ") : "";
    this.soon();
  }
  dark() {
    this.light(null, null);
  }
  victimsOf(indices) {
    const found = new Map();
    for (const index of indices)
      this.blocks[index].victims.forEach((victim, place) =>
        found.set(victim, (found.get(victim) || 0) + this.blocks[index].waited[place]),
      );
    return new Map([...found].map(([victim, us]) => [victim, `+${durationText(us)}`]));
  }
  showBlock(index) {
    this.light(new Set([index]), this.victimsOf([index]));
    this.tellBlock(index);
    this.part("place").textContent = `${index + 1} of ${this.blocks.length}`;
  }
  tellBlock(index) {
    const block = this.blocks[index],
      head = html("p");
    const wall = block.end - block.start,
      own = Math.round(block.own_ns / 1000);
    head.append(
      html("b", durationText(own)),
      `${!block.parts.length && wall > 1.1 * own ? ` (${durationText(wall)} with the wait for a CPU)` : ""} at ${block.where || "a line not known"}${block.route ? `, ${block.route}` : ""} · ${CAUSES[block.cause]} · ${durationText(block.start)} into the run`,
    );
    const cost = html(
      "p",
      block.victim_count
        ? `${plural(block.victim_count, this.noun)} waited ${durationText(Math.round(block.waited_ns / 1000))} in all${block.victims.length < block.victim_count ? ` (${block.victims.length} of them are drawn)` : ""}:`
        : "Nobody was seen waiting for it.",
    );
    const list = html("ul");
    block.victims.slice(0, 10).forEach((victim, place) => {
      const item = html("li", `${this.label(victim)} `);
      item.append(html("b", `+${durationText(block.waited[place])}`));
      list.append(item);
    });
    if (block.victims.length > 10) list.append(html("li", `and ${block.victims.length - 10} more`));
    if (block.request >= 0) {
      const own = html("button", "Show the request that it worked for");
      own.type = "button";
      own.dataset.request = block.request;
      list.appendChild(html("li")).append(own);
    }
    this.panel.replaceChildren(head, cost, list);
  }
  label(i) {
    return this.data.groups[this.requests.group[i]].label;
  }
  showRequest(i) {
    const { requests } = this,
      culprits = requests.culprits[i];
    this.light(new Set(culprits.map(([index]) => index)), new Map([[i, ""]]));
    const head = html("p"),
      own = this.sum(requests.byRequest.own.get(i)),
      queued = this.sum(requests.byRequest.queued.get(i));
    head.append(
      html("b", this.label(i)),
      ` took ${durationText(requests.end(i) - requests.start[i])}${requests.failed(i) ? (requests.status[i] > 0 ? `, answered ${requests.status[i]}` : ", not answered") : ""}`,
    );
    const parts = [
      ["not yet accepted", requests.before[i]],
      ["queued", queued],
      ["own work", own],
      ["awaiting", Math.max(0, requests.inside[i] - own - queued)],
      ["on its way back", requests.after[i]],
    ];
    const split = html(
      "p",
      this.data.tasks
        ? "ready to run, and not run"
        : parts
            .filter(([, us]) => us > 0)
            .map(([name, us]) => `${name} ${durationText(us)}`)
            .join(" · "),
      "soft",
    );
    const list = html("ul");
    culprits
      .sort((a, b) => b[1] - a[1])
      .slice(0, 8)
      .forEach(([index, us]) => {
        const item = html(
          "li",
          `behind ${this.blocks[index].where || this.blocks[index].route || "a block"} `,
        );
        item.append(html("b", `+${durationText(us)}`));
        list.append(item);
      });
    if (!culprits.length) list.append(html("li", "It waited behind nobody."));
    this.panel.replaceChildren(head, split, list);
  }
  sum(spans) {
    return (spans || []).reduce((sum, [from, to]) => sum + to - from, 0);
  }
  showFinding(number) {
    const indices = this.blocks
      .map((block, index) => [block, index])
      .filter(([block]) => block.finding === number)
      .map(([, index]) => index);
    if (!indices.length) return;
    this.view.show(0, this.data.length);
    const victims = this.victimsOf(indices);
    this.light(new Set(indices), new Map([...victims.keys()].map((victim) => [victim, ""])));
    const waited = indices.reduce((sum, index) => sum + this.blocks[index].waited_ns, 0);
    this.panel.replaceChildren(
      html(
        "p",
        `${plural(indices.length, "block")} at ${this.blocks[indices[0]].where || "a line not known"}; ${plural(victims.size, this.noun)} waited ${durationText(Math.round(waited / 1000))} in all.`,
      ),
    );
  }

  // Moving -----------------------------------------------------------------------------------------------
  go(index, focus = true) {
    if (!this.blocks.length) return;
    this.current = Math.min(Math.max(index, 0), this.blocks.length - 1);
    const block = this.blocks[this.current];
    if (block.end < this.view.start || block.start > this.view.end || this.view.whole) this.around(block);
    this.nodes.forEach((node, at) => node.setAttribute("tabindex", at === this.current ? 0 : -1));
    if (focus) this.nodes[this.current].focus({ preventScroll: true });
    this.showBlock(this.current);
  }
  around(block) {
    const span = Math.max(block.end - block.start, 5000);
    this.view.show(block.start - 1.5 * span, block.end + 2.5 * span);
  }
  toRequest(i) {
    const span = this.requests.end(i) - this.requests.start[i];
    this.view.show(this.requests.start[i] - span * 0.4, this.requests.end(i) + span * 0.4);
    this.root.scrollIntoView({ block: "start" });
    this.stage.focus({ preventScroll: true });
    this.showRequest(i);
  }
  leave() {
    if (this.chosen !== null) this.showBlock(this.chosen);
    else this.dark();
  }
  act(name) {
    const acts = {
      previous: () => this.go(this.current - 1, false),
      next: () => this.go(this.current + 1, false),
      in: () => this.view.zoom(1.8),
      out: () => this.view.zoom(1 / 1.8),
      all: () => {
        this.view.show(0, this.data.length);
        this.chosen = null;
        this.dark();
      },
    };
    if (acts[name]) {
      acts[name]();
      this.soon();
    }
  }
}
