// A dashboard: each [data-panel] is asked for when it comes near the screen, again at the chosen pace while it is there, and not at all while nobody looks.
// A figure is drawn over the one before it, so that nothing flickers. In the editor: arrow keys and dragging press the buttons that are there anyway.
import {answer} from "./announce.js";
import {coloured, instant, load} from "./figure.js";

const TICK_MS = 1000;
const CONFIG = {displaylogo: false, responsive: false, showTips: false, displayModeBar: false};
const TOUCH = matchMedia("(pointer: coarse)");
const ARROWS = {ArrowLeft: "earlier", ArrowUp: "earlier", ArrowRight: "later", ArrowDown: "later"};
const SIZES = {ArrowLeft: "narrower", ArrowRight: "wider", ArrowUp: "shorter", ArrowDown: "taller"};
const asked = new WeakMap(); // panel: when it was asked for
const near = new Set();
const figures = new WeakMap(); // plot: the server's figure
let dragged;

// Times are drawn in the browser's zone; for a reader of UTC they are moved by it.
const shift = (at) => (document.documentElement.dataset.clock === "utc" ? at + new Date(at).getTimezoneOffset() * 60000 : at);

function layout(raw, plot) {
  const font = {...raw.font, family: getComputedStyle(document.body).fontFamily};
  return {...coloured({...raw, font, hoverlabel: {...raw.hoverlabel, bordercolor: "var(--edge)"}}), autosize: true, uirevision: plot.id, dragmode: TOUCH.matches ? false : "zoom"};
}

async function draw(plot) {
  await load();
  if (!plot.isConnected) return;
  const {data, layout: raw} = figures.get(plot);
  const hidden = hiddenLines(plot);
  const traces = coloured(data).map((trace, index) => ({...trace, x: trace.x.map(shift), visible: !hidden.has(index)}));
  await Plotly.react(plot, traces, layout(raw, plot), CONFIG);
  if (plot.dataset.drawn) return;
  plot.dataset.drawn = "";
  if (plot.closest("[data-board]")) plot.on("plotly_relayout", look);
  new ResizeObserver(() => plot.isConnected && plot.checkVisibility() && Plotly.Plots.resize(plot)).observe(plot);
}

// What is marked on one chart is looked at on the whole board; the way back is the browser's.
function look(change) {
  if (!change["xaxis.range[0]"]) return;
  const url = new URL(location.href);
  for (const [name, end] of [["from", 0], ["to", 1]]) url.searchParams.set(name, instant(String(change[`xaxis.range[${end}]`])).toISOString());
  location.assign(url);
}

function begin(plot) {
  figures.set(plot, JSON.parse(plot.dataset.figure));
  plot.removeAttribute("data-figure");
  return draw(plot);
}

const legendOf = (plot) => plot.parentElement.querySelector(".board-legend");
const hiddenLines = (plot) => new Set([...(legendOf(plot)?.querySelectorAll("[aria-pressed=false]") ?? [])].map((button) => Number(button.dataset.line)));

function toggle(button) {
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  draw(button.closest(".board-legend").parentElement.querySelector(".board-plot"));
}

// The new figure goes into the plot that is there; what stands around it is taken from the answer. Says whether that was possible.
function redraw(panel, html) {
  const plot = panel.querySelector(":scope > .board-plot");
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  const next = fresh.querySelector(":scope > .board-plot");
  if (!plot || !next) return false;
  const off = hiddenNames(panel);
  const numbers = panel.querySelector(":scope > .board-numbers");
  if (numbers?.open) fresh.querySelector(".board-numbers").open = true;
  figures.set(plot, JSON.parse(next.dataset.figure));
  plot.setAttribute("aria-label", next.getAttribute("aria-label"));
  for (const other of [...panel.children]) if (other !== plot) other.remove();
  for (const other of [...fresh.children]) if (other !== next) panel.append(other);
  for (const button of panel.querySelectorAll("[data-line]")) if (off.has(nameOf(button))) button.setAttribute("aria-pressed", "false");
  draw(plot);
  return true;
}

const nameOf = (button) => button.querySelector("span").textContent;
const hiddenNames = (panel) => new Set([...panel.querySelectorAll("[data-line][aria-pressed=false]")].map(nameOf));

function ask(panel) {
  asked.set(panel, Date.now());
  htmx.trigger(panel, "panel");
}

function tick() {
  const seconds = Number(document.querySelector("[data-board]")?.dataset.refresh ?? 0);
  if (document.hidden || !seconds) return;
  for (const panel of near) {
    if (!panel.isConnected) near.delete(panel);
    else if (!panel.contains(document.activeElement) && Date.now() - asked.get(panel) >= seconds * 1000) ask(panel);
  }
}

const sight = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) {
    if (isIntersecting) near.add(target);
    else near.delete(target);
    if (isIntersecting && !asked.has(target)) ask(target);
  }
}, {rootMargin: "200px"});

function purge(root) {
  for (const plot of root.querySelectorAll?.(".board-plot[data-drawn]") ?? []) Plotly.purge(plot);
}

// A panel that waits is asked for once htmx knows it.
function start(root) {
  for (const panel of root.querySelectorAll("[data-board] [data-panel]")) sight.observe(panel);
  for (const plot of root.querySelectorAll("[data-figure]")) begin(plot);
}

document.addEventListener("htmx:beforeSwap", ({detail}) => {
  if (detail.xhr.status !== 200 || !detail.target.matches("[data-panel]")) return;
  if (redraw(detail.target, detail.xhr.responseText)) detail.shouldSwap = false;
  else purge(detail.target);
});
document.addEventListener("htmx:beforeCleanupElement", ({target}) => target.matches?.(".board-plot[data-drawn]") && Plotly.purge(target));
document.addEventListener("htmx:afterSwap", ({detail}) => {
  for (const plot of detail.target.parentElement?.querySelectorAll("[data-figure]") ?? []) begin(plot);
});
document.addEventListener("htmx:afterSettle", ({detail}) => {
  if (detail.target.id !== "editor") return;
  document.getElementById("id_panel-title")?.focus();
  const said = document.getElementById("editor")?.dataset.said;
  if (said) answer(said);
});
document.addEventListener("preference", () => requestAnimationFrame(redrawAll));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
setInterval(tick, TICK_MS);

function redrawAll() {
  for (const plot of document.querySelectorAll(".board-plot[data-drawn]")) draw(plot);
}

document.addEventListener("click", ({target}) => {
  const button = target.closest("[data-line]");
  if (button) toggle(button);
});
document.addEventListener("keydown", (event) => {
  const card = event.target.closest?.("[data-grip]")?.closest("[data-card]");
  const deed = (event.shiftKey ? SIZES : ARROWS)[event.key];
  if (!card || !deed || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  card.querySelector(`[data-deed="${deed}"]`).click();
});
document.addEventListener("dragstart", ({target}) => {
  dragged = target.closest?.("[data-card]");
  dragged?.classList.add("dragged");
});
document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest("[data-card]");
  for (const card of document.querySelectorAll(".card.over")) card.classList.toggle("over", card === over);
  if (!over) return;
  over.classList.add("over");
  event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const over = dragged && event.target.closest("[data-card]");
  const button = document.querySelector("[data-drop]");
  if (!over || over === dragged) return;
  event.preventDefault();
  button.value = `before:${dragged.dataset.card}:${over.dataset.card}`;
  button.click();
});
document.addEventListener("dragend", () => {
  for (const card of document.querySelectorAll(".card")) card.classList.remove("dragged", "over");
  dragged = undefined;
});

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => start(document));
else start(document);
