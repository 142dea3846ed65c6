// The page as a whole: its sections, what is shown, and news of a search that runs.

const POLL = 2000; // milliseconds

const SECTIONS = [
  { id: "summary", title: "Summary", draw: drawSummary },
  { id: "best", title: "Best architectures", draw: drawBest,
    note: ({ runs, architectures }) => "A click shows an architecture's " +
      (architectures.cells.of.some((cells) => cells.length) ? "cell and numbers"
        : architectures.choices.length ? "numbers and choices" : "numbers") +
      ", and copies its text." +
      (runs.length > 1 ? " The order is that of each run by itself." : "") },
  { id: "refined", title: "Refined by trainings", draw: drawRefined,
    wanted: ({ runs }) => runs.some((run) => run.refined),
    note: () => "What was trained, in this order, and what was learned from it." },
  { id: "pruned", title: "Pruning", draw: drawPruned, wanted: ({ runs }) => runs.some((run) => run.pruned),
    note: () => "The round after which each operation of the supernet went; the deeper its colour, the longer it stayed." },
  { id: "history", title: "Over time", draw: drawHistory, kind: "panels",
    note: ({ runs }) => `Dots are evaluations${runs.some((run) => run.pruned) ? ", of supernets too" : ""}, lines the best ` +
      "architecture by rank score so far." },
  { id: "trades", title: "Trade-offs", draw: drawTrades, controls: tradeControls,
    note: () => "Diamonds are architectures that no other one beats in all indicators at once: the Pareto front." },
  { id: "fronts", title: "Rank score against cost", draw: drawFronts,
    wanted: ({ runs }) => runs.some((run) => run.front),
    note: () => "Architectures that no other one of the search beats in both rank score and cost." },
  { id: "landscapes", title: "Landscapes", kind: "panels", draw: drawLandscapes,
    note: landscapesNote },
  { id: "parallel", title: "Choices and numbers", draw: drawParallel, kind: "wide",
    controls: pickControls, wanted: ({ architectures, compared }) => architectures.choices.length > 0 && compared > 2,
    note: () => "A line is an architecture; good is up and bright. Draw a box over some lines to see " +
      "those alone, here and in the table." },
  { id: "importance", title: "Importance of choices", draw: drawImportance,
    wanted: ({ importance }) => importance.length > 0,
    note: ({ runs }) => "How much of the differences in rank lies between the options of a choice " +
      "(ε² of a one-way analysis of variance). " + (runs.some((run) => run.exhaustive) ? ""
      : "A search takes choices together, so that some of one's share may be another's.") },
  { id: "evaluations", title: "All evaluations", draw: drawTable },
  { id: "ruggedness", title: "Ruggedness", draw: drawRuggedness, wanted: ({ ruggedness }) => ruggedness,
    note: () => "Exact, since every architecture of the space is scored. Local optima: no single change is " +
      "better. Basin: from where steepest descent ends in the best. Autocorrelation: one step apart on a random " +
      "walk, of ranks. Distance correlation: of rank and number of changes from the best." },
  { id: "computed", title: "What was computed", draw: drawComputed },
  { id: "commands", title: "How to run it again", draw: drawCommands },
];

const page = {
  content: null, opener: null, states: [], hidden: new Set(), chosen: null, picked: null, effect: "rank score",
  table: { by: null, down: false, search: "", once: false, shown: ROWS },
  trade: { x: null, y: null, shade: null },
  shownRuns: () => page.content.runs.filter((run) => !page.hidden.has(run.name)),
  numberOf: (run) => page.content.runs.indexOf(run),
  // The rows of the architecture that was clicked.
  mark() {
    for (const row of document.querySelectorAll("tr[data-index]")) {
      row.classList.toggle("chosen", Number(row.dataset.index) === page.chosen);
    }
  },
  pick(indices) {
    page.picked = indices;
    drawSections(["parallel", "evaluations"]);
  },
};

function landscapesNote({ landscape, compared }) {
  if (landscape.missing) return `None here: ${landscape.missing}.`;
  const medians = landscape.squares ? " Colours are medians over the architectures of a square." : "";
  return `${count(compared)} architectures by ${landscape.method}.${medians} Bright is good. Lines are the best of ` +
    "each search so far, from a circle to a star.";
}

function pickControls() {
  return element("div", { class: "controls" },
    element("button", { type: "button", click: () => page.pick(null) }, "Show all lines"));
}

function drawImportance(current, box) {
  const again = () => drawImportance(current, box);
  redrawn(box, () => box.replaceChildren(element("div", { class: "beside importance" },
    importanceTable(current.content), optionGrid(current, again))));
}

