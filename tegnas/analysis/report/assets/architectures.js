// How an architecture is written, and what it takes of each choice.

const TOGETHER = 10; // of the best, so many stand side by side

// The short form, which every command reads, where the space has one.
function shortText({ architectures }, index) {
  return architectures.short[index] ?? architectures.texts[index];
}

// In a row that shows the architecture when it is clicked: a keyboard reaches it by its button.
function architectureButton({ content }, index, focus) {
  return element("button", { type: "button", class: "architecture", title: content.architectures.texts[index],
    "data-focus": focus }, element("code", {}, shortText(content, index)));
}

// A click on the row, or on the button in it.
function showsOnClick(page, row, index) {
  row.dataset.index = index;
  row.addEventListener("click", () => showDetails(page, index));
  return row;
}

// Names of choices as people write them: stage0.kernel_size is stage 0 kernel size.
function choiceName(name) {
  return name.replace(/[._]/g, " ").replace(/([a-z])(\d)/g, "$1 $2");
}

// Choices of stages, blocks or layers as rows by stage and columns by what is chosen; others, as
// those of a cell, one below the other.
function choiceRows(choices) {
  const columns = [...new Set(choices.map(({ name }) => name.split(".").slice(1).join(".")).filter(Boolean))];
  const rows = new Map();
  choices.forEach(({ name }, i) => {
    const dot = columns.length > 1 ? name.indexOf(".") : -1;
    const [row, column] = dot < 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot + 1)];
    if (!rows.has(row)) rows.set(row, new Map());
    rows.get(row).set(column, i);
  });
  return { rows, columns };
}

// The options that one architecture takes; deeper blue is a later option of the choice.
function choicesTable(content, index) {
  const { choices, codes } = content.architectures;
  const { rows, columns } = choiceRows(choices);
  return element("div", { class: "wide" }, element("table", { class: "taken" },
    columns.length > 1 ? element("thead", {}, element("tr", {}, element("td"),
      columns.map((column) => element("th", { scope: "col" }, choiceName(column))))) : null,
    element("tbody", {}, [...rows].map(([name, row]) => element("tr", {},
      element("th", { scope: "row" }, choiceName(name)),
      row.has("") ? takenCell(choices, codes[index], row.get(""), columns.length)
        : columns.map((column) => (row.has(column) ? takenCell(choices, codes[index], row.get(column)) : element("td"))))))));
}

// What the best of a run take of every choice, side by side.
function bestChoices(page, run) {
  const { choices, codes } = page.content.architectures;
  const drawn = run.top.slice(0, TOGETHER).filter((index) => codes[index] !== null);
  if (!choices.length || !drawn.length) return null;
  return element("div", { class: "wide" }, element("table", { class: "taken" },
    element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "text" }, "choice"),
      drawn.map((index, i) => element("th", { scope: "col" }, element("button", { type: "button",
        click: () => showDetails(page, index), "aria-label": `architecture ${i + 1}` }, String(i + 1)))))),
    element("tbody", {}, choices.map(({ name }, c) => element("tr", {},
      element("th", { scope: "row" }, choiceName(name)),
      drawn.map((index) => takenCell(choices, codes[index], c)))))));
}

function takenCell(choices, code, choice, across = 1) {
  const { options } = choices[choice];
  const share = options.length > 1 ? code[choice] / (options.length - 1) : 0;
  return element("td", { colspan: Math.max(1, across), style: `--share: ${share}`, title: `${code[choice] + 1} of ${options.length}: ${options.map(plainName).join(", ")}` },
    plainName(options[code[choice]]));
}
