// Words below the timeline: the legend, and what is not drawn.
function writeLegend(timeline) {
  const items = [],
    { colors } = timeline.painter;
  for (const cause of new Set(timeline.blocks.map((block) => block.cause))) {
    const sample = svg("svg", { width: 22, height: 12 });
    sample.append(svg("rect", { class: `cause-${cause}`, width: 22, height: 12 }));
    items.push([sample, CAUSES[cause]]);
  }
  if (timeline.data.steps.length) {
    const sample = svg("svg", { width: 22, height: 12, class: "lanes" });
    sample.append(svg("rect", { class: "step", y: 3, width: 22, height: 7 }));
    items.push([sample, "other steps of 1 ms and longer"]);
  }
  const shapes = timeline.data.tasks
    ? [["queued", "ready to run, waiting"]]
    : [
        ["before", "not yet accepted"],
        ["queued", "queued"],
        [
          "own",
          timeline.data.lanes.some((lane) => /loop|hub/.test(lane.label))
            ? "own work on the loop"
            : "own work",
        ],
        ["awaiting", "awaiting"],
        ["after", "on its way back"],
      ];
  for (const [name, words] of shapes) items.push([shapeOf(timeline, name, colors), words]);
  timeline.part("legend").replaceChildren(
    ...items.map(([sample, words]) => {
      sample.setAttribute("aria-hidden", "true");
      const item = html("li");
      item.append(sample, words);
      return item;
    }),
  );
}

function shapeOf(timeline, name, colors) {
  const canvas = document.createElement("canvas"),
    scale = 2,
    pen = canvas.getContext("2d");
  canvas.width = 22 * scale;
  canvas.height = 12 * scale;
  canvas.style.width = "22px";
  canvas.style.height = "12px";
  pen.scale(scale, scale);
  pen.fillStyle = name === "queued" ? timeline.painter.hatched : colors[name];
  if (name === "awaiting" || name === "after") pen.fillRect(0, 4.7, 22, 2.6);
  else pen.fillRect(0, 0, 22, 12);
  if (name === "before") {
    pen.strokeStyle = colors["before-edge"];
    pen.strokeRect(0.5, 0.5, 21, 11);
  }
  return canvas;
}

function writeLeftOut(timeline) {
  const { data } = timeline,
    said = [],
    number = (value) => value.toLocaleString("en");
  if (data.blocks.length < data.all_blocks)
    said.push(`Of ${number(data.all_blocks)} blocks the ${number(data.blocks.length)} longest are drawn.`);
  if (timeline.requests.count < data.all_requests)
    said.push(
      `Of ${number(data.all_requests)} requests ${number(timeline.requests.count)} have a row: those that blocks delayed most, those that made blocks, and a part of the others. The area above the rows counts all of them.`,
    );
  if (data.outside)
    said.push(
      `${plural(data.outside, "block")} before the load ${data.outside === 1 ? "is" : "are"} not drawn.`,
    );
  if (data.steps.length < data.all_steps)
    said.push(`Of ${number(data.all_steps)} other steps the ${number(data.steps.length)} longest are drawn.`);
  timeline.part("honest").textContent = said.join(" ");
  timeline.part("place").textContent = plural(timeline.blocks.length, "block");
}
