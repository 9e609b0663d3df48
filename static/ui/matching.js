// "Select all 1,204 matching", offered once the whole page is selected and there are more pages: #bulk-matching[data-url]. While it is on, the form says
// scope=matching. And [data-export]: the link that takes what is selected along.
const place = () => document.getElementById("bulk-matching");
const fields = () => place()?.querySelector("[data-matching]");

function offer() {
  const url = place()?.dataset.url;
  if (url && !place().childElementCount) htmx.ajax("GET", url, {target: place(), swap: "innerHTML"});
}

function withdraw() {
  set(false);
  place()?.replaceChildren();
}

function set(isOn) {
  if (fields()) fields().disabled = !isOn;
  for (const button of document.querySelectorAll("[data-page-only]")) button.disabled = button.hidden = isOn;
}

function toggle(button) {
  const isOn = fields().disabled;
  const count = fields().dataset.matching;
  set(isOn);
  button.closest("[data-bulk]").querySelector("[data-bulk-count]").textContent = isOn ? `All ${count} matching selected` : `${picked().length} on this page selected`;
  button.textContent = isOn ? "Only this page" : `Select all ${count} matching`;
}

function picked() {
  return [...document.querySelectorAll("[data-list-body] .pick:checked")].map((box) => box.value);
}

function exportPicked(link) {
  if (fields()?.disabled === false) return;
  link.href = `${link.pathname}?${new URLSearchParams(picked().map((number) => ["number", number]))}`;
}

document.addEventListener("list:picked", ({detail}) => (detail.isPage ? offer() : withdraw()));
document.addEventListener("click", ({target}) => {
  const button = target.closest("[data-matching-toggle]");
  const link = target.closest("[data-export]");
  if (button) toggle(button);
  if (link) exportPicked(link);
});
