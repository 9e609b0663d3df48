// "Show data": the newest 50 points as a table, and all of them as CSV.
import {icon} from "./icon.js";
import {role} from "./figure.js";
import {stamp} from "./time.js";

const ROWS = 50;
const COLUMNS = [["observed", "Observed"], ["lower", "Expected from"], ["upper", "Expected to"]];

function columns({data, layout}) {
  const unit = layout.meta.unit && `, ${layout.meta.unit}`;
  const byRole = Object.fromEntries(data.map((trace) => [role(trace), trace]));
  return COLUMNS.map(([name, title]) => [title + unit, byRole[name]]);
}

function cell(tag, text, scope) {
  const node = document.createElement(tag);
  node.textContent = text;
  if (scope) node.scope = scope;
  return node;
}

function line(tag, texts, scope) {
  const row = document.createElement("tr");
  row.append(...texts.map((text) => cell(tag, text, scope)));
  for (const node of [...row.children].slice(1)) node.className = "num";
  return row;
}

const written = (value) => (value == null ? "–" : Number(Number(value).toPrecision(4)).toString());
const quoted = (text) => `"${text.replaceAll('"', '""')}"`;

function csv(series, times) {
  const rows = [["time", ...series.map(([title]) => quoted(title))], ...times.map((at, index) => [new Date(at).toISOString(), ...series.map(([, trace]) => trace.y[index] ?? "")])];
  const link = Object.assign(document.createElement("a"), {
    className: "btn small quiet", download: "series.csv",
    href: URL.createObjectURL(new Blob([rows.map((row) => row.join(",")).join("\r\n")], {type: "text/csv"})),
  });
  link.append(icon("download"), "CSV");
  return link;
}

// `figure` is the server's, with the points that came since.
export function fillTable(details, figure) {
  const series = columns(figure);
  const times = series[0][1].x;
  const table = document.createElement("table");
  const head = document.createElement("thead");
  const body = document.createElement("tbody");
  table.className = "table";
  head.append(line("th", ["Time", ...series.map(([title]) => title)], "col"));
  const from = Math.max(0, times.length - ROWS);
  for (let index = times.length - 1; index >= from; index -= 1) {
    body.append(line("td", [stamp(new Date(times[index])), ...series.map(([, trace]) => written(trace.y[index]))]));
  }
  const caption = cell("caption", "The newest points of this chart");
  caption.className = "sr";
  table.append(caption, head, body);
  const holder = details.querySelector("[data-chart-table]");
  holder.replaceChildren(table, csv(series, times));
}
