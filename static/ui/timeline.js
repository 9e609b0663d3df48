// The incident's log as it is written. The socket carries the entries; the markup is that of partials/timeline_entry.html, made with textContent only.
// Each entry is also an event on the body, "entry" and "entry:<kind>", so that a section can fetch itself anew: hx-trigger="entry:remediation_proposed from:body".
import {announce} from "./announce.js";
import {icon} from "./icon.js";
import {subscribe} from "./live.js";
import {showViewers} from "./viewers.js";
import {clock} from "./time.js";

const KIND = /^[a-z_]+$/;
const started = new WeakSet();

function kinds() {
  return JSON.parse(document.getElementById("timeline-kinds")?.textContent ?? "{}");
}

function look(table, {kind, payload}) {
  const found = table[kind] ?? table[kind.split("_")[0]] ?? table.other ?? {icon: "info", status: "", key: false};
  const to = found.by_to && payload?.to;
  if (!to) return found;
  return {...found, icon: to, status: kind === "status" ? to : found.status};
}

function time({at, seq}) {
  const element = document.createElement("time");
  element.dateTime = at;
  element.dataset.clock = "";
  element.textContent = clock(new Date(at));
  element.title = at;
  const link = document.createElement("a");
  link.href = `#entry-${seq}`;
  link.append(element);
  return link;
}

function body(entry) {
  const box = document.createElement("div");
  if (entry.actor) {
    const who = document.createElement("b");
    who.textContent = entry.actor;
    box.append(who, " ");
  }
  const words = document.createElement(entry.kind === "comment" ? "div" : "span");
  if (entry.kind === "comment") words.className = "quote";
  words.textContent = entry.text;
  box.append(words);
  return box;
}

// The button belongs to the form #pins, which sends "pin" or "unpin".
function pin({seq}) {
  const button = document.createElement("button");
  Object.assign(button, {type: "submit", className: "btn quiet small square pin", id: `pin-${seq}`, name: "pin", value: seq, title: "Pin"});
  button.setAttribute("form", "pins");
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", `Pin entry ${seq}`);
  button.append(icon("pin"));
  return button;
}

export function render(entry, table, {mayPin = false} = {}) {
  const kind = look(table, entry);
  const item = document.createElement("li");
  item.id = `entry-${entry.seq}`;
  item.dataset.seq = entry.seq;
  item.dataset.kind = entry.kind;
  if (kind.key) item.dataset.keyEvent = "";
  if (kind.status) item.dataset.status = kind.status;
  item.append(time(entry), icon(kind.icon), body(entry));
  if (mayPin && kind.icon !== "pin") item.append(pin(entry));
  return item;
}

function pulse(entry) {
  if (!KIND.test(entry.kind)) return;
  for (const name of ["entry", `entry:${entry.kind}`]) document.body.dispatchEvent(new CustomEvent(name, {detail: entry}));
}

class Timeline {
  constructor(list) {
    this.list = list;
    this.kinds = kinds();
    this.after = Number(list.dataset.after ?? 0);
    subscribe(list.dataset.topic, {after: this.after, onEntry: (entry) => this.append(entry), onViewers: showViewers, refresh: () => this.catchUp()});
  }

  append(entry) {
    if (entry.seq <= this.after) return;
    this.after = entry.seq;
    const item = render(entry, this.kinds, {mayPin: "mayPin" in this.list.dataset});
    const end = this.list.getBoundingClientRect().bottom <= innerHeight + 80;
    this.list.append(item);
    item.classList.add("fresh");
    if (end && this.list.matches("[data-follow]")) item.scrollIntoView({block: "nearest"});
    if (item.dataset.kind === "pinned" || item.dataset.kind === "unpinned") this.mark(entry);
    this.recount();
    if ("keyEvent" in item.dataset) announce(`entry${entry.seq}`, [entry.actor, entry.text].filter(Boolean).join(" "));
    pulse(entry);
  }

  mark({kind, payload}) {
    const item = this.list.querySelector(`#entry-${Number(payload.seq)}`);
    const button = item?.querySelector(".pin");
    item?.toggleAttribute("data-pinned", kind === "pinned");
    button?.setAttribute("aria-pressed", String(kind === "pinned"));
    button?.setAttribute("name", kind === "pinned" ? "unpin" : "pin");
  }

  recount() {
    for (const total of document.querySelectorAll("[data-timeline-count]")) total.textContent = this.after;
  }

  // Without a socket: the same entries by HTTP, after the last one had.
  async catchUp() {
    if (!this.list.dataset.url) return;
    const answer = await fetch(`${this.list.dataset.url}?after=${this.after}&limit=200`, {headers: {Accept: "application/json"}, cache: "no-store"});
    if (!answer.ok) throw new Error(`timeline ${answer.status}`);
    const {results} = await answer.json();
    for (const entry of results) this.append(entry);
  }
}

export function start(root) {
  for (const list of root.querySelectorAll("[data-timeline]")) {
    if (started.has(list)) continue;
    started.add(list);
    new Timeline(list);
  }
}
