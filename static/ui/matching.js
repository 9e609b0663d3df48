// "Select all 1,204 matching", offered once the whole page is selected and there are more pages: #bulk-matching[data-url]. While it is on, the form says
// scope=matching. And [data-export]: the link that takes along what is selected.
const place = () => document.getElementById("bulk-matching");
const fields = () => place()?.querySelector("[data-matching]");
const isOn = () => fields()?.disabled === false;
const picked = () => [...document.querySelectorAll("[data-list-body] .pick:checked")].map((box) => box.value);
let isWhole = false;
let asking;

async function offer() {
  const {url} = place()?.dataset ?? {};
  if (url && !place().childElementCount) await (asking ??= htmx.ajax("GET", url, {target: place(), swap: "innerHTML"}).finally(() => (asking = undefined)));
  if (isWhole) paint();
  else withdraw();
}

function withdraw() {
  set(false);
  place()?.replaceChildren();
}

function set(on) {
  if (fields()) fields().disabled = !on;
  for (const button of document.querySelectorAll("[data-page-only]")) button.disabled = button.hidden = on;
}

function paint() {
  if (!fields()) return;
  const count = fields().dataset.matching;
  document.querySelector("[data-bulk-count]").textContent = isOn() ? `All ${count} matching selected` : `${picked().length} on this page selected`;
  place().querySelector("[data-matching-toggle]").textContent = isOn() ? "Only this page" : `Select all ${count} matching`;
}

function take(link) {
  link.dataset.query ??= link.search;
  link.search = isOn() ? link.dataset.query : new URLSearchParams(picked().map((number) => ["number", number]));
}

document.addEventListener("list:picked", ({detail}) => {
  isWhole = detail.isPage;
  if (isWhole) offer();
  else withdraw();
});
document.addEventListener("click", ({target}) => {
  const link = target.closest("[data-export]");
  if (link) take(link);
  if (!target.closest("[data-matching-toggle]")) return;
  set(!isOn());
  paint();
});
