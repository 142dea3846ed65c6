// The charts of dots and paths: over time, against each other, on landscapes.

const DOTS = 4000; // of more, so many are drawn, evenly chosen

// Draws or redraws a chart; a click on what stands for an architecture shows that.
function chart(page, box, key, traces, layout, kind = "panel") {
  let panel = [...box.children].find((each) => each.dataset.key === key);
  if (!panel) {
    panel = element("div", { class: kind, "data-key": key });
    box.append(panel);
  }
  const fresh = !panel.on;
  panel.setAttribute("role", "group");
  panel.setAttribute("aria-label", `Chart: ${layout.title?.text ?? key}`);
  // A finger scrolls the page, a mouse zooms.
  const dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
  // A chart follows a window by itself, a sheet of paper not.
  const size = printed() ? { width: panel.clientWidth, height: panel.clientHeight } : { autosize: true };
  Plotly.react(panel, traces, chartLayout({ dragmode, ...size, ...layout }), CONFIG);
  if (fresh) {
    panel.on("plotly_click", ({ points }) => {
      const index = points[0].customdata;
      if (Number.isInteger(index)) showDetails(page, index);
    });
  }
  return panel;
}

// A text for plotly, which reads tags: a link in the name of a strategy, say.
function asText(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function chartTitle(text) {
  return { text: asText(text), font: { size: 13 }, x: 0.01, xanchor: "left", y: 0.98, yanchor: "top" };
}

// The architecture, in lines where it is long, and its numbers as the tables have them.
function hoverText(content, index) {
  const lines = shortText(content, index).match(/.{1,52}(?:[+,;\s|]|$)|.{1,52}/g) ?? [];
  const numbers = content.quantities.map((each) => `${each.label}  ${each.texts[index]}`);
  return [...lines, ...numbers].map(asText).join("<br>");
}

function thinned(items, limit) {
  if (items.length <= limit) return items;
  return Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)]);
}

// Runs whose course tells something: an exhaustive one has none.
function coursed(page) {
  const shown = page.shownRuns();
  const some = shown.filter((run) => !run.exhaustive);
  return some.length ? some : shown;
}

function drawHistory(page, box) {
  const { content } = page;
  const runs = coursed(page);
  // A supernet has no rank score, for one.
  const indices = [...new Set(runs.flatMap((run) => run.evaluations))];
  const drawn = content.quantities.filter(({ values }) => indices.filter((index) => values[index] !== null).length > 1);
  for (const panel of [...box.children]) {
    if (!drawn.some(({ key }) => key === panel.dataset.key)) panel.remove();
  }
  for (const quantity of drawn) {
    const traces = runs.flatMap((run, place) => historyTraces(page, run, quantity, runWidth(place, runs.length)));
    chart(page, box, quantity.key, traces, {
      title: chartTitle(axisTitle(quantity)),
      xaxis: axis("evaluation", { rangemode: "tozero" }),
      yaxis: quantityAxis(quantity, { title: undefined }),
    });
  }
}

function historyTraces(page, run, quantity, width) {
  const { content } = page;
  const dots = thinned([...run.evaluations.keys()], DOTS);
  const indices = dots.map((at) => run.evaluations[at]);
  const bests = run.bests.map((at) => run.evaluations[at]);
  // The last best one holds to the end.
  const steps = run.bests.length ? [...run.bests, run.evaluations.length - 1] : [];
  const stepped = [...bests, bests.at(-1)].slice(0, steps.length);
  const number = page.numberOf(run);
  const colour = runColour(number);
  return [
    {
      type: "scatter", mode: "markers", x: dots.map((at) => at + 1), customdata: indices,
      y: indices.map((index) => quantity.values[index]),
      text: dots.map((at, i) => `${asText(run.label)}, evaluation ${count(at + 1)}<br>${hoverText(content, indices[i])}`),
      hovertemplate: "%{text}<extra></extra>", marker: { color: colour, size: 5, opacity: 0.5, symbol: runRound(number) ? "circle-open" : "circle" },
    },
    {
      type: "scatter", mode: "lines", x: steps.map((at) => at + 1), customdata: stepped,
      y: stepped.map((index) => quantity.values[index]), line: { color: colour, shape: "hv", width, dash: runDash(number) },
      text: stepped.map((index) => `best so far of ${asText(run.label)}<br>${hoverText(content, index)}`),
      hovertemplate: "%{text}<extra></extra>",
    },
  ];
}

function drawTrades(page, box) {
  const { content, trade } = page;
  const quantity = (name) => content.quantities.find(({ key }) => key === trade[name]) ?? content.quantities[0];
  const [x, y, shade] = ["x", "y", "shade"].map(quantity);
  const everyone = new Set(page.shownRuns().flatMap((run) => run.evaluations));
  const front = content.front.filter((index) => everyone.has(index));
  const beaten = new Set(front);
  const others = thinned([...everyone].filter((index) => !beaten.has(index)), DOTS);
  const dots = (indices, marker) => ({
    type: "scatter", mode: "markers", customdata: indices,
    x: indices.map((index) => x.values[index]), y: indices.map((index) => y.values[index]),
    text: indices.map((index) => hoverText(content, index)), hovertemplate: "%{text}<extra></extra>",
    marker: colouredMarkers(shade, indices, marker),
  });
  chart(page, box, "trades", [
    dots(others, { size: 7, line: { color: theme("soft"), width: 0.5 } }),
    dots(front, { size: 12, symbol: "diamond", line: { color: RUN_COLOURS[0], width: 2 }, showscale: false }),
  ], {
    title: chartTitle(`Colour: ${axisTitle(shade)}`), xaxis: quantityAxis(x), yaxis: quantityAxis(y),
  }, "panel single");
}

