// Times: [data-relative] ("4 m ago"; "age" leaves out "ago"), [data-clock] ("14:03"), [role=timer][data-since|data-until]. The title says the whole time.
import * as preference from "./preference.js";

const UNITS = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
const pad = (number) => String(number).padStart(2, "0");

export function duration(seconds) {
  const [size, unit] = UNITS.find(([limit]) => seconds >= limit) ?? [1, "s"];
  const rest = size === 3600 ? Math.floor((seconds % 3600) / 60) : 0;
  return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${pad(rest)} m` : ""}`;
}

export function relative(then, now = Date.now(), suffix = " ago") {
  const seconds = (now - then) / 1000;
  if (Math.abs(seconds) < 5) return "now";
  return seconds < 0 ? `in ${duration(-seconds)}` : duration(seconds) + suffix;
}

export function countdown(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const rest = `${pad(Math.floor((whole % 3600) / 60))}:${pad(whole % 60)}`;
  return hours ? `${pad(hours)}:${rest}` : rest;
}

function parts(date) {
  const utc = preference.get("clock") === "utc";
  const shifted = new Date(date.getTime() - (utc ? 0 : date.getTimezoneOffset() * 60000)).toISOString();
  return {day: shifted.slice(0, 10), time: shifted.slice(11, 19), zone: utc ? "UTC" : "local time"};
}

export function clock(date, {seconds = false} = {}) {
  return parts(date).time.slice(0, seconds ? 8 : 5);
}

export function stamp(date) {
  const {day, time} = parts(date);
  return `${day} ${time}`;
}

const absolute = (date) => `${stamp(date)} ${parts(date).zone}`;

export function refresh(root = document) {
  for (const element of root.querySelectorAll("time[data-relative], time[data-clock]")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    element.title = absolute(date);
    if ("clock" in element.dataset) element.textContent = clock(date);
    else element.textContent = relative(date.getTime(), Date.now(), element.dataset.relative === "age" ? "" : " ago");
  }
}

function elapsed(element) {
  if (element.dataset.elapsed) return;
  element.dataset.elapsed = "yes";
  element.textContent = element.dataset.elapsedText ?? "0:00";
  element.dispatchEvent(new CustomEvent("timer:elapsed", {bubbles: true}));
}

function tick() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[role=timer]")) {
    const {since, until} = element.dataset;
    const seconds = since ? (Date.now() - Date.parse(since)) / 1000 : (Date.parse(until) - Date.now()) / 1000;
    if (Number.isNaN(seconds)) continue;
    if (until && seconds <= 0) elapsed(element);
    else element.textContent = countdown(seconds);
  }
}

function toggle(button) {
  preference.set("clock", preference.get("clock") === "utc" ? "local" : "utc");
  button.setAttribute("aria-pressed", String(preference.get("clock") === "utc"));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-clock-toggle]");
  if (button) toggle(button);
});
document.addEventListener("preference", (event) => event.detail.name === "clock" && refresh());
document.addEventListener("htmx:load", (event) => refresh(event.target));
setInterval(refresh, 30000);
setInterval(tick, 1000);
refresh();
tick();
