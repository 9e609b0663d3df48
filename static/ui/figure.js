// Plotly, loaded once and only where a chart is; figures with our colour tokens ("var(--chart-observed)") in place of colours.
const TOKEN = /^var\((--[a-z0-9-]+)(?:,\s*([\d.]+))?\)$/;
let loading;

function element(tag, properties) {
  return new Promise((resolve, reject) => {
    const node = Object.assign(document.createElement(tag), properties, {onload: resolve, onerror: reject});
    document.head.append(node);
  });
}

// The style sheet comes first: with its id and class in place plotly injects none of its own.
export function load() {
  const {plotly, plotlyCss} = document.body.dataset;
  loading ??= element("link", {rel: "stylesheet", id: "plotly.js-style-global", className: "no-inline-styles", href: plotlyCss})
    .then(() => element("script", {src: plotly}));
  return loading;
}

let probe;

function computed(token, alpha) {
  if (!probe) {
    probe = document.createElement("i");
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${token})`;
  const {color} = getComputedStyle(probe);
  const [red, green, blue] = color.match(/[\d.]+/g);
  return alpha === undefined ? color : `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

// "var(--token)" anywhere becomes the colour of the current theme; "var(--token, 0.18)" the same with alpha. Long number arrays pass untouched.
export function coloured(value) {
  if (typeof value === "string") {
    const match = TOKEN.exec(value);
    return match ? computed(match[1], match[2]) : value;
  }
  if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(coloured);
  if (!value || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner)]));
}

// Plotly draws milliseconds in the browser's zone: for UTC the figure is moved by it, and ranges are read back through "instant".
const zoneShift = (at) => (document.documentElement.dataset.clock === "utc" ? new Date(at).getTimezoneOffset() * 60000 : 0);
const zoned = (at) => (typeof at === "number" ? at + zoneShift(at) : at);
export function instant(text) {
  const full = text.includes(" ") ? text.replace(" ", "T") : `${text}T00:00`;
  return new Date(document.documentElement.dataset.clock === "utc" ? `${full}Z` : full);
}

export function inZone({data, layout}) {
  const shapes = layout.shapes.map((shape) => (shape.xref === "paper" ? {...shape} : {...shape, x0: zoned(shape.x0), x1: zoned(shape.x1)}));
  return {layout: {...layout, shapes}, data: data.map((trace) => ({...trace, x: trace.x.map(zoned)}))};
}

export const role = (trace) => trace.meta.role;