function drawSections(only) {
  for (const section of SECTIONS) {
    if (only && !only.includes(section.id)) continue;
    const old = document.getElementById(section.id);
    if (section.wanted && !section.wanted(page.content)) {
      old?.remove();
      continue;
    }
    const made = old ?? makeSection(section);
    made.querySelector(".note").textContent = section.note?.(page.content) ?? "";
    section.draw(page, made.lastElementChild);
  }
  drawContents();
}

// Links to the sections that there are.
function drawContents() {
  const there = SECTIONS.filter(({ id }) => document.getElementById(id));
  const box = document.getElementById("contents");
  if (box.children.length === there.length) return;
  box.replaceChildren(...there.map(({ id, title }) => element("a", { href: `#${id}` }, title)));
}

// Sections keep their order, also where one is wanted only later.
function makeSection(section) {
  const box = element("div", { class: section.kind ?? "" });
  const again = () => section.draw(page, box);
  const made = element("section", { id: section.id }, element("h2", {}, section.title),
    element("p", { class: "note" }), section.controls?.(page, again), box);
  const after = SECTIONS.slice(SECTIONS.indexOf(section) + 1)
    .map(({ id }) => document.getElementById(id)).find(Boolean);
  document.getElementById("sections").insertBefore(made, after ?? null);
  return made;
}

function drawRuns() {
  document.getElementById("runs").replaceChildren(...page.content.runs.map((run) => {
    const box = element("input", { type: "checkbox", change: () => {
      if (box.checked) page.hidden.delete(run.name);
      else page.hidden.add(run.name);
      // The last one stays.
      if (page.shownRuns().length === 0) { page.hidden.delete(run.name); box.checked = true; }
      drawSections();
    } });
    box.checked = !page.hidden.has(run.name);
    return element("label", {}, box, " ",
      runChip(page.numberOf(run)), ` ${run.label}`);
  }));
}

function show(content) {
  // Numbers of architectures are those of one document only.
  const text = (from, index) => from.architectures.texts[index];
  const kept = page.chosen === null ? null : text(page.content, page.chosen);
  if (page.picked) {
    const names = new Set([...page.picked].map((index) => text(page.content, index)));
    page.picked = new Set(content.architectures.texts.flatMap((each, i) => (names.has(each) ? [i] : [])));
  }
  const place = kept === null ? -1 : content.architectures.texts.indexOf(kept);
  page.chosen = place < 0 ? null : place;
  page.content = content;
  const keys = content.quantities.map(({ key }) => key);
  page.trade = { x: page.trade.x ?? keys[0], y: page.trade.y ?? keys[1],
    shade: page.trade.shade ?? keys[Math.min(2, keys.length - 1)] };
  drawRuns();
  drawSections();
  if (page.chosen === null) closeDetails(page);
  else drawDetails(page);
  page.mark();
}

function say(text) {
  const status = document.getElementById("status");
  if (status.textContent !== text) status.textContent = text;
}

function ago(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}

// Asks for a newer document while the page is looked at.
async function watch(tag) {
  let news = null;
  try {
    const answer = await fetch(`document.json?since=${tag}`);
    if (answer.status === 200) news = await answer.json();
    else if (answer.status !== 204) throw new Error(answer.statusText);
    if (news?.content) show(news.content);
    if (news) page.states = news.states;
    say(page.states.map(stateText).join(" · "));
  } catch {
    say("tegnas watch doesn't answer any more; this is what it showed last");
  }
  const next = () => watch(news?.tag ?? tag);
  setTimeout(() => {
    if (document.hidden) document.addEventListener("visibilitychange", next, { once: true });
    else next();
  }, POLL);
}

function stateText({ name, problem, finished, scored, last }) {
  if (problem) return `${name}: ${problem}`;
  if (finished) return `${name}: finished`;
  return `${name}: ${count(scored)} architectures scored, the last ${ago(Date.now() / 1000 - last)}`;
}

// Drawn anew for paper, and for the screen again.
function print(begins) {
  document.documentElement.classList.toggle("printed", begins);
  if (page.content) drawSections();
}

function start() {
  const first = JSON.parse(document.getElementById("document").textContent);
  const live = document.body.dataset.live === "true";
  if (first.content) show(first.content);
  if (live) watch("");
  else say(`Written by tegnas ${first.content.version}.`);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeDetails(page); });
  DARK.addEventListener("change", () => { if (page.content) drawSections(); });
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}

start();
