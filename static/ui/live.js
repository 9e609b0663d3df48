// One WebSocket for the page. Entries of a topic are delivered strictly in order, once each; a gap or a reconnect asks again from the last one had.
// subscribe("incident:42", {after: 17, onEntry, onPoke, onPoints, onResume, refresh}) -> function that ends it.
//   onEntry(entry, message)  seq follows on; onPoke(message) no seq; onPoints(points, message)
//   onViewers(people)        who else has the page open, by name; nobody while there is no socket
//   onResume()               after a time without the socket or a pause: what has no log (pokes, points) must be read anew
//   refresh()                a promise; called to poll while there is no socket; rejects when HTTP fails
import {alarm, announce} from "./announce.js";
import {clock} from "./time.js";

const BACKOFF = [1, 2, 4, 8, 15];
const POLL_ACTIVE_MS = 3000;
const POLL_IDLE_MS = 60000;
const ACTIVE_MS = 60000;
const BANNER_AFTER_MS = 1500;
const ASK_AGAIN_MS = 2000;
const SIGNED_OUT = 4401;
const FORBIDDEN = 4403;

const topics = new Map();
let socket;
let state = "off";
let failures = 0;
let retryAt = 0;
let retryTimer;
let pollTimer;
let polling = false;
let paused = false;
let wasLive = false;
let started = false;
let heardAt = new Date();
let lostAt = 0;
let activeAt = Date.now();

