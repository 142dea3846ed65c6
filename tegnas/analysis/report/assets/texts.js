// The parts of the page that are tables and texts.

const FEW_RUNS = 4; // of more the best are folded

// Rows of architectures: whichever is clicked shows itself.
function architectureTable(page, header, rows, { text = [] } = {}) {
  const { content } = page;
  const made = textTable([...header, ...content.quantities.map((each) => each.label), "architecture"],
    rows.map(({ index, cells }) => [...cells, ...content.quantities.map((each) => each.texts[index]),
      architectureButton(page, index)]),
    { text: [...text, header.length + content.quantities.length] });
  [...made.querySelectorAll("tbody tr")].forEach((row, i) => {
    showsOnClick(page, row, rows[i].index);
  });
  return made;
}

function drawSummary(page, box) {
  const { content } = page;
  box.replaceChildren(
    ...content.warnings.map((each) => element("p", { class: "warning" }, `${each[0].toUpperCase()}${each.slice(1)}.`)),
    architectureTable(page, ["run", "evaluations", "architectures", "seconds", "evaluations/s"],
      content.runs.map((run) => ({ index: run.top[0], cells: [
        element("span", {}, runChip(page.numberOf(run)), ` ${run.label}`),
        count(run.evaluations.length), count(run.distinct), run.seconds, run.rate,
      ] })), { text: [0] }),
    element("p", { class: "note" }, "The numbers are those of the best architecture of each run. Places and rank " +
      `scores are among the ${content.compared === 1 ? "one architecture" : `${count(content.compared)} architectures`} of this page.`),
  );
}

// Those of many runs are folded, so that the page stays short.
function drawBest(page, box) {
  const runs = page.shownRuns();
  const unfolded = new Set([...box.querySelectorAll("details[open]")].map((each) => each.dataset.run));
  box.replaceChildren(...runs.flatMap((run) => {
    const cells = bestCells(page, run);
    const found = [cells, element("div", { class: "beside" }, cells ? null : bestChoices(page, run),
      architectureTable(page, [""], run.top.map((index, i) => ({ index, cells: [String(i + 1)] }))))].filter(Boolean);
    if (page.content.runs.length === 1) return found;
    if (page.content.runs.length <= FEW_RUNS) return [element("h3", {}, run.label), ...found];
    return [element("details", { "data-run": run.name, open: unfolded.has(run.name) ? "" : undefined },
      element("summary", {}, runChip(page.numberOf(run)), ` ${run.label}`), ...found)];
  }));
}

// The first three that are drawn differently: of a table whose cells may be one network, each once.
function bestCells(page, run) {
  const { content } = page;
  const seen = new Set();
  const drawn = run.top.flatMap((index, i) => {
    const key = JSON.stringify(content.architectures.cells.of[index]);
    return seen.size === 3 || seen.has(key) ? [] : (seen.add(key), [[i + 1, index, cellDrawings(content, index)]]);
  });
  if (drawn.some(([, , cells]) => cells.length === 0)) return null;
  // Wide enough for their labels, where the page is.
  const least = drawn[0][2][0].querySelector("svg").style.minWidth;
  return element("div", { class: "cells", style: `--least: calc(${least} + 1.5em)` }, drawn.map(([place, index, cells]) => {
    const show = () => showDetails(page, index);
    return element("figure", { tabindex: 0, role: "button", click: show,
      keydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(); } } },
      ...cells, element("figcaption", {}, `${place}. `, element("code", {}, shortText(content, index)), element("br"),
        content.quantities.map((each) => unbroken(`${each.label.replace(", %", "")} ${each.texts[index]}`)).join(", ")));
  }));
}

function drawFronts(page, box) {
  box.replaceChildren();
  for (const run of page.shownRuns().filter(({ front }) => front)) {
    const { unit, points } = run.front;
    const inner = element("div", { class: "panels" });
    box.append(element("h3", {}, run.label), inner);
    drawFront(page, inner, run);
    const several = page.content.runs.length > 1; // else the rank score is that of the page
    inner.append(architectureTable(page, several ? [unit, "rank score in the run"] : [unit],
      points.map(({ architecture, texts }) => ({ index: architecture, cells: several ? texts : [texts[0]] }))));
  }
}

function drawComputed(page, box) {
  const { content } = page;
  box.replaceChildren(element("p", { class: "note" }, content.computed),
    textTable(["indicator", "what it is", "better", "source"],
      content.indicators.map((each) => [each.label, each.title, each.better, each.citation || "—"]),
      { text: [0, 1, 2, 3], prose: [1, 3] }));
}

function drawPruned(page, box) {
  box.replaceChildren(...page.shownRuns().filter((run) => run.pruned).flatMap((run) => {
    const { edges, operations, rounds, count: all } = run.pruned;
    const cell = (ended) => (ended < 0 ? element("td") : element("td", {
      style: `--share: ${ended ? (0.6 * ended) / (all + 1) : 1.3}`, class: ended ? undefined : "stayed",
    }, ended ? `round ${ended}` : "stayed"));
    return [element("h3", {}, run.label), element("div", { class: "wide" }, element("table", { class: "taken" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "text" }, "edge"),
        operations.map((each) => element("th", { scope: "col" }, plainName(each))))),
      element("tbody", {}, edges.map((edge, e) => element("tr", {}, element("th", { scope: "row" }, edge),
        operations.map((_, o) => cell(rounds[e][o])))))))];
  }));
}

function drawRefined(page, box) {
  box.replaceChildren(...page.shownRuns().filter((run) => run.refined).flatMap((run) => [
    element("h3", {}, run.label),
    textTable(run.refined.header, run.refined.rows, { text: [1, 2], prose: [2] }),
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
