// The sections of an incident fold away at their heading, which the browser remembers: section[data-shut] of .inc-grid, drawn so by the server, too.
// A link into a section that is folded opens it.
import {icon} from "./icon.js";
import * as preference from "./preference.js";

const SECTIONS = ".inc-grid > .stack > .section:has(> .section-head > h2)";

function button(section) {
  const made = document.createElement("button");
  const heading = section.querySelector(".section-head > h2");
  Object.assign(made, {type: "button", className: "fold", id: `fold-${section.id}`});
  made.dataset.fold = "";
  made.append(...heading.childNodes, icon("down"));
  heading.append(made);
  return made;
}

function paint(section) {
  const toggle = section.querySelector("[data-fold]") ?? button(section);
  toggle.setAttribute("aria-expanded", String(!section.hasAttribute("data-shut")));
}

function fold(section, isFolded) {
  section.toggleAttribute("data-shut", isFolded);
  paint(section);
  const names = [...document.querySelectorAll("[data-shut]")].map(({id}) => id);
  preference.set("folded", names.join("."));
}

function open(hash) {
  const section = hash.length > 1 && document.getElementById(hash.slice(1))?.closest("[data-shut]");
  if (section) fold(section, false);
}

const refresh = () => document.querySelectorAll(SECTIONS).forEach(paint);

document.addEventListener("click", ({target}) => {
  const toggle = target.closest("[data-fold]");
  if (toggle) fold(toggle.closest(".section"), toggle.getAttribute("aria-expanded") === "true");
  else open(target.closest('a[href^="#"]')?.hash ?? "");
});
addEventListener("hashchange", () => open(location.hash));
document.addEventListener("htmx:load", refresh);
refresh();
open(location.hash);
