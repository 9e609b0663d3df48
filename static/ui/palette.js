// The command palette, <dialog id="palette">: what this page can do, where one was, all pages, and what the server finds. Nothing is done here: an action is
// the page's own control, pressed; so who may not do it does not find it.
import {icon} from "./icon.js";
import {keyOf, label, shown, use} from "./keys.js";

const RECENT = "recent";
const MOST_RECENT = 6;
const MOST_OF_A_KIND = 8;
const PAUSE_MS = 120;
const dialog = document.getElementById("palette");
const input = dialog.querySelector("input");
const list = dialog.querySelector("[role=listbox]");
const told = dialog.querySelector("[data-palette-told]");
const ACTIONS = "main :is(a, button, input, textarea)[data-key], main .menu[popover] :is(a, button)";
const NOT_ACTIONS = ".list-keys, .pager, [role=tab], [aria-disabled=true]";
let found = [];
let asking;
let timer;

const words = () => input.value.toLowerCase().split(/\s+/).filter(Boolean);
const symbolOf = (control) => control.querySelector("use")?.getAttribute("href").split("#")[1];
const textOf = (control) => (control.querySelector(":scope > span:not(.count)") ?? control).textContent.trim();

const menu = () => [...document.querySelectorAll(".rail a, #account a")];

// Where one was, without the pages that the menu has anyway. For this tab only: titles are nobody else's business.
function remember() {
  const href = location.pathname;
  if (href === "/" || menu().some((link) => link.pathname === href)) return;
  const text = document.title.replace(/ — [^—]*$/, "").replace(/^\d+( of \d+)? · /, "");
  sessionStorage.setItem(RECENT, JSON.stringify([{href, text}, ...recent().filter((page) => page.href !== href)].slice(0, MOST_RECENT + 1)));
}

const recent = () => JSON.parse(sessionStorage.getItem(RECENT) ?? "[]");

function actions(root, selector) {
  const controls = [...root.querySelectorAll(selector)].filter((control) => shown(control) && !control.closest(NOT_ACTIONS));
  const seen = new Set();
  return controls.map((control) => ({text: label(control), note: keyOf(control), symbol: symbolOf(control) ?? "bolt", run: () => use(control)}))
    .filter(({text}) => text && !seen.has(text) && seen.add(text));
}

function kinds() {
  const pages = menu().map((link) => ({text: textOf(link), note: keyOf(link), symbol: symbolOf(link), href: link.href}));
  return [
    ["This page", actions(document, ACTIONS)],
    ["Recent", recent().filter(({href}) => href !== location.pathname).map((page) => ({...page, note: "", symbol: "clock"}))],
    ["Pages", pages],
    ["Console", actions(document, "#account button:not([data-palette]), .top > button[data-live][data-key]")],
  ];
}

function matching(items) {
  const wanted = words();
  if (!wanted.length) return items;
  const fitting = items.filter(({text}) => wanted.every((word) => text.toLowerCase().includes(word)));
  return fitting.sort((one, other) => other.text.toLowerCase().startsWith(wanted[0]) - one.text.toLowerCase().startsWith(wanted[0])).slice(0, MOST_OF_A_KIND);
}

function option({text, note, symbol, href, run}) {
  const node = document.createElement(href ? "a" : "button");
  if (href) node.href = href;
  else node.type = "button";
  node.className = "hit";
  node.setAttribute("role", "option");
  node.tabIndex = -1;
  const title = document.createElement("span");
  title.className = "clip";
  title.textContent = text;
  const side = document.createElement(note ? "kbd" : "span");
  side.textContent = note;
  node.append(icon(symbol ?? "right"), title, side);
  if (run) node.addEventListener("click", () => (dialog.close(), run()));
  return node;
}

function group([heading, items]) {
  const node = document.createElement("div");
  node.setAttribute("role", "group");
  node.setAttribute("aria-label", heading);
  const head = document.createElement("p");
  head.className = "palette-kind";
  head.setAttribute("aria-hidden", "true");
  head.textContent = heading;
  node.append(head, ...items.map(option));
  return node;
}

function draw() {
  const own = kinds().map(([heading, items]) => [heading, matching(items)]).filter(([, items]) => items.length);
  list.replaceChildren(...own.map(group), ...found);
  options().forEach((node, index) => (node.id = `palette-${index}`));
  choose(options()[0]);
  const {length} = options();
  told.textContent = length ? `${length} result${length > 1 ? "s" : ""}` : asking ? "Searching" : `Nothing for “${input.value.trim()}”`;
}

const options = () => [...list.querySelectorAll("[role=option]")];
const chosen = () => list.querySelector("[aria-selected=true]");

function choose(node) {
  chosen()?.setAttribute("aria-selected", "false");
  node?.setAttribute("aria-selected", "true");
  node?.scrollIntoView({block: "nearest"});
  if (node) input.setAttribute("aria-activedescendant", node.id);
  else input.removeAttribute("aria-activedescendant");
}

function step(by) {
  const all = options();
  choose(all.at((all.indexOf(chosen()) + by) % all.length));
}

async function ask() {
  asking?.abort();
  const mine = (asking = new AbortController());
  const url = new URL(dialog.dataset.url, location.href);
  url.searchParams.set("q", input.value);
  try {
    const answer = await fetch(url, {headers: {"HX-Request": "true"}, signal: mine.signal});
    if (!answer.ok) throw new Error(`search ${answer.status}`);
    found = [...new DOMParser().parseFromString(await answer.text(), "text/html").body.children];
    asking = undefined;
    draw();
  } catch (error) {
    if (error.name === "AbortError") return;
    asking = undefined;
    found = [];
    draw();
    told.textContent = "Incidents, services and runbooks could not be searched.";
  }
}

function typed() {
  clearTimeout(timer);
  asking?.abort();
  asking = undefined;
  if (!words().length) found = [];
  else timer = setTimeout(ask, PAUSE_MS);
  draw();
}

function toggle() {
  if (dialog.open) return dialog.close();
  document.querySelector("#account:popover-open")?.hidePopover();
  found = [];
  input.value = "";
  dialog.showModal();
  draw();
  return undefined;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette]")) toggle();
  else if (event.target === dialog || event.target.closest("[data-palette-close], #palette a.hit")) dialog.close();
});
input.addEventListener("input", typed);
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") step(1);
  else if (event.key === "ArrowUp") step(-1);
  else if (event.key === "Enter") chosen()?.click();
  else return;
  event.preventDefault();
});
list.addEventListener("pointermove", (event) => {
  const node = event.target.closest("[role=option]");
  if (node && node !== chosen()) choose(node);
});
remember();