function tradeControls(page, again) {
  const pick = (name, label) => element("label", {}, `${label} `, element("select", {
    "aria-label": label, change: (event) => { page.trade[name] = event.target.value; again(); },
  }, page.content.quantities.map((each) => element("option", {
    value: each.key, selected: each.key === page.trade[name] ? "" : undefined,
  }, each.label))));
  return element("div", { class: "controls" }, pick("x", "across"), pick("y", "up"), pick("shade", "colour"));
}

// Cost and rank score of what no other one beats in both; what lies above the steps is beaten.
function drawFront(page, box, run) {
  const { unit, points } = run.front;
  const colour = runColour(page.numberOf(run));
  chart(page, box, run.name, [{
    type: "scatter", mode: "lines+markers", customdata: points.map(({ architecture }) => architecture),
    x: points.map(({ values }) => values[0]), y: points.map(({ values }) => values[1]),
    text: points.map(({ architecture, texts }) =>
      `${asText(unit)}  ${texts[0]}<br>${hoverText(page.content, architecture)}`),
    hovertemplate: "%{text}<extra></extra>", line: { color: colour, shape: "hv", width: 2 },
    marker: { color: colour, size: 9, symbol: "diamond" },
  }], {
    title: chartTitle("Nothing was found below the line"), xaxis: axis(`${unit} (lower is better)`, { rangemode: "tozero" }),
    yaxis: axis("rank score (lower is better)", { rangemode: "tozero" }),
  });
}

function drawLandscapes(page, box) {
  const { content } = page;
  if (content.landscape.missing) {
    box.replaceChildren();
    return;
  }
  const runs = page.shownRuns().filter((run) => !run.exhaustive);
  content.quantities.forEach((quantity, number) => {
    const surface = content.landscape.squares
      ? squares(content, quantity, number) : singles(content, quantity);
    const paths = runs.flatMap((run, place) => path(page, run, runWidth(place, runs.length)));
    chart(page, box, quantity.key, [surface, ...paths], {
      title: chartTitle(axisTitle(quantity)),
      xaxis: axis("first direction", { showgrid: false }), yaxis: axis("second direction", { showgrid: false }),
    });
  });
}

function singles(content, quantity) {
  const { points } = content.landscape;
  const known = [...points.keys()].filter((index) => quantity.values[index] !== null);
  return {
    type: "scatter", mode: "markers", customdata: known,
    x: known.map((index) => points[index][0]), y: known.map((index) => points[index][1]),
    text: known.map((index) => hoverText(content, index)), hovertemplate: "%{text}<extra></extra>",
    marker: colouredMarkers(quantity, known, { size: 7, line: { color: theme("soft"), width: 0.5 } }),
  };
}

function squares(content, quantity, number) {
  const { x, y, squares: all } = content.landscape;
  const grid = (empty) => y.map(() => x.map(() => empty));
  const [z, text, customdata] = [grid(null), grid(""), grid(null)];
  for (const { column, row, count: inside, best, medians } of all) {
    z[row][column] = goodness(quantity, medians[number]);
    customdata[row][column] = best;
    text[row][column] = `the best of ${count(inside)} here<br>${hoverText(content, best)}`;
  }
  const { low, high, ...colours } = colouring(quantity);
  return {
    type: "heatmap", x, y, z, text, customdata, zmin: low, zmax: high, ...colours, hoverongaps: false,
    hovertemplate: "%{text}<extra></extra>",
  };
}

// The way of a search over its best so far, from a circle to a star.
function path(page, run, width) {
  const { content } = page;
  const { points } = content.landscape;
  const bests = run.bests.map((at) => run.evaluations[at]);
  if (!bests.length) return [];
  const last = bests.length - 1;
  const number = page.numberOf(run);
  const colour = runColour(number);
  return [{
    type: "scatter", mode: "lines+markers", customdata: bests,
    x: bests.map((index) => points[index][0]), y: bests.map((index) => points[index][1]),
    text: bests.map((index, i) =>
      `${asText(run.label)}, evaluation ${count(run.bests[i] + 1)}<br>${hoverText(content, index)}`),
    hovertemplate: "%{text}<extra></extra>", line: { color: colour, width, dash: runDash(number) },
    marker: {
      color: colour, opacity: 1, line: { color: theme("paper"), width: 1 },
      symbol: bests.map((_, i) => (i === last ? "star" : "circle")),
      size: bests.map((_, i) => (i === last ? 13 + 2.2 * width : i === 0 ? 6 + 1.5 * width : 3 + width)),
    },
  }];
}
