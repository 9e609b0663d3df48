// The map of services: pointing at one or focusing it lights its way, buttons change the size, and every ten seconds it is asked how the services are by now.
// [data-map] frames the drawing: [data-node] are services, path[data-from][data-to] are calls, whose <title> says how many.
const STEP = 1.25;
const SMALLEST = 0.2;
const LARGEST = 3;
const BESIDE = 32;
const ASK_EVERY_MS = 10000;
const SVG = "http://www.w3.org/2000/svg";
const STATE_ICONS = {down: "critical", degraded: "medium", unknown: "help", healthy: "resolved"};

const frame = document.querySelector("[data-map]");

function reached(edges, name, from, to) {
  const names = new Set([name]);
  const found = new Set();
  for (const each of names) {
    for (const edge of edges) {
      if (edge.dataset[from] !== each) continue;
      found.add(edge);
      names.add(edge.dataset[to]);
    }
  }
  return {names, found};
}

class Ways {
  constructor(drawing) {
    this.drawing = drawing;
    this.edges = [...drawing.querySelectorAll(".edge")];
    this.nodes = new Map([...drawing.querySelectorAll("[data-node]")].map((node) => [node.dataset.node, node]));
    for (const [name, node] of this.nodes) {
      node.addEventListener("pointerenter", () => this.light(name));
      node.addEventListener("pointerleave", () => this.dark());
      node.addEventListener("focus", () => this.light(name));
      node.addEventListener("blur", () => this.dark());
    }
  }

  light(name) {
    this.dark();
    for (const {names, found} of [reached(this.edges, name, "from", "to"), reached(this.edges, name, "to", "from")]) {
      for (const each of names) this.nodes.get(each)?.classList.add("on");
      for (const edge of found) edge.classList.add("on");
    }
    for (const edge of this.edges) {
      if (edge.dataset.from === name) this.label(edge, edge.getTotalLength() - BESIDE);
      else if (edge.dataset.to === name) this.label(edge, BESIDE);
    }
    this.drawing.classList.add("lit");
  }

  // Beside the other end, where no two lines meet.
  label(edge, length) {
    const place = edge.getPointAtLength(length);
    const text = document.createElementNS(SVG, "text");
    text.setAttribute("class", "label");
    text.setAttribute("x", place.x);
    text.setAttribute("y", place.y - 4);
    text.setAttribute("text-anchor", "middle");
    text.textContent = edge.dataset.label;
    this.drawing.append(text);
  }

  dark() {
    this.drawing.classList.remove("lit");
    for (const each of this.drawing.querySelectorAll(".on")) each.classList.remove("on");
    for (const each of this.drawing.querySelectorAll(".label")) each.remove();
  }
}

function zooming(drawing) {
  const {width, height} = drawing.viewBox.baseVal;
  let scale = 1;
  const become = (next) => {
    scale = Math.min(LARGEST, Math.max(SMALLEST, next));
    drawing.setAttribute("width", Math.round(width * scale));
    drawing.setAttribute("height", Math.round(height * scale));
  };
  const deeds = {
    in: () => become(scale * STEP),
    out: () => become(scale / STEP),
    fit: () => become(Math.min(1, (frame.clientWidth - 8) / width)),
  };
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", deeds[button.dataset.zoom]);
  document.querySelector("[data-map-tools]").hidden = false;
}

function show(node, word, words) {
  node.dataset.status = word;
  node.querySelector(".told").textContent = words;
  const use = node.querySelector(".state use");
  use.setAttribute("href", `${document.body.dataset.sprite}#${STATE_ICONS[word] ?? "help"}`);
}

async function ask(ways) {
  if (document.hidden) return;
  const answer = await fetch(frame.dataset.state, {headers: {Accept: "application/json"}}).catch(() => undefined);
  if (!answer?.ok || answer.redirected) return;
  const {shape, states} = await answer.json();
  document.querySelector("[data-map-news]").hidden = shape === frame.dataset.shape;
  for (const [name, [word, words]] of Object.entries(states)) {
    const node = ways.nodes.get(name);
    if (node) show(node, word, words);
  }
}

function bringIntoView() {
  const ring = frame.querySelector(".ring")?.closest("[data-node]");
  if (!ring) return;
  frame.scrollTo({left: Number(ring.dataset.x) - frame.clientWidth / 2, top: Number(ring.dataset.y) - frame.clientHeight / 2});
}

if (frame) {
  const drawing = frame.querySelector("svg");
  const ways = new Ways(drawing);
  zooming(drawing);
  bringIntoView();
  if (frame.dataset.state) setInterval(() => ask(ways), ASK_EVERY_MS);
}
