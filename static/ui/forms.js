// Forms: drafts, copying, revealing, guarded submit, Ctrl+Enter, disabled controls that say why.
import {answer} from "./announce.js";

const draftKey = (field) => `draft:${location.pathname}:${field.dataset.draft || field.name}`;

function restore(root) {
  for (const field of root.querySelectorAll("[data-draft]")) {
    const kept = sessionStorage.getItem(draftKey(field));
    if (kept && !field.value) field.value = kept;
  }
}

function forget(form) {
  for (const field of form.querySelectorAll("[data-draft]")) sessionStorage.removeItem(draftKey(field));
}

// [data-equals="store"]: what must be typed, letter for letter.
function guard(form) {
  for (const field of form.querySelectorAll("[data-equals]")) field.setCustomValidity(field.value === field.dataset.equals ? "" : `Type ${field.dataset.equals}`);
  const complete = form.checkValidity();
  for (const button of form.querySelectorAll("button[type=submit]:not([data-unguarded])")) {
    button.toggleAttribute("data-incomplete", !complete);
    if (complete) button.removeAttribute("aria-disabled");
    else button.setAttribute("aria-disabled", "true");
  }
}

async function copy(button) {
  const source = button.dataset.copy && document.querySelector(button.dataset.copy);
  const text = button.dataset.copyText ?? (source?.value ?? source?.textContent ?? "");
  await write(text.trim());
  const words = button.querySelector("span") ?? button;
  const before = words.textContent;
  if (before !== "Copied") setTimeout(() => (words.textContent = before), 2000);
  words.textContent = "Copied";
  answer("Copied");
}

// Outside a secure context there is no clipboard API: select a hidden field instead.
async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.className = "sr";
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

function reveal(button) {
  const field = document.querySelector(button.dataset.reveal);
  const shown = field.type === "password";
  field.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
}

document.addEventListener("input", ({target}) => {
  if (target.matches("[data-draft]")) sessionStorage.setItem(draftKey(target), target.value);
  const form = target.closest("form[data-guarded]");
  if (form) guard(form);
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[aria-disabled=true]")) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  const button = event.target.closest("[data-copy], [data-copy-text], [data-reveal]");
  if (button) (button.dataset.reveal ? reveal : copy)(button);
}, true);
document.addEventListener("submit", (event) => {
  const submit = event.submitter ?? event.target.querySelector("button[type=submit]");
  if (event.target.matches("[data-guarded]") && submit?.hasAttribute("data-incomplete")) {
    event.preventDefault();
    event.stopImmediatePropagation();
  } else if (!event.target.matches("[hx-post], [hx-put], [hx-patch]")) forget(event.target);
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest?.("textarea")?.form;
  if (!form) return;
  event.preventDefault();
  const dialog = event.target.closest("[popover]");
  const button = [...form.elements].find((each) => each.type === "submit" && dialog?.contains(each));
  if (button) button.click();
  else form.requestSubmit();
});
document.addEventListener("change", ({target}) => target.matches("[data-submit]") && target.form?.requestSubmit());
document.addEventListener("htmx:afterRequest", ({detail}) => {
  const form = detail.elt.closest?.("form");
  if (!detail.successful || !form) return;
  forget(form);
  form.closest("[popover]:popover-open")?.hidePopover();
  if ("reset" in form.dataset) form.reset();
});

function prepare(root) {
  restore(root);
  root.querySelectorAll("form[data-guarded]").forEach(guard);
}

// A fragment that says so opens as soon as it is there: itself, or the dialog it was put in.
function show(root) {
  const part = root.closest("[data-opens]");
  const dialog = part?.closest("[popover]");
  if (dialog && !dialog.matches(":popover-open")) dialog.showPopover();
  part?.querySelector("[aria-invalid=true]")?.focus();
}

document.addEventListener("htmx:load", ({target}) => {
  prepare(target);
  show(target);
});
prepare(document);
document.querySelector("[data-focus], .errorlist, .plain [autofocus]")?.focus?.();
