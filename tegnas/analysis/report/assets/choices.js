// What the choices of a space have to do with its numbers.

const LINES = 900; // of more architectures the best third of these and some of the others are drawn

function drawParallel(page, box) {
  const { content } = page;
  const { codes, places } = content.architectures;
  const axes = parallelAxes(content);
  const everyone = [...new Set(page.shownRuns().flatMap((run) => run.evaluations))]
    .filter((index) => codes[index] !== null).sort((a, b) => places[a] - places[b]);
  const drawn = [...everyone.slice(0, LINES / 3), ...thinned(everyone.slice(LINES / 3), (2 * LINES) / 3)];
  // The best are drawn last, over the others.
  const traces = [4, 3, 2, 1, 0].map((fifth) => parallelLines(page, axes, drawn.filter((_, i) =>
    Math.floor((5 * i) / drawn.length) === fifth), 1 - fifth / 4));
  const inner = box.firstElementChild ?? element("div", { class: "panels-inner" });
  if (!inner.isConnected) box.replaceChildren(inner);
  inner.style.minWidth = printed() ? "" : `${axes.reduce((sum, each) => sum + each.width, 60)}px`;
  const panel = chart(page, inner, "parallel", traces, {
    dragmode: "select", margin: { l: 40, r: 60, t: 8, b: 8 },
    xaxis: axis("", { range: [-0.3, axes.length - 0.4], tickvals: axes.map((_, i) => i), side: "top",
      ticktext: axes.map(({ name }) => asText(name)), tickangle: axes.some(({ name, width }) => 6.5 * name.length > width) ? -40 : 0, fixedrange: true,
      tickfont: { size: 11 } }),
    yaxis: { range: [-0.03, 1.03], visible: false, fixedrange: true },
    annotations: axes.flatMap(({ marks }, i) => marks.map(({ at, text }) => ({
      x: i, y: at, text: asText(text), showarrow: false, font: { size: 10, color: theme("ink") },
      bgcolor: theme("paper"), opacity: 0.85, borderpad: 1,
    }))),
  }, "panel single");
  if (!panel.dataset.picking) {
    panel.dataset.picking = "yes";
    panel.on("plotly_selected", (event) => pick(page, event?.range));
  }
}

// Numbers come first, so that they are seen where the choices are more than the window holds.
function parallelAxes(content) {
  return [...content.quantities.map(quantityLine),
    ...content.architectures.choices.map((choice, i) => choiceAxis(content, choice, i))];
}

// Within the band of an option the better architectures lie higher.
function choiceAxis({ architectures, compared }, { name, options }, i) {
  const { codes, places } = architectures;
  const within = (index) => 0.12 + 0.76 * (1 - (places[index] - 1) / Math.max(1, compared - 1));
  const longest = Math.max(...options.map((option) => plainName(option).length));
  return {
    name: choiceName(name), width: Math.max(70, 6.2 * longest + 26), at: (index) => (codes[index][i] + within(index)) / options.length,
    marks: options.map((option, number) => ({ at: (number + 0.5) / options.length, text: plainName(option) })),
  };
}

// By order, with the good end up, so that extremes don't press the rest together.
function quantityLine(quantity) {
  const sign = quantity.better === "lower" ? -1 : 1;
  const known = [...quantity.values.keys()].filter((index) => quantity.values[index] !== null)
    .sort((a, b) => sign * (quantity.values[a] - quantity.values[b]));
  const place = new Map(known.map((index, i) => [index, known.length > 1 ? i / (known.length - 1) : 1]));
  const mark = (share) => ({ at: share, text: quantity.texts[known[Math.round(share * (known.length - 1))]] });
  return {
    name: quantity.label, width: 90, at: (index) => place.get(index) ?? 0,
    marks: known.length ? [0, 0.5, 1].map(mark) : [],
  };
}

function parallelLines(page, axes, indices, share) {
  const { content, picked } = page;
  const trace = { type: "scatter", mode: "lines", x: [], y: [], text: [], customdata: [],
    hovertemplate: "%{text}<extra></extra>", connectgaps: false,
    opacity: 0.5 + 0.4 * share, line: { width: 0.8 + share, color: goodColour(share).background } };
  for (const index of indices) {
    if (picked && !picked.has(index)) continue;
    const text = hoverText(content, index);
    axes.forEach(({ at }, i) => {
      trace.x.push(i);
      trace.y.push(at(index));
      trace.text.push(text);
      trace.customdata.push(index);
    });
    trace.x.push(null);
    trace.y.push(null);
    trace.text.push("");
    trace.customdata.push(null);
  }
  return trace;
}

// Architectures whose line crosses an axis within the box that was drawn.
function pick(page, range) {
  if (!range) return;
  const { content } = page;
  const [left, right] = [...range.x].sort((a, b) => a - b);
  const [low, high] = [...range.y].sort((a, b) => a - b);
  const axes = parallelAxes(content).filter((_, i) => i >= left && i <= right);
  const found = page.shownRuns().flatMap((run) => run.evaluations)
    .filter((index) => content.architectures.codes[index] !== null)
    .filter((index) => axes.some(({ at }) => at(index) >= low && at(index) <= high));
  page.pick(axes.length ? new Set(found) : null);
}

// Bars: the share of each choice in each quantity.
function importanceTable(content) {
  const found = content.importance;
  const labels = found.map(({ key }) => content.quantities.find((each) => each.key === key).label);
  return textTable(["choice", ...labels], content.architectures.choices.map(({ name }, i) => [
    choiceName(name),
    ...found.map(({ choices }) => {
      const percent = Math.round(100 * choices[i].share);
      return element("span", { class: percent ? "bar" : "bar nothing", style: `--share: ${choices[i].share}` }, `${percent} %`);
    }),
  ]), { text: [...labels.keys(), labels.length] });
}

// Options of every choice, coloured by the mean position of the architectures that take them.
function optionGrid(page, again) {
  const { content } = page;
  const found = content.importance.find(({ key }) => key === page.effect) ?? content.importance[0];
  const choose = element("select", { "aria-label": "Mean position by", "data-focus": "effect", change: () => { page.effect = choose.value; again(); } },
    content.importance.map(({ key }) => element("option", { value: key, selected: key === found.key ? "" : undefined },
      content.quantities.find((each) => each.key === key).label)));
  // Beside the shares where each choice has its options in one line.
  const widest = Math.max(...content.architectures.choices.map(({ options }) =>
    options.reduce((sum, option) => sum + 8 * plainName(option).length + 66, 0)));
  return element("div", { style: `flex-basis: ${widest + 170}px` },
    element("div", { class: "controls" }, element("label", {}, "Mean position by ", choose),
      element("span", { class: "count" }, "0 % is the best, 100 % the worst")),
    element("div", { class: "choices" }, content.architectures.choices.flatMap(({ name, options }, i) => [
      element("span", {}, choiceName(name)),
      element("span", { class: "options" }, options.map((option, o) => optionBox(option, found.choices[i], o))),
    ])));
}

function optionBox(option, { positions, counts }, o) {
  const taken = `${count(counts[o])} architecture${counts[o] === 1 ? "" : "s"}`;
  if (positions[o] === null) return element("span", { class: "option never", title: taken }, plainName(option));
  const { background, color } = goodColour(1 - positions[o]);
  const percent = Math.round(100 * positions[o]);
  return element("span", {
    class: "option", title: `mean position ${percent} % of the way from the best to the worst, ${taken}`,
    style: `background: ${background}; color: ${color}`,
  }, element("b", {}, plainName(option)), ` · ${percent} %`);
}
