// Colours and the look of charts, in light and dark.

// Okabe and Ito's colours without those of the scale: told apart with any kind of colour vision.
const RUN_COLOURS = ["#D55E00", "#CC79A7", "#56B4E9", "#009E73", "#E69F00"];

// Cividis, even in lightness. Its bright end is good in every chart.
const CIVIDIS = [
  "#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369",
  "#e1cc55", "#fee838",
];
const DARK = matchMedia("(prefers-color-scheme: dark)");

// Whether the page is on its way to paper, which is light.
function printed() {
  return document.documentElement.classList.contains("printed");
}

// Of plotly's own buttons those that send nothing away.
const CONFIG = {
  displaylogo: false, responsive: true, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
};

function runColour(index) {
  return RUN_COLOURS[index % RUN_COLOURS.length];
}

// Of more runs than colours the later ones are dashed, and hollow where they are dots.
function runRound(index) {
  return Math.floor(index / RUN_COLOURS.length);
}

const DASHES = ["solid", "dash", "dot", "dashdot"];

function runDash(index) {
  return DASHES[runRound(index) % DASHES.length];
}

// Stands for a run beside its name.
function runChip(index) {
  const colour = runColour(index);
  const look = runRound(index) === 0 ? `background: ${colour}`
    : `border: 0.22em ${runRound(index) === 1 ? "solid" : "dotted"} ${colour}`;
  return element("span", { class: "chip", style: look });
}

// Runs that take the same way are all seen: those below are wider.
function runWidth(place, shown) {
  return 2 + Math.min(1.6, 4.5 / shown) * (shown - 1 - place);
}

// The scale without its darkest end where that wouldn't be seen.
function scale() {
  return DARK.matches && !printed() ? CIVIDIS.slice(1) : CIVIDIS;
}

// The colour of a goodness from 0 to 1, and black or white, whichever is read on it.
function goodColour(goodness) {
  const colours = scale();
  const at = Math.round(Math.min(1, Math.max(0, goodness)) * (colours.length - 1));
  return { background: colours[at], color: CIVIDIS.indexOf(colours[at]) < CIVIDIS.length / 2 ? "#fff" : "#111" };
}

function theme(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function axis(title, more) {
  return {
    title: { text: title, standoff: 8 }, color: theme("ink"), gridcolor: theme("line"),
    linecolor: theme("line"), zeroline: false, showline: true, automargin: true,
    // Numbers as the tables have them.
    separatethousands: true, exponentformat: "power", minexponent: 6, ...more,
  };
}

function chartLayout(more) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
    font: { size: 12, color: theme("ink"), family: "system-ui, sans-serif" },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: theme("soft"), activecolor: theme("ink") },
    margin: { l: 50, r: 10, t: 36, b: 46 }, hovermode: "closest", uirevision: "kept",
    hoverlabel: {
      align: "left", bgcolor: theme("raised"), bordercolor: theme("line"),
      font: { color: theme("ink"), family: "ui-monospace, monospace", size: 12 },
    },
    ...more,
  };
}

// What a quantity's axis says, and which of its ends is good.
function axisTitle(quantity) {
  return `${quantity.label} (${quantity.better} is better)`;
}

function quantityAxis(quantity, more) {
  // Powers are written larger than the ticks between them: only where nothing else has room.
  const large = quantity.log && quantity.values.some((value) => value >= 1e8);
  return axis(axisTitle(quantity), { type: quantity.log ? "log" : "linear",
    exponentformat: quantity.log && !large ? "none" : "power", ...more });
}

// How good a value is, for colours: higher is better, logarithms of what spans orders of magnitude.
function goodness(quantity, value) {
  if (value === null) return null;
  return (quantity.better === "lower" ? -1 : 1) * (quantity.log ? Math.log10(value) : value);
}

// The colours of a quantity over the middle 90 % of it, with plain numbers at the bar.
function colouring(quantity) {
  const sign = quantity.better === "lower" ? -1 : 1;
  const [low, high] = quantity.colours.map((end) => sign * end).sort((a, b) => a - b);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (high - low));
  const colours = scale();
  return {
    low, high, colorscale: colours.map((colour, i) => [i / (colours.length - 1), colour]),
    colorbar: {
      thickness: 10, outlinewidth: 0, tickvals: ticks, tickfont: { size: 10 },
      ticktext: ticks.map((tick) => shortNumber(quantity.log ? 10 ** (sign * tick) : sign * tick)),
    },
  };
}

// Markers coloured by a quantity.
function colouredMarkers(quantity, indices, more) {
  const { low, high, ...rest } = colouring(quantity);
  return {
    color: indices.map((index) => goodness(quantity, quantity.values[index])),
    cmin: low, cmax: high, showscale: true, ...rest, ...more,
  };
}

function shortNumber(value) {
  const size = Math.abs(value);
  if (size >= 1e6 || (size < 1e-3 && size > 0)) return value.toExponential(1);
  return size >= 100 ? count(Math.round(value)) : String(Number(value.toPrecision(3)));
}

// Names of operations and options as people write them: nor_conv_3x3 is conv 3×3.
function plainName(name) {
  return name.replace(/^nor_/, "").replace("skip_connect", "skip")
    .replace(/(\d)x(\d)/g, "$1×$2").replaceAll("_", " ");
}
