// htmx under a strict policy: the CSRF header, slow and failed fragments, session end.
import {icon} from "./icon.js";

const SLOW_MS = 300;
const VERY_SLOW_MS = 8000;

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

function retryButton(detail) {
  const button = document.createElement("button");
  Object.assign(button, {type: "button", className: "btn small spread", textContent: "Retry"});
  button.addEventListener("click", () => {
    const {verb, path} = detail.requestConfig;
    htmx.ajax(verb, path, {source: detail.elt, target: detail.target});
  });
  return button;
}

function failure(detail) {
  const request = detail.xhr?.getResponseHeader?.("X-Request-ID");
  const reason = {0: "The console did not answer.", 403: "You may not do this.", 404: "It is no longer there.", 503: "The database does not answer; try again."}[detail.xhr?.status ?? 0];
  return `${reason ?? "Something went wrong on the server."}${request ? ` Request ${request}.` : ""}`;
}

// The error in the part that failed; what was there stays, except a skeleton.
export function showFailure(detail) {
  const target = detail.target?.isConnected ? detail.target : document.getElementById("main");
  target.querySelector(":scope > .banner.error, :scope > .skeleton, :scope > .still-loading")?.remove();
  const box = document.createElement("div");
  box.className = "banner error";
  box.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.textContent = failure(detail);
  box.append(icon("critical"), words);
  if (detail.requestConfig?.verb === "get") box.append(retryButton(detail));
  const holder = target.closest("table")?.parentElement ?? target;
  holder.prepend(box);
}

function stillLoading(detail) {
  const note = document.createElement("p");
  note.className = "note still-loading";
  note.append("Still loading ", retryButton(detail));
  detail.target.prepend(note);
}

function busy(detail) {
  const {target} = detail;
  target.setAttribute("aria-busy", "true");
  if (target.childElementCount || target.matches("tbody, tr")) return;
  const skeleton = document.createElement("div");
  skeleton.className = "skeleton";
  target.append(skeleton);
}

const timers = new WeakMap();

document.addEventListener("htmx:configRequest", ({detail}) => {
  detail.headers["X-CSRFToken"] = csrfToken();
});
document.addEventListener("htmx:beforeSend", ({detail}) => {
  if (!detail.target || detail.target === document.body) return;
  const slow = setTimeout(busy, SLOW_MS, detail);
  const verySlow = detail.requestConfig.verb === "get" ? setTimeout(stillLoading, VERY_SLOW_MS, detail) : 0;
  timers.set(detail.xhr, [slow, verySlow]);
});
document.addEventListener("htmx:afterRequest", ({detail}) => {
  for (const timer of timers.get(detail.xhr) ?? []) clearTimeout(timer);
  detail.target?.removeAttribute("aria-busy");
  detail.target?.querySelector?.(":scope > .still-loading")?.remove();
});
for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, ({detail}) => showFailure(detail));
document.addEventListener("htmx:responseError", ({detail}) => {
  if (![400, 401, 409, 422].includes(detail.xhr.status)) showFailure(detail);
});
