// What one does with the timeline: pointing, dragging, pinching, turning the wheel, pressing keys.
function listenTo(timeline) {
  const { stage, lanes, view } = timeline;
  const blockAt = (event) => {
    const node = event.target.closest("[data-block]");
    return node ? Number(node.dataset.block) : -1;
  };
  lanes.addEventListener("pointerover", (event) => {
    const index = blockAt(event);
    if (index >= 0 && !timeline.drag) timeline.showBlock(index);
  });
  lanes.addEventListener("pointerout", (event) => {
    if (blockAt(event) >= 0 && !timeline.drag) timeline.leave();
  });
  lanes.addEventListener("focusin", (event) => {
    const index = blockAt(event);
    if (index >= 0) {
      timeline.current = index;
      timeline.showBlock(index);
    }
  });
  lanes.addEventListener("click", (event) => {
    const index = blockAt(event);
    if (index >= 0) {
      timeline.chosen = timeline.chosen === index ? null : index;
      timeline.current = index;
      timeline.showBlock(index);
    }
  });
  lanes.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && blockAt(event) >= 0) {
      event.preventDefault();
      timeline.around(timeline.blocks[timeline.current]);
      timeline.showBlock(timeline.current);
    }
  });
  const canvas = timeline.part("requests");
  canvas.addEventListener("pointermove", (event) => {
    if (timeline.drag) return;
    const box = canvas.getBoundingClientRect();
    const found = timeline.requests.at(
      view.time(event.clientX - box.left),
      event.clientY - box.top,
      (3 * view.span) / view.width,
    );
    if (found === timeline.over) return;
    timeline.over = found;
    if (found >= 0) timeline.showRequest(found);
    else timeline.leave();
  });
  canvas.addEventListener("pointerleave", () => {
    timeline.over = -1;
    if (!timeline.drag) timeline.leave();
  });
  stage.addEventListener("keydown", (event) => keyOf(timeline, event));
  stage.addEventListener(
    "wheel",
    (event) => {
      const across = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (!(event.ctrlKey || event.metaKey || across)) return;
      event.preventDefault();
      if (across) view.pan(event.deltaX);
      else view.zoom(Math.exp(-event.deltaY / 240), event.clientX - stage.getBoundingClientRect().left);
      timeline.soon();
    },
    { passive: false },
  );
  stage.addEventListener("dblclick", (event) => {
    view.zoom(3, event.clientX - stage.getBoundingClientRect().left);
    timeline.soon();
  });
  followFingers(timeline);
  timeline.root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) timeline.act(button.dataset.act);
  });
  new ResizeObserver(() => timeline.resize()).observe(stage);
  const repaint = () => {
    timeline.painter.refresh();
    writeLegend(timeline);
    timeline.laidOut = "";
    timeline.soon();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  matchMedia("print").addEventListener("change", () => {
    timeline.painter.refresh();
    writeLegend(timeline);
    timeline.resize();
  });
}

// One pointer drags, two pinch.
function followFingers(timeline) {
  const { stage, view } = timeline,
    down = new Map();
  const spread = () => {
    const [a, b] = [...down.values()];
    return {
      distance: Math.max(20, Math.abs(a - b)),
      middle: (a + b) / 2 - stage.getBoundingClientRect().left,
    };
  };
  stage.addEventListener("pointerdown", (event) => {
    down.set(event.pointerId, event.clientX);
  });
  window.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    const before = down.get(event.pointerId);
    if (down.size === 2) {
      const old = spread();
      down.set(event.pointerId, event.clientX);
      const now = spread();
      view.zoom(now.distance / old.distance, now.middle);
      timeline.soon();
      return;
    }
    if (!timeline.drag && Math.abs(event.clientX - before) < 4) return;
    timeline.drag = true;
    stage.classList.add("dragging");
    down.set(event.pointerId, event.clientX);
    view.pan(before - event.clientX);
    timeline.soon();
  });
  for (const name of ["pointerup", "pointercancel"])
    window.addEventListener(name, (event) => {
      down.delete(event.pointerId);
      if (!down.size && timeline.drag) {
        stage.classList.remove("dragging");
        setTimeout(() => {
          timeline.drag = false;
        }, 0);
      }
    });
}

function keyOf(timeline, event) {
  const acts = { "+": "in", "=": "in", "-": "out", 0: "all" };
  if (event.shiftKey && event.key.startsWith("Arrow"))
    timeline.view.pan(((event.key === "ArrowLeft" ? -1 : 1) * timeline.view.width) / 6);
  else if (event.key === "ArrowRight" || event.key === "ArrowDown") timeline.go(timeline.current + 1);
  else if (event.key === "ArrowLeft" || event.key === "ArrowUp") timeline.go(timeline.current - 1);
  else if (event.key === "Escape") {
    timeline.chosen = null;
    timeline.dark();
  } else if (acts[event.key]) timeline.act(acts[event.key]);
  else return;
  event.preventDefault();
  timeline.soon();
}
