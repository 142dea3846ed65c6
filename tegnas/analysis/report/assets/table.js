// Every evaluation of the shown runs: sorted by any column, searched by words.

const ROWS = 25; // shown at first, and again with every "more"

function drawTable(page, box) {
  const { content, table } = page;
  const { places } = content.architectures;
  const several = content.runs.length > 1;
  const columns = [
    { name: "evaluation", text: (row) => count(row.at + 1), value: (row) => row.at },
    ...(several ? [{ name: "run", kind: "text", text: (row) => row.run.label, value: (row) => row.run.label }] : []),
    { name: "place", text: (row) => (places[row.index] === null ? "—" : count(places[row.index])),
      value: (row) => places[row.index] },
    ...content.quantities.map((each) => ({ name: each.label, title: `${each.title}, ${each.better} is better`,
      text: (row) => each.texts[row.index], value: (row) => each.values[row.index] })),
    { name: "architecture", kind: "text",
      text: (row) => architectureButton(page, row.index, `${row.run.name} ${row.at}`),
      value: (row) => shortText(content, row.index) },
  ];
  const rows = sorted(foundRows(page), columns, table);
  const again = () => drawTable(page, box);
  const head = columns.map((column) => heading(column, table, again));
  const body = rows.slice(0, table.shown).map((row) => tableRow(page, row, columns));
  const total = page.shownRuns().reduce((sum, run) => sum + run.evaluations.length, 0);
  const search = box.querySelector("input[type=search]") ?? searchBox(page, box, again);
  if (!search.isConnected) box.replaceChildren(search.closest(".controls"), element("div"));
  box.querySelector(".count").textContent = `${count(rows.length)} of ${count(total)}`;
  const more = rows.length > table.shown
    ? element("button", { type: "button", "data-focus": "more", click: () => { table.shown += 4 * ROWS; again(); } }, "Show more")
    : null;
  redrawn(box, () => box.lastElementChild.replaceChildren(
    element("div", { class: "wide" },
      element("table", { class: "evaluations" }, element("thead", {}, element("tr", {}, head)), element("tbody", {}, body))),
    ...(more ? [more] : []),
  ));
}

function searchBox(page, box, again) {
  const { table } = page;
  const input = element("input", {
    type: "search", placeholder: "Search architectures and runs", title: "Words that are all in the text or short form of an architecture, or in the name of its run",
    "aria-label": "Search evaluations",
    input: () => { table.search = input.value; table.shown = ROWS; again(); },
  });
  const once = element("input", { type: "checkbox", change: () => { table.once = once.checked; again(); } });
  element("div", { class: "controls" }, input, element("label", {}, once, " each architecture once"),
    element("span", { class: "count" }),
    element("button", { type: "button", click: () => saveAs("evaluations.csv", csvText(page)) }, "Save as CSV"));
  return input;
}

// Rows that hold every word of the search, and what was picked in another chart.
function foundRows({ content, table, picked, shownRuns }) {
  const words = table.search.toLowerCase().split(/\s+/).filter(Boolean);
  const { texts, short } = content.architectures;
  const seen = new Set();
  const rows = [];
  for (const run of shownRuns()) {
    run.evaluations.forEach((index, at) => {
      if (picked && !picked.has(index)) return;
      if (table.once && seen.has(index)) return;
      const text = `${texts[index]} ${short[index] ?? ""} ${run.label}`.toLowerCase();
      if (!words.every((word) => text.includes(word))) return;
      seen.add(index);
      rows.push({ run, index, at });
    });
  }
  return rows;
}

// The rows that were found, in the order of the searches, with whole texts and plain numbers.
function csvText(page) {
  const { content } = page;
  const { texts, short, places } = content.architectures;
  const cell = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));
  const head = ["run", "evaluation", "place", ...content.quantities.map(({ key }) => key), "architecture", "short form"];
  const rows = foundRows(page).map(({ run, index, at }) => [run.name, at + 1, places[index],
    ...content.quantities.map(({ values }) => values[index]), texts[index], short[index]]);
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}

function saveAs(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  element("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

// What has no value comes last, whichever way.
function sorted(rows, columns, { by, down }) {
  const column = columns.find(({ name }) => name === by);
  if (!column) return rows;
  const sign = down ? -1 : 1;
  return rows.map((row) => [column.value(row), row]).sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  }).map(([, row]) => row);
}

function heading({ name, kind = "", title }, table, again) {
  const mine = table.by === name;
  const sort = () => {
    table.down = mine && !table.down;
    table.by = name;
    again();
  };
  const arrow = mine ? (table.down ? " ↓" : " ↑") : "";
  const order = mine ? (table.down ? "descending" : "ascending") : undefined;
  return element("th", { class: kind, scope: "col", "aria-sort": order, title },
    element("button", { type: "button", "data-focus": `by ${name}`, click: sort }, name + arrow));
}

function tableRow(page, row, columns) {
  return showsOnClick(page, element("tr", { class: row.index === page.chosen ? "chosen" : undefined },
    columns.map(({ kind = "", text }) => element("td", { class: kind }, text(row)))), row.index);
}
