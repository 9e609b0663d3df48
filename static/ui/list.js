// A list that never moves under the reader: new rows wait in a bar, changed rows are replaced in place, and nothing changes while rows are selected
// or the keyboard is in the list.
// [data-list][data-topic][data-noun] holds partials/list_new.html, [data-bulk] with [data-bulk-count], and [data-list-body] with
// rows [data-row="<number>"][data-row-url][data-version][data-sev][data-peek-url], each with a .title link and a .pick box.
import {announce} from "./announce.js";
import {subscribe} from "./live.js";
import {Peek} from "./peek.js";
import {refresh as refreshTimes} from "./time.js";

const RANK = ["critical", "high", "medium", "low", "info"];
const SYNC_MS = 2000;
const started = new WeakSet();
const lists = new Set();

class LiveList {
  fresh = new Map();
  stale = new Set();
  active;

  constructor(root) {
    this.root = root;
    this.noun = root.dataset.noun ?? "row";
    const panel = root.querySelector("[data-peek]");
    this.peek = panel && new Peek(panel, () => [...document.querySelectorAll("#incident-head, #incident-list, #bulk-followed")]);
    root.addEventListener("change", (event) => this.picked(event));
    root.addEventListener("focusin", (event) => (this.active = event.target.closest("[data-row]") ?? this.active));
    root.addEventListener("focusout", () => setTimeout(() => this.settle()));
    root.addEventListener("click", (event) => event.shiftKey && event.target.matches(".pick") && this.range(event.target.closest("[data-row]")));
    root.addEventListener("keydown", (event) => event.key === " " && event.target.matches("input, button") && event.stopPropagation()); // theirs, not the row's
    addEventListener("pagehide", () => this.keep());
    subscribe(root.dataset.topic, {onPoke: (message) => this.poked(message), onResume: () => this.sync(), refresh: () => this.sync()});
  }

  get body() {
    return this.root.querySelector("[data-list-body]");
  }

  get rows() {
    return [...this.body.querySelectorAll("[data-row]")];
  }

  get picks() {
    return this.rows.filter((row) => row.querySelector(".pick")?.checked);
  }

  get held() {
    const keyboard = this.body.contains(document.activeElement) && document.activeElement.matches(":focus-visible");
    return keyboard || this.picks.length > 0 || Boolean(this.root.querySelector("[popover]:popover-open"));
  }

  // For the page of one of them, which leads on to the next.
  keep() {
    if (this.noun === "incident") sessionStorage.setItem("incidents", JSON.stringify(this.rows.map((row) => row.querySelector(".title").getAttribute("href"))));
  }

  row(key) {
    return this.rows.find((row) => row.dataset.row === String(key));
  }

  poked({number}) {
    const key = String(number);
    if (this.active?.dataset.row === key) this.peek?.refresh();
    if (!this.row(key)) this.soon();
    else if (this.held) this.stale.add(key);
    else this.replace(key);
  }

