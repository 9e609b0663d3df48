// Charts: figure[data-chart][data-url], drawn when they come near the screen. The figure is the server's; the page adds theme, legend, linked hover and
// range, live points and the table. The markup is that of partials/chart.html.
import {announce} from "./announce.js";
import {icon} from "./icon.js";
import {coloured, instant, inZone, load, role, unpacked, zoned} from "./figure.js";
import {subscribe} from "./live.js";
import {duration} from "./time.js";
import {fillTable} from "./chart_table.js";

const CONFIG = {displaylogo: false, responsive: false, showTips: false, displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false, modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]]};
const TOUCH = matchMedia("(pointer: coarse)");
const APPEND_MS = 1000;
const charts = new Map();
let hovering = false;
let zooming = false;

class Chart {
  queued = [];
  near = false;

  constructor(figure) {
    this.figure = figure;
    this.plot = figure.querySelector("[data-chart-plot]");
    this.group = figure.dataset.chartGroup ?? figure.dataset.url;
    this.maxPoints = Number(figure.dataset.maxPoints ?? 1500);
    figure.querySelector("[data-chart-jump]")?.addEventListener("click", () => this.jump());
    figure.querySelector("[data-chart-data]")?.addEventListener("toggle", ({target}) => target.open && fillTable(target, this.plot.data, figure.dataset.unit));
    if (figure.dataset.topic) this.listen();
  }

  listen() {
    const again = () => (this.drawn ? this.read() : Promise.resolve());
    this.end = subscribe(this.figure.dataset.topic, {onPoints: (points) => this.queue(points), onResume: again, refresh: again});
  }

  get url() {
    const url = new URL(this.figure.dataset.url, location.href);
    for (const [key, value] of Object.entries(range(this.group))) url.searchParams.set(key, value);
    return url;
  }

  async read() {
    const answer = await fetch(this.url, {headers: {Accept: "application/json"}});
    if (!answer.ok) return this.fail(answer);
    const figure = await answer.json();
    this.raw = inZone({...figure, data: figure.data.map(unpacked)});
    this.queued = [];
    return this.draw();
  }

  fail(answer) {
    const request = answer.headers.get("X-Request-ID");
    const box = document.createElement("div");
    const retry = Object.assign(document.createElement("button"), {type: "button", className: "btn small spread", textContent: "Retry"});
    retry.addEventListener("click", () => (box.remove(), this.read()));
    box.className = "banner error";
    box.setAttribute("role", "alert");
    box.append(icon("critical"), `This chart could not be read.${request ? ` Request ${request}.` : ""}`, retry);
    if (this.drawn) return;
    this.plot.replaceChildren(box);
  }

  layout() {
    const {height, ...layout} = this.raw.layout; // the style sheet says how high
    const font = {...layout.font, family: getComputedStyle(document.body).fontFamily};
    return {...coloured({...layout, font, hoverlabel: {...layout.hoverlabel, bordercolor: "var(--edge)"}}), autosize: true, modebar: {bgcolor: "rgba(0,0,0,0)"}, dragmode: TOUCH.matches ? false : "zoom"};
  }

  async draw() {
    if (!this.drawn) this.plot.replaceChildren();
    await Plotly.react(this.plot, coloured(this.raw.data), this.layout(), {...this.raw.config, ...CONFIG});
    if (!this.drawn) this.attach();
    this.drawn = true;
    this.plot.removeAttribute("aria-busy");
    this.roles = this.plot.data.map(role);
    this.now = this.plot.layout.shapes?.find((shape) => shape.name === "now")?.x0;
    this.sentence(this.raw.sentence);
    this.freshness();
    showSeries(this);
  }

  attach() {
    this.plot.on("plotly_hover", ({points: [point]}) => point && hoverOthers(this, point.xaxis.d2c(point.x)));
    this.plot.on("plotly_unhover", () => hoverOthers(this));
    this.plot.on("plotly_relayout", (change) => zoomed(this, change));
    new ResizeObserver(() => this.near && this.plot.checkVisibility() && Plotly.Plots.resize(this.plot)).observe(this.plot);
  }

  sentence(text) {
    const words = this.figure.querySelector("[data-chart-sentence]");
    if (text && words) words.textContent = text;
    this.plot.setAttribute("role", "group");
    this.plot.setAttribute("aria-label", [this.figure.querySelector("figcaption b")?.textContent, text].filter(Boolean).join(": "));
  }

