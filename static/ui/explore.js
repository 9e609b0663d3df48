// The explorer: [data-explore-chart="<id of its JSON>"] and [data-waterfall] with rows that fold.
import {coloured, instant, inZone, load} from "./figure.js";

const ENDS = [["from", "xaxis.range[0]"], ["to", "xaxis.range[1]"]];

async function draw(figure) {
  const raw = JSON.parse(document.getElementById(figure.dataset.exploreChart).textContent);
  const plot = figure.querySelector("[data-plot]");
  await load();
  plot.replaceChildren();
  const paint = () => {
    const {data, layout: {height, ...layout}} = inZone(raw);
    const range = layout.xaxis.range && {xaxis: {...layout.xaxis, range: shifted(layout.xaxis.range)}};
    const font = {...layout.font, family: getComputedStyle(document.body).fontFamily};
    const dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
    return Plotly.react(plot, coloured(data), {...coloured({...layout, ...range, font}), autosize: true, dragmode, modebar: {bgcolor: "rgba(0,0,0,0)"}}, {...raw.config, responsive: false});
  };
  await paint();
  plot.on("plotly_relayout", closer);
  new ResizeObserver(() => Plotly.Plots.resize(plot)).observe(plot);
  document.addEventListener("preference", ({detail}) => ["theme", "clock"].includes(detail.name) && requestAnimationFrame(paint));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

// Plotly reads numbers in the browser's zone, as inZone has moved the points.
function shifted(range) {
  const [one] = inZone({data: [{x: range}], layout: {shapes: []}}).data;
  return one.x;
}

// A stretch that was dragged over is asked for anew, with as many points as the whole had.
function closer(change) {
  const [from, to] = ENDS.map(([, end]) => change[end]);
  if (from === undefined || to === undefined) return;
  const url = new URL(location.href);
  url.searchParams.set("range", "custom");
  for (const [name, end] of ENDS) url.searchParams.set(name, instant(String(change[end])).toISOString());
  location.assign(url);
}

function fold(button) {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  const row = button.closest("tr");
  const depth = Number(row.dataset.depth);
  let closed = Infinity;
  for (let next = row.nextElementSibling; next && Number(next.dataset.depth) > depth; next = next.nextElementSibling) {
    const own = Number(next.dataset.depth);
    if (own <= closed) closed = Infinity;
    next.hidden = !open || own > closed;
    if (closed === Infinity && next.querySelector(".fold")?.getAttribute("aria-expanded") === "false") closed = own;
  }
}

function range(select) {
  for (const field of select.form.querySelectorAll(".custom-only")) {
    field.hidden = select.value !== "custom";
    for (const input of field.querySelectorAll("input")) input.disabled = field.hidden;
  }
}

document.addEventListener("click", ({target}) => {
  const button = target.closest(".fold");
  if (button) fold(button);
});
document.addEventListener("change", ({target}) => target.matches(".ask [name=range]") && range(target));
document.addEventListener("htmx:afterSwap", ({target}) => target.id === "span" && target.focus());
for (const button of document.querySelectorAll(".fold")) button.hidden = false;
for (const select of document.querySelectorAll(".ask [name=range]")) range(select);
for (const figure of document.querySelectorAll("[data-explore-chart]")) draw(figure);
