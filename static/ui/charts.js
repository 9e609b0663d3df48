// Charts: figure[data-chart][data-url], drawn when they come near the screen. The figure is the server's; the page adds theme, legend, linked hover and
// range, live points and the table. The markup is that of partials/chart.html.
import {announce} from "./announce.js";
import {Beginnings, newest, outline, rows, since, symbol, usualStep} from "./chart_points.js";
import {markEvents} from "./chart_events.js";
import {forget, isOver, length, parameters, remember} from "./chart_range.js";
import {fillTable} from "./chart_table.js";
import {coloured, inZone, load, role} from "./figure.js";
import {icon} from "./icon.js";
import {subscribe} from "./live.js";
import {duration} from "./time.js";

const CONFIG = {displaylogo: false, responsive: false, showTips: false, displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false, modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]]};
const TOUCH = matchMedia("(pointer: coarse)");
const APPEND_MS = 1000;
const LATE_MS = 20000;
const READ_AGAIN_MS = 60000; // for what comes by no socket: new incidents, silences, the sentence
const MOST_WAITING = 1500;
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
    figure.querySelector("[data-chart-jump]")?.addEventListener("click", () => this.jump());
    figure.querySelector("[data-chart-data]")?.addEventListener("toggle", ({target}) => target.open && this.raw && fillTable(target, this.raw));
    if (figure.dataset.topic) this.listen();
  }

  get title() {
    return this.figure.querySelector("figcaption b")?.textContent ?? "a chart";
  }

  listen() {
    const again = () => (this.drawn ? this.read() : Promise.resolve());
    this.end = subscribe(this.figure.dataset.topic, {onPoints: (points) => this.queue(points), onResume: again, refresh: again});
  }

  get url() {
    const url = new URL(this.figure.dataset.url, location.href);
    for (const [name, value] of parameters(this.group)) url.searchParams.set(name, value);
    return url;
  }

  async read() {
    this.readAt = Date.now();
    const answer = await fetch(this.url, {headers: {Accept: "application/json"}});
    if (!answer.ok) return this.fail(answer);
    this.raw = await answer.json();
    this.queued = [];
    this.now = this.raw.layout.shapes.find(({name}) => name === "now").x0;
    const {x, y} = this.trace("observed");
    this.last = newest({x, y});
    this.step = usualStep(x);
    this.beginnings = new Beginnings().seen(y, this.trace("lower").y, this.trace("upper").y);
    return this.draw();
  }

  trace(name) {
    return this.raw.data.find((trace) => role(trace) === name);
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

  layout({height, ...layout}) { // the style sheet says how high
    const font = {...layout.font, family: getComputedStyle(document.body).fontFamily};
    return {...coloured({...layout, font, hoverlabel: {...layout.hoverlabel, bordercolor: "var(--edge)"}}), autosize: true, modebar: {bgcolor: "rgba(0,0,0,0)"}, dragmode: TOUCH.matches ? false : "zoom"};
  }

  async draw() {
    if (!this.drawn) this.plot.replaceChildren();
    Object.assign(this.trace("band"), outline(this.trace("lower").x, this.trace("lower").y, this.trace("upper").y));
    const {data, layout} = inZone(this.raw);
    const hidden = hiddenSeries(this.group);
    for (const trace of data) trace.visible = !hidden.has(role(trace));
    for (const shape of layout.shapes) shape.visible = !hidden.has(shape.name.split("-")[0]);
    this.hidesEvents = hidden.has("event");
    await Plotly.react(this.plot, coloured(data), this.layout(layout), {...this.raw.config, ...CONFIG});
    if (!this.drawn) this.attach();
    this.drawn = true;
    this.plot.removeAttribute("aria-busy");
    this.sentence(this.raw.sentence);
  }

  attach() {
    this.plot.on("plotly_hover", ({points: [point]}) => point && hoverOthers(this, point.xaxis.d2c(point.x)));
    this.plot.on("plotly_unhover", () => hoverOthers(this));
    this.plot.on("plotly_afterplot", () => this.placeEvents());
    this.plot.on("plotly_relayout", (change) => zoomed(this, change));
    new ResizeObserver(() => this.near && this.plot.checkVisibility() && Plotly.Plots.resize(this.plot)).observe(this.plot);
  }

  placeEvents() {
    const strip = this.figure.querySelector("[data-chart-events]");
    if (strip) markEvents(strip, this.plot, this.hidesEvents ? [] : this.raw.events ?? []);
  }

  sentence(text) {
    const words = this.figure.querySelector("[data-chart-sentence]");
    if (text && words) words.textContent = text;
    this.plot.setAttribute("role", "group");
    this.plot.setAttribute("aria-label", [this.title, text].filter(Boolean).join(": "));
  }

  freshness() {
    const chip = this.figure.querySelector("[data-chart-stale]");
    if (!chip || !this.last) return;
    const late = Date.now() - this.last;
    chip.hidden = isOver(this.group) || late < Math.max(LATE_MS, 3 * (this.step ?? 0));
    chip.querySelector("span").textContent = `${duration(late / 1000)} old`;
  }

  queue(points) {
    const mine = this.drawn && points[this.figure.dataset.series];
    const fresh = mine && since(mine, this.queued.at(-1)?.x.at(-1) ?? this.last);
    if (!fresh) return;
    this.queued.push(fresh);
    if (this.queued.length > MOST_WAITING) this.queued.shift();
  }

  get halted() {
    return Boolean(this.zoom) || isOver(this.group);
  }

  tick() {
    if (!this.drawn) return;
    this.freshness();
    const jump = this.figure.querySelector("[data-chart-jump]");
    if (jump) jump.hidden = !(this.halted && this.queued.length);
    if (!this.near || document.hidden || this.halted) return;
    if (Date.now() - this.readAt > READ_AGAIN_MS) this.read();
    else if (this.queued.length) this.append(rows(this.queued.splice(0), this.last, this.step));
  }

  append(points) {
    this.advance(points[0].x, points.at(-1).x);
    const {scale} = this.raw.layout.meta;
    for (const [name, column] of [["observed", "y"], ["lower", "lower"], ["upper", "upper"]]) {
      const trace = this.trace(name);
      trace.x.push(...points.map(({x}) => x));
      trace.y.push(...points.map((point) => (point[column] == null ? null : point[column] / scale)));
    }
    this.mark(points.filter((point) => this.beginnings.is(point)), scale);
    this.last = points.at(-1).x;
    this.cut(this.last - length(this.group));
    this.draw();
  }

  // "Now" and the windows that last until now move with the points; what was missing until now is over.
  advance(first, now) {
    for (const shape of this.raw.layout.shapes) {
      if (shape.name === "now") Object.assign(shape, {x0: now, x1: now});
      else if (shape.name.startsWith("incident") && shape.x1 === this.now) shape.x1 = now;
    }
    for (const trace of this.raw.data) {
      if (role(trace) === "ongoing") trace.x = trace.x.map((at) => (at === this.now ? now : at));
      else if (role(trace) === "missing") trace.x = trace.x.map((at) => (at > this.last ? first : at));
    }
    this.now = now;
  }

  mark(hits, scale) {
    const trace = this.trace("anomalies");
    if (!hits.length) return;
    trace.x.push(...hits.map(({x}) => x));
    trace.y.push(...hits.map(({y}) => y / scale));
    trace.customdata.push(...hits.map(({score}) => score));
    trace.text.push(...hits.map(({score}) => score.toFixed(1)));
    trace.marker.symbol.push(...hits.map(({score}) => symbol(score)));
    announce("anomaly", `${hits.length} new anomal${hits.length > 1 ? "ies" : "y"} in ${this.title}`);
  }

  // As much time as was asked for: what is older leaves on the left.
  cut(from) {
    for (const trace of this.raw.data) {
      const first = trace.x.findIndex((at) => at >= from);
      if (["missing", "ongoing"].includes(role(trace))) trace.x = trace.x.map((at) => Math.max(at, from));
      else if (first > 0) for (const column of columnsOf(trace)) column.splice(0, first);
    }
    this.raw.events = this.raw.events?.filter(({x}) => x >= from);
    this.raw.layout.shapes = this.raw.layout.shapes.filter(({name, x0}) => name !== "event" || x0 >= from);
    for (const shape of this.raw.layout.shapes) if (shape.xref !== "paper") Object.assign(shape, {x0: Math.max(shape.x0, from), x1: Math.max(shape.x1, from)});
  }

  jump() {
    forget();
    for (const chart of grouped(this.group)) chart.restart();
  }

  async restart() {
    this.zoom = undefined;
    if (!this.drawn) return;
    await this.read();
    await Plotly.relayout(this.plot, {"xaxis.autorange": true, "yaxis.autorange": true});
  }

  purge() {
    this.end?.();
    if (this.drawn) Plotly.purge(this.plot);
    charts.delete(this.figure);
  }
}

