// input[data-suggest] with a listbox in aria-controls: the server says what a search can go on with. Nothing is chosen until an arrow key or the pointer
// chooses it, so Enter searches for what is written. https://www.w3.org/WAI/ARIA/apg/patterns/combobox/
const PAUSE_MS = 120;
let timer;
let asked;

const listOf = (input) => document.getElementById(input.getAttribute("aria-controls"));
const optionsOf = (input) => [...listOf(input).querySelectorAll("[role=option]")];
const isOpen = (input) => input.getAttribute("aria-expanded") === "true";
const activeOf = (input) => optionsOf(input).find((option) => option.id === input.getAttribute("aria-activedescendant"));

function close(input) {
  clearTimeout(timer);
  asked?.abort();
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
  listOf(input).hidden = true;
}

function ask(input, {all = false, pause = PAUSE_MS} = {}) {
  clearTimeout(timer);
  timer = setTimeout(() => load(input, all), pause);
}

async function load(input, all) {
  asked?.abort();
  asked = new AbortController();
  const at = input.selectionStart;
  const query = new URLSearchParams({before: input.value.slice(0, at), after: input.value.slice(at), ...(all && {all: "1"})});
  try {
    const answer = await fetch(`${input.dataset.suggest}?${query}`, {signal: asked.signal});
    show(input, answer.status === 200 && !answer.redirected ? await answer.text() : "");
  } catch (error) {
    if (error.name !== "AbortError") close(input);
  }
}

function show(input, html) {
  if (!html || document.activeElement !== input) return close(input);
  listOf(input).innerHTML = html;
  listOf(input).hidden = false;
  input.setAttribute("aria-expanded", "true");
  input.removeAttribute("aria-activedescendant");
}

function activate(input, option) {
  for (const each of optionsOf(input)) each.setAttribute("aria-selected", String(each === option));
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({block: "nearest"});
}

// Round and round, with nothing chosen between the last and the first.
function step(input, by) {
  const options = [...optionsOf(input), undefined];
  const at = options.indexOf(activeOf(input));
  activate(input, options[(at + by + options.length) % options.length]);
}

function accept(input, option) {
  const {insert, cut, tail} = option.dataset;
  const at = input.selectionStart;
  const start = at - cut.length;
  input.value = input.value.slice(0, start) + insert + input.value.slice(at + tail.length);
  input.setSelectionRange(start + insert.length, start + insert.length);
  close(input);
  if (insert.endsWith(":")) ask(input, {pause: 0});
}

const KEYS = {
  ArrowDown: (input) => (isOpen(input) ? step(input, 1) : ask(input, {all: true, pause: 0})),
  ArrowUp: (input) => isOpen(input) && step(input, -1),
  Enter: (input) => (isOpen(input) && activeOf(input) ? accept(input, activeOf(input)) : (close(input), false)),
  Escape: (input) => isOpen(input) && close(input),
};

document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-suggest]") || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (KEYS[event.key] && (event.key !== "Escape" || isOpen(input)) && KEYS[event.key](input) !== false) event.preventDefault();
}, true);
document.addEventListener("input", ({target}) => target.matches("[data-suggest]") && ask(target));
document.addEventListener("focusout", ({target}) => target.matches("[data-suggest]") && close(target));
document.addEventListener("mousedown", (event) => event.target.closest(".options") && event.preventDefault());
document.addEventListener("click", ({target}) => {
  const option = target.closest(".options [role=option]");
  if (option) accept(option.closest("form").querySelector("[data-suggest]"), option);
});
