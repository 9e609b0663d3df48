// The changes of a chart: a strip of links above the plot, each over its dashed line. What stands too close together shares a mark.
import {icon} from "./icon.js";
import {clock} from "./time.js";

const APART = 28;
const ICONS = {deploy: "deploy", config: "gear", flag: "flag", scale: "trend", restart: "refresh"};

// `events` as the figure has them, in the order of its "event" shapes, which are drawn in the reader's zone.
export function markEvents(strip, plot, events) {
  const {xaxis, _size: size} = plot._fullLayout;
  const drawn = plot.layout.shapes.filter(({name}) => name === "event");
  const placed = events.map((event, index) => ({...event, at: drawn[index] ? xaxis.d2p(drawn[index].x0) : -1})).filter(({at}) => at >= 0 && at <= xaxis._length);
  const marks = grouped(placed).map((group) => mark(group, size.l, xaxis._length));
  const said = JSON.stringify(placed.map(({x, at, label}) => [x, Math.round(at), label]));
  if (strip.dataset.said === said) return; // a focused link stays
  strip.dataset.said = said;
  strip.hidden = !marks.length;
  strip.replaceChildren(...marks);
}

function grouped(placed) {
  const groups = [];
  for (const event of placed) {
    const last = groups.at(-1);
    if (last && event.at - last[0].at < APART) last.push(event);
    else groups.push([event]);
  }
  return groups;
}

function mark(group, left, width) {
  const words = group.map(({x, label}) => `${label}, ${clock(new Date(x))}`).join("; ");
  const [{at, kind}] = group;
  const url = group.at(-1).url;
  const item = document.createElement("li");
  const link = document.createElement("a");
  const tip = document.createElement("span");
  if (url.startsWith("/")) link.href = url;
  link.setAttribute("aria-label", group.length > 1 ? `${group.length} changes: ${words}` : words);
  link.append(icon(ICONS[kind] ?? "edit"));
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true");
  tip.textContent = words;
  item.style.insetInlineStart = `${left + at}px`;
  if (at > width / 2) item.className = "end";
  item.append(link, tip);
  return item;
}
