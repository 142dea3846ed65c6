// Cells of architectures as graphs.

const UNIT = 104; // pixels between two nodes one apart
const LETTER = 7.3; // pixels of a letter of a label
const BEND = 0.35; // height of a second edge between the same nodes over half its length
const OPERATION_COLOURS = [
  [/^$/, "#7f7f7f"], [/^(nor_conv_|conv )1/, "#56B4E9"], [/^(nor|sep|conv)/, "#2b83ba"],
  [/^dil/, "#CC79A7"], [/^avg/, "#E69F00"], [/^max/, "#009E73"],
];

function operationColour(operation) {
  const found = OPERATION_COLOURS.find(([pattern]) => pattern.test(operation));
  return found ? found[1] : "#9a9a9a";
}

// The cells of an architecture by its number; empty where it has none.
function cellDrawings(content, index) {
  const { layouts, edges, of } = content.architectures.cells;
  return of[index].map(([layout, numbers]) => {
    const [name, nodes] = layouts[layout];
    const title = of[index].length > 1 ? element("div", { class: "title" }, name) : null;
    return element("div", { class: "cell" }, title, cellDrawing(name, nodes, numbers.map((n) => edges[n])));
  });
}

function cellDrawing(title, nodes, edges) {
  const xs = nodes.map(([, x]) => x * UNIT);
  const ys = nodes.map(([, , y]) => -y * UNIT);
  const [left, top] = [Math.min(...xs) - 50, Math.min(...ys) - 30];
  const [width, height] = [Math.max(...xs) + 50 - left, Math.max(...ys) + 30 - top];
  const at = new Map(nodes.map(([name], i) => [name, [xs[i], ys[i]]]));
  const half = new Map(nodes.map(([name]) => [name, name.length * 3.7 + 9]));
  const drawn = new Set();
  const lines = [];
  const labels = [];
  for (const [source, target, operation, place] of edges) {
    const pair = `${source}→${target}`;
    const bend = drawn.has(pair) ? BEND : 0;
    drawn.add(pair);
    const curve = bent(at.get(source), at.get(target), bend);
    const path = [shrunk(curve, 0, half.get(source)), shrunk(curve, 1, half.get(target))];
    lines.push(...edgeLines(curve, path, operation));
    if (operation) {
      const [x, y] = curve(place);
      const pale = operation === "none" || operation === "skip_connect" ? " pale" : "";
      const name = plainName(operation);
      const wide = LETTER * name.length + 8;
      labels.push(svg("rect", { class: "plate", x: x - wide / 2, y: y - 9, width: wide, height: 18, rx: 4,
        stroke: pale ? undefined : operationColour(operation) }),
        svg("text", { class: `label${pale}`, x, y }, name));
    }
  }
  const circles = nodes.map(([name], i) => svg("g", {},
    svg("rect", { class: "node", style: nodeStyle(name), x: xs[i] - half.get(name), y: ys[i] - 13, rx: 13, height: 26,
      width: 2 * half.get(name) }),
    svg("text", { x: xs[i], y: ys[i] }, plainName(name))));
  return svg("svg", {
    viewBox: `${left} ${top} ${width} ${height}`, role: "img",
    "aria-label": `${title}: ` + edges.map(([s, t, o]) => `${s} to ${t}${o && ` by ${plainName(o)}`}`).join(", "),
    // Smaller than this its labels can't be read: the figure is scrolled instead.
    style: `width: 100%; max-width: ${width}px; min-width: ${0.72 * width}px`,
  }, lines, labels, circles);
}

// A node that computes something, "1 conv 3×3", has the colour of that.
function nodeStyle(name) {
  const [, operation] = name.match(/^\d+ (.+)$/) ?? [];
  return operation ? `stroke: ${operationColour(operation)}; stroke-width: 2.4` : "";
}

// A point at each share of the way from one node to another.
function bent([x0, y0], [x1, y1], bend) {
  return (share) => {
    const aside = 2 * share * (1 - share) * bend;
    return [x0 + share * (x1 - x0) - aside * (y1 - y0), y0 + share * (y1 - y0) + aside * (x1 - x0)];
  };
}

// The share of the way at which an edge leaves the box of a node, 2 pixels off.
function shrunk(curve, end, half) {
  const [x0, y0] = curve(end);
  for (let step = 0; step <= 100; step++) {
    const share = end ? 1 - step / 100 : step / 100;
    const [x, y] = curve(share);
    if (Math.abs(x - x0) > half + 2 || Math.abs(y - y0) > 15) return share;
  }
  return end;
}

function edgeLines(curve, [from, to], operation) {
  const colour = operationColour(operation);
  const thin = operation === "" || operation === "none" || operation === "skip_connect";
  const points = Array.from({ length: 17 }, (_, i) => curve(from + (i / 16) * (to - from)));
  const [x, y] = points[16];
  const [xb, yb] = points[14];
  const turn = (Math.atan2(y - yb, x - xb) * 180) / Math.PI;
  return [
    svg("polyline", { class: "edge", points: points.map((p) => p.join()).join(" "),
      stroke: colour, "stroke-width": thin ? 1.2 : 2.4,
      "stroke-dasharray": operation === "none" ? "2 4" : undefined }),
    svg("path", { d: "M0 0L-9 -4.5L-9 4.5Z", fill: colour,
      transform: `translate(${x} ${y}) rotate(${turn})` }),
  ];
}
