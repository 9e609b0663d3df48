// [data-neighbours]: the ways to the incident before and after this one in the list that one came from, which list.js keeps for the tab.
import {icon} from "./icon.js";

const WAYS = [
  {step: -1, key: "[", look: "left", words: "Previous incident in the list"},
  {step: 1, key: "]", look: "right", words: "Next incident in the list"},
];

function way({key, look, words}, href) {
  const link = document.createElement("a");
  Object.assign(link, {className: "btn quiet small square", href, title: words});
  Object.assign(link.dataset, {key, keyLabel: words});
  link.setAttribute("aria-label", words);
  link.setAttribute("aria-keyshortcuts", key);
  link.append(icon(look));
  return link;
}

function fill() {
  const list = JSON.parse(sessionStorage.getItem("incidents") ?? "[]");
  const at = list.indexOf(location.pathname);
  const known = at < 0 ? [] : WAYS.filter(({step}) => list[at + step]);
  document.querySelector("[data-neighbours]:empty")?.append(...known.map((each) => way(each, list[at + each.step])));
}

document.addEventListener("htmx:load", fill);
fill();
