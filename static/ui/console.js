// The entry of every page: starts what each page has, and loads the rest only where its markup exists.
import "./theme.js";
import "./requests.js";
import "./time.js";
import "./forms.js";
import "./keys.js";
import "./announce.js";
import "./palette.js";
import {connect} from "./live.js";

const parts = {
  "[data-subscribe]": "./poke.js",
  "[data-list]": "./list.js",
  "[data-timeline]": "./timeline.js",
  "[data-execution]": "./output.js",
  "[data-chart]": "./charts.js",
  "[data-editor]": "./editor.js",
};

async function start(root) {
  const wanted = Object.keys(parts).filter((selector) => root.querySelector(selector));
  const modules = await Promise.all(wanted.map((selector) => import(parts[selector])));
  for (const module of modules) module.start(root);
}

document.addEventListener("htmx:load", (event) => {
  if (event.target !== document.body) start(event.target.parentElement ?? document);
});
await start(document);
if (document.querySelector("button[data-live]")) connect();
