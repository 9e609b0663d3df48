// Keys are declared on visible controls: data-key="e", "Shift+a", "Mod+k", "g i", "* a". Pressing one clicks (a field: focuses) the first such control that is
// shown. Mod is Ctrl, on a Mac ⌘. Several: data-key="j|ArrowDown". The help dialog (?) lists what this page has. html[data-keys=off] silences all but Esc.
import {answer} from "./announce.js";
import * as preference from "./preference.js";

const SEQUENCE_MS = 1200;
const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const IS_MAC = /^(Mac|iP)/.test(navigator.platform);
const MOD = IS_MAC ? "⌘" : "Ctrl";
const OWN_KEY = {keys: "?", palette: "Mod+k"}; // the only key that counts while this dialog is open
let prefix = "";
let prefixTimer;

export const shown = (control) => control.checkVisibility({visibilityProperty: true}) || control.closest(".rail, [data-key-hidden]");
const keysOf = (control) => control.dataset.key.split("|");

const hasMod = (event) => (IS_MAC ? event.metaKey : event.ctrlKey);

function pressed(event) {
  if (hasMod(event)) return `Mod+${event.key.toLowerCase()}`;
  if (event.key === " ") return "Space";
  return event.shiftKey && /^[a-z]$/i.test(event.key) ? `Shift+${event.key.toLowerCase()}` : event.key;
}

function find(chord) {
  return [...document.querySelectorAll("[data-key]")].find((control) => keysOf(control).includes(chord) && shown(control));
}

function startsSequence(key) {
  return [...document.querySelectorAll("[data-key]")].some((control) => keysOf(control).some((keys) => keys.startsWith(`${key} `)));
}

export function use(control) {
  if (control.matches(TYPING)) control.focus();
  else control.click();
  return true;
}

function typed(event) {
  const key = pressed(event);
  const chord = prefix ? `${prefix} ${key}` : key;
  clearTimeout(prefixTimer);
  prefix = "";
  const control = find(chord);
  if (control) return use(control);
  if (!startsSequence(key)) return false;
  prefix = key;
  prefixTimer = setTimeout(() => (prefix = ""), SEQUENCE_MS);
  return true;
}

function escape(target) {
  const peek = document.querySelector(".peek:not([hidden])");
  if (target.matches?.(TYPING)) target.blur();
  else if (peek) document.dispatchEvent(new CustomEvent("list:unpeek"));
}

export function label(control) {
  const text = control.dataset.keyLabel ?? control.getAttribute("aria-label") ?? control.labels?.[0]?.textContent ?? control.textContent;
  return text.replace(/\s+/g, " ").trim();
}

const written = (keys) => keys.replace(/^Mod\+(.)$/, (_, letter) => `${MOD} ${letter.toUpperCase()}`);

export const keyOf = (control) => (control.dataset.key ? written(keysOf(control)[0]) : "");

function row(control) {
  const term = document.createElement("dt");
  const words = document.createElement("dd");
  words.textContent = label(control);
  keysOf(control).forEach((keys, index) => {
    if (index) term.append(" or ");
    for (const part of written(keys).split(" ")) {
      const kbd = document.createElement("kbd");
      kbd.textContent = part;
      term.append(kbd, " ");
    }
  });
  return [term, words];
}

function fillHelp(dialog) {
  const seen = new Set();
  const rows = [...document.querySelectorAll("[data-key]")].filter((control) => {
    const known = seen.has(control.dataset.key);
    seen.add(control.dataset.key);
    return !known && shown(control);
  });
  dialog.querySelector("[data-key-list]").replaceChildren(...rows.flatMap(row));
  dialog.querySelector("[data-keys-toggle]").checked = preference.get("keys") !== "off";
}

function expose(root) {
  for (const control of root.querySelectorAll("[data-key]")) {
    const single = keysOf(control).filter((keys) => !keys.includes(" "));
    if (!single.length || control.hasAttribute("aria-keyshortcuts")) continue;
    control.setAttribute("aria-keyshortcuts", single.map((keys) => keys.replace("Mod", IS_MAC ? "Meta" : "Control").replace(/\b[a-z]$/, (letter) => letter.toUpperCase())).join(" "));
  }
  for (const kbd of root.querySelectorAll("[data-key-shown]")) kbd.textContent = keyOf(kbd.closest("[data-key]"));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || (event.ctrlKey || event.metaKey) !== hasMod(event)) return;
  if (event.key === "Escape") return escape(event.target);
  if (preference.get("keys") === "off" || (event.target.matches?.(TYPING) && !hasMod(event))) return;
  if (event.key === " " && event.target.closest?.("button, a[href], summary, input, [tabindex='0']:not([data-row])") && !event.target.closest("[data-list-body]")) return;
  if (["Shift", "Enter", "Tab"].includes(event.key)) return;
  const layer = event.target.closest?.("[popover]:popover-open, dialog");
  if (layer && OWN_KEY[layer.id] !== pressed(event)) return;
  if (typed(event)) event.preventDefault();
});
document.addEventListener("beforetoggle", (event) => event.target.id === "keys" && event.newState === "open" && fillHelp(event.target), true);
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-keys-toggle]")) return;
  preference.set("keys", event.target.checked ? "on" : "off");
  answer(`Keyboard shortcuts ${event.target.checked ? "on" : "off"}`);
});
document.addEventListener("htmx:load", (event) => expose(event.target));
expose(document);
