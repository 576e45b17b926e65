// Puts the parts of the page to work: the timeline, the matrix, the links between them, and saving.
function start() {
  const data = readJson("timeline-data"),
    root = byId("timeline");
  const timeline = data && root ? new Timeline(root, data) : null;
  if (timeline && timeline.blocks.length) new Lesson(timeline);
  else if (timeline)
    for (const name of ["play", "step", "previous", "next"])
      root.querySelector(`[data-act=${name}]`).disabled = true;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.cell) toggle(button);
    if (timeline && button.dataset.request) timeline.toRequest(Number(button.dataset.request));
    if (timeline && button.dataset.finding) {
      timeline.showFinding(Number(button.dataset.finding));
      root.scrollIntoView({ block: "start" });
    }
    if (button.dataset.save) save(button.dataset.save);
  });
  document.documentElement.dataset.ready = "true";
}

function toggle(button) {
  const open = button.getAttribute("aria-expanded") === "true";
  for (const other of document.querySelectorAll("[data-cell][aria-expanded=true]")) {
    other.setAttribute("aria-expanded", "false");
    byId(other.getAttribute("aria-controls")).hidden = true;
  }
  button.setAttribute("aria-expanded", String(!open));
  byId(button.getAttribute("aria-controls")).hidden = open;
}

function save(id) {
  const link = html("a");
  link.href = URL.createObjectURL(
    new Blob([JSON.stringify(readJson(id), null, 2)], { type: "application/json" }),
  );
  link.download = "diag.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

start();
