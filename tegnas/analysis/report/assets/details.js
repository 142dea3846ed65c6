// One architecture: its numbers, its text, its cell.

// Shows it and copies its text, as a click on a dot or a row asks for.
function showDetails(page, index) {
  const panel = document.getElementById("details");
  if (!panel.contains(document.activeElement)) page.opener = document.activeElement;
  page.chosen = index;
  panel.hidden = false;
  drawDetails(page).click();
  panel.focus({ preventScroll: true });
  page.mark();
}

// What is shown of the chosen one; returns the button that copies its text.
function drawDetails(page) {
  const { content, chosen: index } = page;
  const text = content.architectures.texts[index];
  const short = content.architectures.short[index];
  const said = element("span", { class: "count", role: "status" });
  const copy = element("button", { type: "button", click: async () => {
    said.textContent = (await copyText(text)) ? "copied" : "select the text to copy it";
  } }, "Copy");
  const place = content.architectures.places[index];
  const panel = document.getElementById("details");
  panel.replaceChildren(...[
    element("h2", {}, place === null ? "Not compared" : `Place ${count(place)} of ${count(content.compared)}`),
    element("button", { class: "close", type: "button", "aria-label": "Close", click: () => closeDetails(page) }, "×"),
    element("pre", {}, text),
    element("div", { class: "controls" }, copy, said,
      short === null ? null : element("span", { class: "count" }, "short form ", element("code", {}, short))),
    textTable(["", "value", "better"],
      content.quantities.map((each) => [each.label, each.texts[index], each.better]), { text: [0, 2] }),
    ...cellDrawings(content, index),
    choicesOf(content, index),
    evaluatedIn(content, index),
  ].filter(Boolean));
  return copy;
}

// The keyboard goes on where it was.
function closeDetails(page) {
  const panel = document.getElementById("details");
  const inside = panel.contains(document.activeElement);
  panel.hidden = true;
  page.chosen = null;
  page.mark();
  if (!inside) return;
  // A newer document may have drawn its row anew.
  const { opener } = page;
  const again = opener?.isConnected ? opener
    : document.querySelector(`[data-focus="${CSS.escape(opener?.dataset.focus ?? "")}"]`);
  again?.focus({ preventScroll: true });
}

// The options that it takes; a drawn cell shows them already.
function choicesOf(content, index) {
  const code = content.architectures.codes[index];
  if (code === null || content.architectures.cells.of[index].length > 0) return null;
  return choicesTable(content, index);
}

function evaluatedIn(content, index) {
  const lines = content.runs.flatMap((run) => {
    const at = run.evaluations.flatMap((each, i) => (each === index ? [count(i + 1)] : []));
    if (!at.length) return [];
    const more = at.length > 5 ? ` and ${at.length - 5} more` : "";
    return [element("p", { class: "count" }, `${run.label}: evaluation ${at.slice(0, 5).join(", ")}${more}`)];
  });
  return lines.length ? element("div", {}, lines) : null;
}

// Whether the text is on the clipboard now. A page from a file may have to do it the old way.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const before = document.activeElement;
    const area = element("textarea", { style: "position: fixed; opacity: 0" }, text);
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus({ preventScroll: true });
    return done;
  }
}
