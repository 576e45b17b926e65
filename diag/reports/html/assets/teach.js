// Play and step: time goes by, stops before each block, and asks who will have to wait.
class Lesson {
  constructor(timeline) {
    Object.assign(this, { timeline, part: timeline.part, next: 0, running: false, playing: false });
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    timeline.onDraw = () => this.cover();
    timeline.root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-act]");
      if (button) this.act(button.dataset.act);
    });
    timeline.stage.addEventListener("keydown", (event) => {
      if (event.key === "p" || event.key === "P") this.act("play");
      if (event.key === "s" || event.key === "S") this.act("step");
    });
    for (const name of ["play", "step"])
      timeline.root.querySelector(`[data-act=${name}]`).disabled = !timeline.blocks.length;
  }
  act(name) {
    if (name === "play") {
      if (this.playing) this.pause();
      else this.play();
    }
    if (name === "step") {
      if (this.asking) this.reveal();
      this.pause();
      this.ask();
    }
    if (name === "reveal") {
      if (this.asking) this.reveal();
      else if (this.playing) this.roll();
      else this.ask();
    }
    if (name === "stop") this.stop();
  }
  begin() {
    if (this.running) return;
    this.running = true;
    const from =
      this.timeline.current >= 0 && this.timeline.current < this.timeline.blocks.length - 1
        ? this.timeline.current
        : 0;
    this.next = from;
    this.at = from ? this.timeline.blocks[from].start - 1 : 0;
    this.timeline.root.dataset.lesson = "on";
  }
  pressed(on) {
    this.playing = on;
    this.timeline.root.querySelector("[data-act=play]").setAttribute("aria-pressed", String(on));
  }
  play() {
    this.begin();
    this.pressed(true);
    if (!this.asking) this.roll();
  }
  pause() {
    this.pressed(false);
    cancelAnimationFrame(this.frame);
  }
  // Time goes by at such a speed that the way to the next block takes no longer than two seconds.
  roll() {
    const { timeline } = this,
      block = timeline.blocks[this.next];
    this.part("ask").hidden = true;
    if (!block) {
      this.stop();
      return;
    }
    timeline.dark();
    timeline.around(block);
    const from = Math.min(block.start, Math.max(this.at, timeline.view.start)),
      way = block.start - from,
      began = performance.now();
    const move = (now) => {
      const share = this.still.matches || !way ? 1 : Math.min(1, (now - began) / 1400);
      this.at = from + way * share;
      timeline.draw();
      if (share < 1) this.frame = requestAnimationFrame(move);
      else this.ask();
    };
    this.frame = requestAnimationFrame(move);
  }
  ask() {
    this.begin();
    const { timeline } = this,
      block = timeline.blocks[this.next];
    if (!block) {
      this.stop();
      return;
    }
    this.asking = true;
    this.at = block.start;
    timeline.dark();
    timeline.around(block);
    timeline.soon();
    this.part("ask-title").textContent =
      `${durationText(block.start)} into the run, ${block.route || block.where || "somebody"} is about to hold the ${timeline.data.lanes[block.lane].label}. Who will have to wait?`;
    const labels = timeline.data.groups.map((group) => group.label);
    this.part("choices").replaceChildren(
      ...[...labels, "nobody"].map((label) => {
        const choice = html("label"),
          box = html("input");
        box.type = "checkbox";
        box.value = label;
        choice.append(box, label);
        return choice;
      }),
    );
    this.part("answer").textContent = "";
    this.part("ask").hidden = false;
    this.part("ask").querySelector("[data-act=reveal]").textContent = "Show who waits";
    this.part("ask-title").focus({ preventScroll: true });
    timeline.root.dataset.lesson = "asking";
  }
  reveal() {
    const { timeline } = this,
      block = timeline.blocks[this.next],
      index = this.next;
    const waited = new Map();
    block.victims.forEach((victim, place) => {
      const label = timeline.label(victim),
        known = waited.get(label) || [0, 0];
      waited.set(label, [known[0] + 1, Math.max(known[1], block.waited[place])]);
    });
    this.asking = false;
    this.next += 1;
    this.at = block.end;
    for (const i of block.victims)
      this.at = Math.max(
        this.at,
        Math.min(timeline.requests.end(i), block.end + (block.end - block.start) * 2),
      );
    timeline.current = index;
    timeline.showBlock(index);
    timeline.soon();
    const right = waited.size
      ? [...waited]
          .map(
            ([label, [count, most]]) =>
              `${label} (${count === 1 ? "1 waits" : `${count} wait`}, up to ${durationText(most)})`,
          )
          .join(", ")
      : "nobody";
    const guessed = [...this.part("choices").querySelectorAll("input:checked")].map((box) => box.value),
      truth = waited.size ? [...waited.keys()] : ["nobody"];
    const same = guessed.length === truth.length && guessed.every((label) => truth.includes(label));
    this.part("answer").textContent =
      `${guessed.length ? (same ? "✓ Right. " : "✗ Not quite. ") : ""}It lasts ${durationText(Math.round(block.own_ns / 1000))}. Who waits: ${right}.`;
    this.part("ask").querySelector("[data-act=reveal]").textContent =
      this.next < timeline.blocks.length ? "Go on" : "Finish";
    timeline.root.dataset.lesson = "answered";
  }
  stop() {
    this.pause();
    Object.assign(this, { running: false, asking: false, next: 0 });
    this.part("ask").hidden = true;
    this.timeline.root.dataset.lesson = "";
    this.timeline.dark();
    this.timeline.draw();
  }
  // What has not happened yet is covered.
  cover() {
    const veil = this.part("veil");
    veil.hidden = !this.running;
    if (this.running)
      veil.style.left = `${Math.max(0, Math.min(this.timeline.view.width, this.timeline.view.x(this.at)))}px`;
  }
}