const columnsOf = ({x, y, customdata, text, marker}) => [x, y, customdata, text, marker?.symbol].filter(Array.isArray);
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

function zoomed(source, change) {
  const from = change["xaxis.range[0]"];
  if (zooming || (from === undefined && !change["xaxis.autorange"])) return;
  remember(change);
  if (from === undefined && forget()) return source.jump();
  zooming = true;
  const same = from === undefined ? {"xaxis.autorange": true} : {"xaxis.range[0]": from, "xaxis.range[1]": change["xaxis.range[1]"]};
  const done = grouped(source.group).filter((chart) => chart.drawn).map((chart) => {
    chart.zoom = from === undefined ? undefined : same;
    return chart === source ? undefined : Plotly.relayout(chart.plot, same);
  });
  Promise.all(done).finally(() => (zooming = false));
}

const toggles = (group) => [...document.querySelectorAll(`[data-chart-legend="${CSS.escape(group)}"] [data-series]`)];

// Without a button for it the week before stays away.
function hiddenSeries(group) {
  const off = toggles(group).filter((button) => button.getAttribute("aria-pressed") !== "true");
  const offered = toggles(group).some(({dataset}) => dataset.series === "previous");
  return new Set([...off.flatMap(({dataset}) => dataset.series.split(" ")), ...(offered ? [] : ["previous"])]);
}

function legend(button, only) {
  const group = button.closest("[data-chart-legend]").dataset.chartLegend;
  if (only) for (const other of toggles(group)) other.setAttribute("aria-pressed", String(other === button));
  else button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  for (const chart of grouped(group)) if (chart.drawn) chart.draw();
}

function redraw(preference) {
  if (preference !== "theme" && preference !== "clock") return;
  requestAnimationFrame(() => charts.forEach((chart) => chart.drawn && (preference === "theme" ? chart.draw() : chart.restart())));
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
document.addEventListener("change", ({target}) => {
  const holder = target.closest("[data-chart-range]");
  if (!holder) return;
  remember({});
  forget();
  for (const chart of grouped(holder.dataset.chartRange)) chart.restart();
});
document.addEventListener("preference", ({detail}) => redraw(detail.name));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((chart) => chart.drawn && chart.draw()));
document.addEventListener("htmx:beforeCleanupElement", ({target}) => charts.get(target)?.purge());
setInterval(() => charts.forEach((chart) => chart.tick()), APPEND_MS);

export function start(root) {
  for (const figure of root.querySelectorAll("[data-chart]")) {
    if (charts.has(figure)) continue;
    charts.set(figure, new Chart(figure));
    sight.observe(figure);
  }
}