  freshness() {
    const chip = this.figure.querySelector("[data-chart-stale]");
    const {as_of: asOf, step} = this.raw;
    if (!chip || !asOf || !step) return;
    const seconds = (Date.now() - new Date(asOf).getTime()) / 1000;
    chip.hidden = seconds < 3 * step;
    chip.querySelector("span").textContent = `${duration(seconds)} old`;
  }

  // A batch reaches back a little before the last one, for processes that report late: take what is new here.
  queue(points) {
    const mine = points[this.figure.dataset.series];
    if (!mine || !this.drawn) return;
    const known = new Date(this.raw.as_of ?? 0).getTime();
    const fresh = mine.x.findIndex((at) => at > known);
    if (fresh < 0) return;
    this.raw.as_of = mine.x.at(-1);
    this.queued.push(Object.fromEntries(Object.entries(mine).map(([key, column]) => [key, column.slice(fresh)])));
    if (this.queued.length > this.maxPoints) this.queued.shift();
  }

  get halted() {
    return document.hidden || !this.near || Boolean(this.zoom);
  }

  flush() {
    const jump = this.figure.querySelector("[data-chart-jump]");
    if (jump) jump.hidden = !(this.zoom && this.queued.length);
    if (!this.queued.length || this.halted) return;
    const batches = this.queued.splice(0);
    const x = batches.flatMap((batch) => batch.x.map(zoned));
    const join = (key) => batches.flatMap((batch) => batch[key] ?? batch.x.map(() => null));
    const wanted = {lower: join("lower"), upper: join("upper"), observed: join("y")};
    const indices = this.roles.flatMap((name, index) => (name in wanted ? [index] : []));
    this.advance(x.at(-1));
    Plotly.extendTraces(this.plot, {x: indices.map(() => x), y: indices.map((index) => wanted[this.roles[index]])}, indices, this.maxPoints);
    this.mark(x, wanted.observed, join("score"));
    this.freshness();
  }

  // "Now" and the windows that last until now move with the points; redrawn by the append that follows.
  advance(now) {
    for (const shape of this.plot.layout.shapes ?? []) {
      if (shape.name === "now") Object.assign(shape, {x0: now, x1: now});
      else if (shape.name?.startsWith("incident") && shape.x1 === this.now) shape.x1 = now;
    }
    this.plot.data.forEach((trace, index) => {
      if (this.roles[index] === "ongoing") trace.x = trace.x.map((at) => (at === this.now ? now : at));
    });
    this.now = now;
  }

  mark(x, y, scores) {
    const index = this.roles.indexOf("anomalies");
    const hits = x.map((_, at) => at).filter((at) => scores[at] > 1 && !((scores[at - 1] ?? this.lastScore) > 1)); // where a stretch begins
    this.lastScore = scores.at(-1) ?? 0;
    if (index < 0 || !hits.length) return;
    const columns = {x: hits.map((at) => x[at]), y: hits.map((at) => y[at]), customdata: hits.map((at) => scores[at]), text: hits.map((at) => scores[at].toFixed(1)), "marker.symbol": hits.map(() => "octagon")};
    const update = Object.fromEntries(Object.entries(columns).filter(([key]) => Array.isArray(column(this.plot.data[index], key))).map(([key, values]) => [key, [values]]));
    Plotly.extendTraces(this.plot, update, [index], this.maxPoints);
    announce("anomaly", `${hits.length} new anomal${hits.length > 1 ? "ies" : "y"} in ${this.figure.querySelector("figcaption b")?.textContent ?? "a chart"}`);
  }

  jump() {
    for (const chart of grouped(this.group)) {
      chart.zoom = undefined;
      chart.read();
      if (chart.drawn) Plotly.relayout(chart.plot, {"xaxis.autorange": true});
    }
  }

  retheme() {
    if (!this.drawn) return;
    this.plot.data.forEach((trace, index) => Object.assign(this.raw.data[index], {x: trace.x, y: trace.y, visible: trace.visible ?? true}));
    this.draw();
  }

  purge() {
    this.end?.();
    if (this.drawn) Plotly.purge(this.plot);
    charts.delete(this.figure);
  }
}

const column = (trace, path) => path.split(".").reduce((value, key) => value?.[key], trace);
const grouped = (group) => [...charts.values()].filter((chart) => chart.group === group);

