// [data-execution="<id>"] holds <pre data-output="<step>"> elements: the last lines of a run as they come. "step" and "state" are events on the holder,
// "execution:step" and "execution:state", for hx-trigger.
import {announce} from "./announce.js";
import {subscribe} from "./live.js";

const LINES = 200;
const started = new WeakSet();
const ends = new Map();

function write(holder, entry) {
  const pre = holder.querySelector(`[data-output="${Number(entry.step ?? entry.payload?.step ?? 0)}"]`) ?? holder.querySelector("[data-output]");
  if (!pre) return;
  const end = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 8;
  const lines = `${pre.textContent}${entry.text}\n`.split("\n"); // the last one is empty: each line ends in a newline, as the server's do
  pre.textContent = lines.slice(-LINES - 1).join("\n");
  pre.hidden = false;
  if (end) pre.scrollTop = pre.scrollHeight;
}

function begin(holder) {
  const id = holder.dataset.execution;
  const listener = {
    after: Number(holder.dataset.after ?? 0),
    onEntry(entry, {kind, seq}) {
      holder.dataset.after = seq;
      if (kind === "output") return write(holder, entry);
      if (kind === "state" && entry.text) announce(`execution${id}`, entry.text);
      return holder.dispatchEvent(new CustomEvent(`execution:${kind === "state" ? "state" : "step"}`, {detail: entry, bubbles: true}));
    },
  };
  ends.get(id)?.(); // the plan was drawn anew: its output is up to data-after, and is read on from there
  ends.set(id, subscribe(`execution:${id}`, listener));
}

export function start(root) {
  for (const holder of root.querySelectorAll("[data-execution]")) {
    if (started.has(holder)) continue;
    started.add(holder);
    begin(holder);
  }
}
