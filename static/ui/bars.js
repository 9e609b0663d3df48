// Bars by day: figure[data-bars] carries a whole figure of the server's as JSON, for counts that are on the page anyway. Drawn when it comes near the
// screen, and again in the colours of another theme. The markup is that of automation/bars.html.
import {coloured, load} from "./figure.js";

const near = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    load().then(() => draw(target));
  }
}, {rootMargin: "200px"});

const plotOf = (holder) => holder.querySelector("[data-bars-plot]");

async function draw(holder) {
  const plot = plotOf(holder);
  const {data, layout: {height, ...layout}, config} = JSON.parse(holder.dataset.bars); // the style sheet says how high
  const font = {...layout.font, family: getComputedStyle(document.body).fontFamily};
  const hoverlabel = {...layout.hoverlabel, bordercolor: "var(--edge)"};
  plot.querySelector(".skeleton")?.remove();
  await Plotly.react(plot, coloured(data), {...coloured({...layout, font, hoverlabel}), autosize: true}, config);
  plot.removeAttribute("aria-busy");
}

function redraw() {
  requestAnimationFrame(() => document.querySelectorAll("[data-bars]:has(.js-plotly-plot)").forEach(draw));
}

function begin(root) {
  for (const holder of root.querySelectorAll("[data-bars]:not(:has(.js-plotly-plot))")) near.observe(holder);
}

document.addEventListener("preference", ({detail}) => detail.name === "theme" && redraw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
document.addEventListener("htmx:beforeCleanupElement", ({target}) => target.matches?.("[data-bars]") && plotOf(target).matches(".js-plotly-plot") && Plotly.purge(plotOf(target)));
document.addEventListener("htmx:load", ({target}) => begin(target.parentElement ?? document));
begin(document);
