"use strict";
// Elements from their parts. Texts become text nodes: a name is never read as HTML.

function element(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

// A table of texts; columns named in `text` are aligned to the left, those in `prose` may break.
function textTable(header, rows, { text = [0], prose = [] } = {}) {
  const kind = (column) =>
    (text.includes(column) ? "text" : "") + (prose.includes(column) ? " text prose" : "");
  const line = (tag, cells) =>
    element("tr", {}, cells.map((cell, column) => element(tag, { class: kind(column) }, cell)));
  return element("div", { class: "wide" },
    element("table", {},
      element("thead", {}, line("th", header)),
      element("tbody", {}, rows.map((row) => line("td", row)))));
}

// Draws anew what may have the focus, which then is where it was.
function redrawn(box, draw) {
  const active = box.contains(document.activeElement) ? document.activeElement : null;
  draw();
  if (active?.isConnected === false && active.dataset.focus) {
    box.querySelector(`[data-focus="${CSS.escape(active.dataset.focus)}"]`)?.focus({ preventScroll: true });
  }
}

// A name and its number, which stay in one line.
function unbroken(text) {
  return text.replaceAll(" ", "\u00a0");
}

// A number of things, with commas.
function count(value) {
  return value.toLocaleString("en-US");
}
