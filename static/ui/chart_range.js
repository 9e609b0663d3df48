// The stretch of time that the charts of a group show: "<seconds>" back from now or "<from>,<to>" in RFC 3339. It is the radio chosen in
// [data-chart-range="<group>"]; at first the page's own ?from&to, where a zoom is kept.
import {instant} from "./figure.js";

const USUAL_SECONDS = 3600;
const ENDS = [["from", "xaxis.range[0]"], ["to", "xaxis.range[1]"]];
let asked = fromAddress();

function fromAddress() {
  const [from, to] = ENDS.map(([name]) => new URL(location.href).searchParams.get(name));
  return from && to ? `${from},${to}` : undefined;
}

const choice = (group) => document.querySelector(`[data-chart-range="${CSS.escape(group)}"] :checked`);

function ends(group) {
  const value = asked ?? choice(group)?.value ?? String(USUAL_SECONDS);
  const [from, to] = value.split(",");
  return to ? {from: new Date(from), to: new Date(to)} : {from: new Date(Date.now() - Number(from) * 1000)};
}

export function parameters(group) {
  return Object.entries(ends(group)).map(([name, moment]) => [name, Number.isNaN(moment.getTime()) ? "" : moment.toISOString()]);
}

export function length(group) {
  const {from, to} = ends(group);
  return (to ?? new Date()) - from;
}

// Nothing that happens now belongs into it.
export const isOver = (group) => ends(group).to < new Date();

// A radio was chosen, or the zoom undone: true when that changes the range.
export function forget() {
  const was = asked;
  asked = undefined;
  return was !== undefined;
}

export function remember(change) {
  const url = new URL(location.href);
  for (const [name, end] of ENDS) {
    if (change[end] === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, instant(String(change[end])).toISOString());
  }
  history.replaceState(history.state, "", url);
}
