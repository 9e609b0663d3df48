// What a screen reader hears: at most one polite message in ten seconds; a newer one with the same key replaces the older. And toasts.
import {icon} from "./icon.js";

const QUIET_MS = 10000;
const TOAST_MS = 8000;
const waiting = new Map();
let spokenAt = -QUIET_MS;
let timer;

function speak() {
  const region = document.getElementById("status");
  timer = undefined;
  spokenAt = performance.now();
  if (region) region.textContent = [...waiting.values()].join(". ");
  waiting.clear();
}

export function announce(key, text) {
  waiting.set(key, text);
  timer ??= setTimeout(speak, Math.max(50, spokenAt + QUIET_MS - performance.now()));
}

// Answers a person's own act: heard at once.
export function answer(text) {
  const region = document.getElementById("answer");
  if (region) region.textContent = text;
}

export function alarm(text) {
  const region = document.getElementById("alert");
  if (region) region.textContent = text;
}

function undoButton(url, text) {
  const button = document.createElement("button");
  Object.assign(button, {type: "button", className: "btn small spread", textContent: text});
  button.setAttribute("hx-post", url);
  button.setAttribute("hx-swap", "none");
  button.dataset.close = "";
  return button;
}

// toast("Acknowledged 3 incidents", {level: "success", undo: "/incidents/undo/7/"}); undo must be a path of ours.
export function toast(text, {level = "info", undo} = {}) {
  const stack = document.querySelector(".toasts");
  if (!stack) return;
  const item = document.createElement("div");
  item.className = "toast";
  Object.assign(item.dataset, {level, expires: ""});
  const words = document.createElement("span");
  words.textContent = text;
  item.append(icon({success: "resolved", error: "critical"}[level] ?? "info"), words);
  if (undo?.startsWith("/") && !undo.startsWith("//")) item.append(undoButton(undo, "Undo"));
  const close = document.createElement("button");
  Object.assign(close, {type: "button", className: "btn quiet small square"});
  if (!undo) close.classList.add("spread");
  close.setAttribute("aria-label", "Close message");
  close.dataset.close = "";
  close.append(icon("x"));
  item.append(close);
  while (stack.children.length > 2) stack.firstElementChild.remove();
  stack.append(item);
  globalThis.htmx?.process(item);
  answer(text);
  expire(item);
}

function expire(item) {
  setTimeout(() => (item.matches(":hover, :focus-within") ? expire(item) : item.remove()), TOAST_MS);
}

document.addEventListener("click", (event) => {
  const close = event.target.closest(".toast [data-close]");
  if (close) setTimeout(() => close.closest(".toast").remove(), close.hasAttribute("hx-post") ? 500 : 0);
});
document.addEventListener("toast", (event) => toast(String(event.detail.text ?? event.detail.value), event.detail));

// A refusal stays until it is closed; the rest goes by itself, however it came.
function expireIn(root) {
  for (const item of root.querySelectorAll(".toast:not([data-level=error], [data-expires])")) {
    item.dataset.expires = "";
    expire(item);
  }
}

document.addEventListener("htmx:load", ({target}) => expireIn(target.parentElement ?? target));
expireIn(document);