function hoverOthers(source, xval) {
  if (hovering) return;
  hovering = true;
  requestAnimationFrame(() => {
    for (const chart of grouped(source.group)) {
      if (chart === source || !chart.near || !chart.drawn) continue;
      if (xval === undefined) Plotly.Fx.unhover(chart.plot);
      else Plotly.Fx.hover(chart.plot, {xval});
    }
    hovering = false;
  });
}

const ranges = new Map();

function range(group) {
  return ranges.get(group) ?? {};
}

function remember(change) {
  const url = new URL(location.href);
  for (const [key, name] of [["from", "xaxis.range[0]"], ["to", "xaxis.range[1]"]]) {
    if (change[name] === undefined) url.searchParams.delete(key);
    else url.searchParams.set(key, instant(String(change[name])).toISOString());
  }
  history.replaceState(history.state, "", url);
}

function zoomed(source, change) {
  const from = change["xaxis.range[0]"];
  if (zooming || (from === undefined && !change["xaxis.autorange"])) return;
  zooming = true;
  const same = from === undefined ? {"xaxis.autorange": true} : {"xaxis.range[0]": from, "xaxis.range[1]": change["xaxis.range[1]"]};
  const done = grouped(source.group).filter((chart) => chart.drawn).map((chart) => {
    chart.zoom = from === undefined ? undefined : same;
    return chart === source ? undefined : Plotly.relayout(chart.plot, same);
  });
  Promise.all(done).finally(() => (zooming = false));
  remember(change);
}

const pressed = (group) => [...document.querySelectorAll(`[data-chart-legend="${CSS.escape(group)}"] [data-series]`)];

function showSeries(chart) {
  for (const button of pressed(chart.group)) {
    const on = button.getAttribute("aria-pressed") === "true";
    const names = button.dataset.series.split(" ");
    const indices = chart.roles.flatMap((name, index) => (names.includes(name) ? [index] : []));
    if (indices.length) Plotly.restyle(chart.plot, {visible: on}, indices);
    if (names.includes("incident")) showIncidents(chart, on);
  }
}

function showIncidents(chart, on) {
  const changes = (chart.plot.layout.shapes ?? []).flatMap((shape, index) => (shape.name?.startsWith("incident") ? [[`shapes[${index}].visible`, on]] : []));
  if (changes.length) Plotly.relayout(chart.plot, Object.fromEntries(changes));
}

function legend(button, only) {
  const holder = button.closest("[data-chart-legend]");
  const group = holder.dataset.chartLegend;
  if (only) for (const other of pressed(group)) other.setAttribute("aria-pressed", String(other === button));
  else button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  for (const chart of grouped(group)) if (chart.drawn) showSeries(chart);
}

// [data-chart-range="<group>"] radios: value "<seconds>" back from now, or "<from>,<to>" in RFC 3339.
function chosen(input) {
  const group = input.closest("[data-chart-range]").dataset.chartRange;
  const [from, to] = input.value.includes(",") ? input.value.split(",") : [new Date(Date.now() - Number(input.value) * 1000).toISOString()];
  ranges.set(group, to ? {from, to} : {from});
  for (const chart of grouped(group)) {
    chart.zoom = undefined;
    if (chart.drawn) chart.read().then(() => Plotly.relayout(chart.plot, {"xaxis.autorange": true}));
  }
}

function redraw(preference) {
  if (preference === "theme") requestAnimationFrame(() => charts.forEach((chart) => chart.retheme()));
  if (preference === "clock") charts.forEach((chart) => chart.drawn && chart.read());
}

const sight = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) {
    const chart = charts.get(target);
    if (!chart) continue;
    chart.near = isIntersecting;
    if (isIntersecting && !chart.asked) {
      chart.asked = true;
      load().then(() => chart.read());
    }
  }
}, {rootMargin: "200px"});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-chart-legend] [data-series]");
  if (button) legend(button, event.altKey);
});
document.addEventListener("change", ({target}) => target.closest("[data-chart-range]") && chosen(target));
document.addEventListener("preference", ({detail}) => redraw(detail.name));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((chart) => chart.retheme()));
document.addEventListener("htmx:beforeCleanupElement", ({target}) => charts.get(target)?.purge());
setInterval(() => charts.forEach((chart) => chart.flush()), APPEND_MS);

export function start(root) {
  for (const figure of root.querySelectorAll("[data-chart]")) {
    if (charts.has(figure)) continue;
    charts.set(figure, new Chart(figure));
    sight.observe(figure);
  }
}