const url = () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/live/`;
const pollEvery = () => (Date.now() - activeAt < ACTIVE_MS ? POLL_ACTIVE_MS : POLL_IDLE_MS);

function words() {
  const wait = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  return {
    live: "Live", off: "", paused: "Paused",
    reconnecting: wait ? `Reconnecting… ${wait} s` : "Reconnecting…",
    polling: `Polling every ${pollEvery() / 1000} s`,
    offline: `Offline (data from ${clock(heardAt, {seconds: true})})`,
    signedout: "Signed out",
  }[state];
}

const BANNERS = {
  reconnecting: () => "Live updates were interrupted. Reconnecting.",
  polling: () => "Live updates are interrupted. This page asks for news itself.",
  offline: () => `Offline. Data from ${clock(heardAt, {seconds: true})}, trying again.`,
  signedout: () => "You have been signed out.",
};

function paintBanner() {
  const banner = document.querySelector("[data-live-banner]");
  const text = BANNERS[state];
  const due = state === "signedout" || Date.now() - lostAt > BANNER_AFTER_MS;
  if (!banner) return;
  banner.hidden = !(text && due);
  if (banner.hidden) return;
  banner.querySelector("[data-live-text]").textContent = text();
  banner.querySelector("[data-live-retry]").hidden = state === "signedout";
  const link = banner.querySelector("[data-live-login]");
  link.hidden = state !== "signedout";
  link.search = `?next=${encodeURIComponent(location.pathname + location.search)}`;
}

function paint() {
  for (const mark of document.querySelectorAll("button[data-live]")) {
    mark.dataset.live = state === "signedout" ? "offline" : state;
    mark.textContent = words();
    mark.setAttribute("aria-pressed", String(paused));
    mark.setAttribute("aria-label", paused ? "Live updates paused, resume" : `${words()}, pause live updates`);
  }
  paintBanner();
}

function become(next) {
  if (next === state) return paint();
  if (state === "live" || state === "paused") lostAt = Date.now();
  if (next === "live" && wasLive) announce("live", "Live again");
  if (next === "offline") announce("live", "Offline");
  state = next;
  wasLive ||= next === "live";
  paint();
  document.dispatchEvent(new CustomEvent("live:state", {detail: {state}}));
}

function ask(name, topic) {
  topic.askedAt = Date.now();
  const message = {subscribe: name};
  if (topic.after !== undefined) message.after = topic.after;
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function each(topic, handler, ...values) {
  for (const listener of topic.listeners) listener[handler]?.(...values);
}

function deliver(name, topic, message) {
  if (message.kind === "viewers") return each(topic, "onViewers", message.people);
  if (message.kind === "points") {
    if (topic.after !== undefined && message.seq <= topic.after) return;
    topic.after = message.seq;
    return each(topic, "onPoints", message.points, message);
  }
  if (message.entry === undefined) return each(topic, "onPoke", message);
  const follows = message.seq === (topic.after ?? 0) + 1 || message.seq === topic.gap;
  if (message.seq <= (topic.after ?? 0)) return undefined;
  if (!follows) return missed(name, topic, message);
  topic.after = message.seq;
  topic.gap = undefined;
  return each(topic, "onEntry", message.entry, message);
}

// The replay comes in order; an entry that comes first in it again has nothing before it, and is taken then.
function missed(name, topic, message) {
  if (topic.gap !== undefined && Date.now() - topic.askedAt < ASK_AGAIN_MS) return;
  topic.gap = message.seq;
  ask(name, topic);
}

function received(event) {
  heardAt = new Date();
  const message = JSON.parse(event.data);
  if (paused && message.kind !== "viewers") return; // names are sent when they change, and not again
  const topic = topics.get(message.topic);
  if (topic) deliver(message.topic, topic, message);
}

function opened() {
  const again = failures > 0 || wasLive;
  failures = 0;
  heardAt = new Date();
  clearTimeout(pollTimer);
  become(paused ? "paused" : "live");
  for (const [name, topic] of topics) {
    topic.gap = undefined;
    ask(name, topic);
  }
  if (again) for (const topic of topics.values()) each(topic, "onResume");
}

// The reason of a 4403 names the topic; without one, every topic of this page is in doubt.
function forbidden(reason) {
  const names = topics.has(reason) ? [reason] : [...topics.keys()];
  for (const name of names) {
    each(topics.get(name), "onDropped");
    topics.delete(name);
  }
  alarm("You may no longer see live updates of this page.");
  if (topics.size) retry(1);
  else become("off");
}

function closed(event) {
  socket = undefined;
  for (const topic of topics.values()) each(topic, "onViewers", []);
  if (state === "live" || state === "paused") heardAt = new Date();
  if (event.code === SIGNED_OUT) {
    become("signedout");
    alarm("You have been signed out.");
  } else if (event.code === FORBIDDEN) forbidden(event.reason);
  else {
    const wait = BACKOFF[Math.min(failures, BACKOFF.length - 1)];
    failures += 1;
    if (failures > 1) startPolling();
    else become("reconnecting");
    retry(wait * (0.9 + Math.random() * 0.2));
  }
}

function retry(seconds) {
  clearTimeout(retryTimer);
  retryAt = Date.now() + seconds * 1000;
  retryTimer = setTimeout(open, seconds * 1000);
  if (paused || state === "live") become("reconnecting");
}

function open() {
  if (socket) return;
  clearTimeout(retryTimer);
  socket = new WebSocket(url());
  socket.addEventListener("open", opened);
  socket.addEventListener("message", received);
  socket.addEventListener("close", closed);
}

async function probe() {
  const answer = await fetch("/healthz", {cache: "no-store", signal: AbortSignal.timeout(5000)});
  if (!answer.ok) throw new Error(`health ${answer.status}`);
}

function refreshers() {
  return [...topics.values()].flatMap((topic) => [...topic.listeners]).map((listener) => listener.refresh).filter(Boolean);
}

async function poll() {
  polling = true;
  try {
    const calls = paused ? [] : refreshers();
    await Promise.all(calls.length ? calls.map((refresh) => refresh()) : [probe()]);
    heardAt = new Date();
    if (state === "offline") open();
    if (!socket || socket.readyState !== WebSocket.OPEN) become("polling");
  } catch {
    if (!socket || socket.readyState !== WebSocket.OPEN) become("offline");
  } finally {
    polling = false;
  }
}

async function startPolling() {
  clearTimeout(pollTimer);
  if (state === "live" || state === "signedout") return;
  if (!document.hidden && !polling) await poll();
  if (["polling", "offline", "reconnecting"].includes(state)) pollTimer = setTimeout(startPolling, pollEvery());
}

export function pause(wanted = !paused) {
  paused = wanted;
  if (socket?.readyState !== WebSocket.OPEN) return paint();
  become(paused ? "paused" : "live");
  if (!paused) {
    for (const [name, topic] of topics) {
      ask(name, topic);
      each(topic, "onResume");
    }
  }
  return undefined;
}

export function subscribe(name, listener) {
  const known = topics.get(name);
  const topic = known ?? {after: listener.after, listeners: new Set(), askedAt: 0};
  topic.listeners.add(listener);
  topics.set(name, topic);
  if (!known) ask(name, topic);
  if (started) connect();
  return () => {
    topic.listeners.delete(listener);
    if (topic.listeners.size || topics.get(name) !== topic) return;
    topics.delete(name);
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({unsubscribe: name}));
  };
}

export function connect() {
  started = true;
  if (socket || !topics.size) return become(topics.size ? state : "off");
  lostAt = Date.now();
  open();
  return undefined;
}

export const current = () => state;

document.addEventListener("click", (event) => {
  if (event.target.closest("button[data-live]")) pause();
  else if (event.target.closest("[data-live-retry]")) open();
});
for (const name of ["pointerdown", "keydown", "pointermove"]) document.addEventListener(name, () => (activeAt = Date.now()), {passive: true});
document.addEventListener("visibilitychange", () => {
  if (document.hidden || state === "live" || state === "off" || state === "signedout") return;
  open();
});
addEventListener("offline", () => socket?.close());
addEventListener("online", open);
setInterval(() => state !== "live" && !document.hidden && paint(), 1000);
