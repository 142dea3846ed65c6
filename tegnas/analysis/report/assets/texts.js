// The parts of the page that are tables and texts.

const FEW_RUNS = 4; // of more the best are folded

// Rows of architectures: whichever is clicked shows itself.
function architectureTable(page, header, rows, { text = [] } = {}) {
  const { content } = page;
  const made = textTable([...header, ...content.quantities.map((each) => each.label), "architecture"],
    rows.map(({ index, cells }) => [...cells, ...content.quantities.map((each) => each.texts[index]),
      element("code", { title: content.architectures.texts[index] }, content.architectures.texts[index])]),
    { text: [...text, header.length + content.quantities.length] });
  [...made.querySelectorAll("tbody tr")].forEach((row, i) => {
    const show = () => showDetails(page, rows[i].index);
    row.tabIndex = 0;
    row.dataset.index = rows[i].index;
    row.addEventListener("click", show);
    row.addEventListener("keydown", (event) => { if (event.key === "Enter") show(); });
  });
  return made;
}

function drawSummary(page, box) {
  const { content } = page;
  box.replaceChildren(
    ...content.warnings.map((each) => element("p", { class: "warning" }, `${each}.`)),
    architectureTable(page, ["run", "evaluations", "architectures", "seconds", "evaluations/s"],
      content.runs.map((run) => ({ index: run.top[0], cells: [
        element("span", {}, runChip(page.numberOf(run)), ` ${run.label}`),
        count(run.evaluations.length), count(run.distinct), run.seconds, run.rate,
      ] })), { text: [0] }),
    element("p", { class: "note" }, "The numbers are those of the best architecture of each run. Places and rank " +
      `scores are among the ${count(content.compared)} architectures of this page.`),
  );
}

// Those of many runs are folded, so that the page stays short.
function drawBest(page, box) {
  const runs = page.shownRuns();
  const unfolded = new Set([...box.querySelectorAll("details[open]")].map((each) => each.dataset.run));
  box.replaceChildren(...runs.flatMap((run) => {
    const found = [
      bestCells(page, run),
      architectureTable(page, [""], run.top.map((index, i) => ({ index, cells: [String(i + 1)] }))),
    ].filter(Boolean);
    if (page.content.runs.length === 1) return found;
    if (page.content.runs.length <= FEW_RUNS) return [element("h3", {}, run.label), ...found];
    return [element("details", { "data-run": run.name, open: unfolded.has(run.name) ? "" : undefined },
      element("summary", {}, runChip(page.numberOf(run)), ` ${run.label}`), ...found)];
  }));
}

function bestCells(page, run) {
  const { content } = page;
  const drawn = run.top.slice(0, 3).map((index, i) => [i + 1, index, cellDrawings(content, index)]);
  if (drawn.some(([, , cells]) => cells.length === 0)) return null;
  return element("div", { class: "cells" }, drawn.map(([place, index, cells]) => {
    const show = () => showDetails(page, index);
    // Wide enough for its labels, where the page is.
    const least = cells[0].querySelector("svg").style.minWidth;
    return element("figure", { tabindex: 0, click: show, style: `min-width: min(100%, ${least} + 1.5em)`,
      keydown: (event) => { if (event.key === "Enter") show(); } },
      ...cells, element("figcaption", {}, `${place}. ${content.quantities.map((each) =>
        unbroken(`${each.label} ${each.texts[index]}`)).join(", ")}`));
  }));
}

function drawFronts(page, box) {
  box.replaceChildren(...page.shownRuns().filter((run) => run.front).flatMap((run) => [
    element("h3", {}, run.label),
    architectureTable(page, [run.front.unit, "rank score in the run"],
      run.front.points.map(({ architecture, cost, rank }) => ({ index: architecture, cells: [cost, rank] }))),
  ]));
}

function drawComputed(page, box) {
  const { content } = page;
  box.replaceChildren(element("p", { class: "note" }, content.computed),
    textTable(["indicator", "what it is", "better", "source"],
      content.indicators.map((each) => [each.label, each.title, each.better, each.citation || "—"]),
      { text: [0, 1, 2, 3], prose: [1, 3] }));
}

function drawRefined(page, box) {
  box.replaceChildren(...page.shownRuns().filter((run) => run.refined).flatMap((run) => [
    element("h3", {}, run.label),
    textTable(run.refined.header, run.refined.rows, { text: [1, 2], prose: [1, 2] }),
    ...run.refined.told.map((each) => element("p", {}, each)),
  ]));
}

function drawRuggedness({ content }, box) {
  const { header, rows, agreement } = content.ruggedness;
  box.replaceChildren(textTable(header, rows),
    element("p", {}, `Agreement (Kendall τ): ${agreement.join(", ")}`));
}

function drawCommands(page, box) {
  box.replaceChildren(...page.content.runs.flatMap((run) => [
    element("h3", {}, `${run.label} (${run.name})`),
    element("pre", { class: "command" }, run.command),
    element("details", {}, element("summary", {}, "All settings"), element("pre", {}, run.settings)),
  ]));
}