  // Whether an unknown row belongs on this page is the server's to say; in a storm, once in two seconds.
  soon() {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.sync();
    }, SYNC_MS);
  }

  waiting(key, severity) {
    this.fresh.set(key, severity);
    const bar = this.root.querySelector("[data-list-new]");
    const highest = RANK.find((rank) => [...this.fresh.values()].includes(rank));
    const text = `${this.fresh.size} new${highest ? `, highest ${highest}` : ""}`;
    bar.hidden = false;
    bar.querySelector("[data-list-new-text]").textContent = text;
    announce("list", `${this.fresh.size} new ${this.noun}${this.fresh.size > 1 ? "s" : ""}${highest ? `, highest ${highest}` : ""}`);
  }

  async replace(key) {
    const old = this.row(key);
    const answer = await fetch(old.dataset.rowUrl, {headers: {"HX-Request": "true"}});
    if (answer.status === 404 || answer.status === 410) return old.classList.add("gone");
    if (!answer.ok || answer.redirected) return undefined;
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    return this.swap(this.row(key), holder.content.querySelector("[data-row]"));
  }

  swap(old, next) {
    if (!old || !next || this.held) return next && this.stale.add(next.dataset.row);
    if (old.outerHTML === next.outerHTML) return undefined;
    old.replaceWith(next);
    if (this.active === old) this.active = next;
    if (this.peek?.shows(next)) this.peek.mark(next);
    next.classList.add("fresh");
    htmx.process(next);
    return refreshTimes(next);
  }

  settle() {
    if (this.held) return;
    const keys = [...this.stale];
    this.stale.clear();
    for (const key of keys) if (this.row(key)) this.replace(key);
  }

  async page() {
    const answer = await fetch(this.root.dataset.url ?? location.href, {headers: {"HX-Request": "true"}, cache: "no-store"});
    if (!answer.ok) throw new Error(`list ${answer.status}`);
    return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-list-body]");
  }

  // The same page again, row by row: what changed, what is new, what is gone.
  async sync() {
    const next = await this.page();
    if (!next) return;
    const rows = new Map([...next.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, row]));
    for (const row of this.rows) {
      row.classList.toggle("gone", !rows.has(row.dataset.row));
      if (!rows.has(row.dataset.row)) continue;
      const {version} = row.dataset;
      if (!version || version !== rows.get(row.dataset.row).dataset.version) this.swap(row, document.adoptNode(rows.get(row.dataset.row)));
    }
    for (const [key, row] of rows) if (!this.row(key) && !this.fresh.has(key)) this.waiting(key, row.dataset.sev);
  }

  async show() {
    const next = await this.page();
    for (const {dataset} of this.picks) next.querySelector(`[data-row="${dataset.row}"] .pick`)?.setAttribute("checked", "");
    this.body.replaceWith(document.adoptNode(next));
    htmx.process(this.body);
    refreshTimes(this.body);
    this.active = this.row(this.active?.dataset.row);
    if (this.peek?.shows(this.active)) this.peek.mark(this.active);
    this.fresh.clear();
    this.stale.clear();
    this.root.querySelector("[data-list-new]").hidden = true;
    this.root.querySelector("[data-list-empty]")?.toggleAttribute("hidden", this.rows.length > 0);
    this.count();
  }

  picked({target}) {
    if (target.matches("[data-pick-all]")) this.all(target.checked);
    this.count();
  }

  all(checked) {
    for (const box of this.body.querySelectorAll(".pick")) box.checked = checked;
    this.count();
  }

  count() {
    const {length} = this.picks;
    const bar = this.root.querySelector("[data-bulk]");
    if (bar) {
      bar.hidden = !length;
      bar.querySelector("[data-bulk-count]").textContent = `${length} selected`;
    }
    const all = this.root.querySelector("[data-pick-all]");
    if (all) {
      all.checked = length > 0 && length === this.rows.length;
      all.indeterminate = length > 0 && length < this.rows.length;
    }
    this.root.dispatchEvent(new CustomEvent("list:picked", {bubbles: true, detail: {length, isPage: length > 0 && length === this.rows.length}}));
    if (!length) this.settle();
  }

  pick(row = this.active ?? this.rows[0]) {
    const box = row?.querySelector(".pick");
    if (!box) return;
    box.checked = !box.checked;
    this.anchor = row;
    this.count();
    announce("pick", `${this.picks.length} selected`);
  }

  range(to = this.active) {
    const {rows} = this;
    const [from, until] = [rows.indexOf(this.anchor ?? to), rows.indexOf(to)].sort((one, other) => one - other);
    for (const row of rows.slice(Math.max(from, 0), until + 1)) row.querySelector(".pick").checked = true;
    this.anchor = to;
    this.count();
  }

  move(step) {
    const {rows} = this;
    const at = rows.indexOf(this.active);
    const row = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    if (!row) return;
    this.active = row;
    row.scrollIntoView({block: "nearest"});
    if (this.peek?.isOpen) this.peek.show(row);
    else (row.querySelector(".title, a[href], button") ?? row).focus({focusVisible: true});
  }

  glance(row = this.active ?? this.rows[0]) {
    this.active = row;
    if (!row || this.peek.shows(row)) this.unpeek();
    else this.peek.show(row);
  }

  unpeek() {
    this.peek?.close(this.active);
  }

  // From the panel it was one incident, whatever is selected; from the bar it was the selection.
  async done(event) {
    if (!event.target.closest?.("[data-peek]")) this.clear();
    await this.show();
    this.peek?.refresh();
  }

  // What was typed for these is not for the next ones.
  clear() {
    this.root.querySelector("#bulk")?.reset();
    this.all(false);
  }

  // A row's verb, by key or button, works on the selection, else on the active row.
  act(event) {
    if (this.picks.length || !this.active) return;
    this.active.querySelector(".pick").checked = true;
    this.count();
    event.target.closest("form")?.addEventListener("reset", () => this.all(false), {once: true});
  }
}

const DEEDS = {
  listNext: (list) => list.move(1),
  listPrevious: (list) => list.move(-1),
  listPick: (list) => list.pick(),
  listRange: (list) => list.range(),
  listAll: (list) => list.all(true),
  listNone: (list) => list.all(false),
  listShow: (list) => list.show(),
  listOpen: (list) => (list.active ?? list.rows[0])?.querySelector(".title, a[href]")?.click(),
  listPeek: (list, control) => list.glance(control.closest("[data-row]") ?? undefined),
  listClose: (list) => list.unpeek(),
};

function clicked(event) {
  const control = event.target.closest("[data-list] button, [data-list] a");
  if (!control) return;
  const list = [...lists].find(({root}) => root.contains(control)) ?? [...lists][0];
  const deed = Object.keys(DEEDS).find((name) => name in control.dataset);
  if (deed) DEEDS[deed](list, control);
  else if ("rowAction" in control.dataset) list.act(event);
}

document.addEventListener("click", clicked, true);
document.addEventListener("list:unpeek", () => lists.forEach((list) => list.unpeek()));
document.addEventListener("list:done", (event) => lists.forEach((list) => list.done(event)));

export function start(root) {
  for (const element of root.querySelectorAll("[data-list]")) {
    if (started.has(element)) continue;
    started.add(element);
    lists.add(new LiveList(element));
  }
}
