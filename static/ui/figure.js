// Plotly, loaded once and only where a chart is; figures with our colour tokens ("var(--chart-observed)") in place of colours.
const TYPES = {f8: Float64Array, f4: Float32Array, i4: Int32Array, u4: Uint32Array, i2: Int16Array, u2: Uint16Array, i1: Int8Array, u1: Uint8Array};
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
  if (!value || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner)]));
}

function numbers({dtype, bdata}) {
  const bytes = Uint8Array.from(atob(bdata), (letter) => letter.charCodeAt(0));
  return Array.from(new TYPES[dtype](bytes.buffer), (number) => (Number.isNaN(number) ? null : number));
}

// plotly's Python side packs arrays in base64; appending needs plain ones.
export function unpacked(trace) {
  const plain = {...trace};
  for (const key of ["x", "y", "customdata", "text"]) if (plain[key]?.bdata) plain[key] = numbers(plain[key]);
  return plain;
}

// Plotly draws milliseconds in the browser's zone: for UTC the figure is moved by it, and ranges are read back through "instant".
export const zoneShift = (at) => (document.documentElement.dataset.clock === "utc" ? new Date(at).getTimezoneOffset() * 60000 : 0);
export const zoned = (at) => (typeof at === "number" ? at + zoneShift(at) : at);
export function instant(text) {
  const full = text.includes(" ") ? text.replace(" ", "T") : `${text}T00:00`;
  return new Date(document.documentElement.dataset.clock === "utc" ? `${full}Z` : full);
}

export function inZone({data, layout, ...rest}) {
  const shapes = (layout.shapes ?? []).map((shape) => (shape.xref === "paper" ? shape : {...shape, x0: zoned(shape.x0), x1: zoned(shape.x1)}));
  return {...rest, layout: {...layout, shapes}, data: data.map((trace) => ({...trace, x: trace.x.map(zoned)}))};
}

export const role = (trace, index) => trace.meta?.role ?? ["lower", "upper", "observed", "anomalies", "previous"][index];
