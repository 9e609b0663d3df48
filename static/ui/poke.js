// [data-subscribe="approvals"]: every poke of the topic, and every return from a gap, is a "poke" event on the element (hx-trigger="poke delay:300ms").
import {subscribe} from "./live.js";

const started = new WeakSet();

function begin(element) {
  const poke = (message) => {
    if (element.isConnected) htmx.trigger(element, "poke", message ?? {});
    else end();
  };
  const end = subscribe(element.dataset.subscribe, {onPoke: poke, onEntry: (entry, message) => poke(message), onResume: () => poke(), after: element.dataset.after && Number(element.dataset.after)});
}

export function start(root) {
  for (const element of root.querySelectorAll("[data-subscribe]")) {
    if (started.has(element)) continue;
    started.add(element);
    begin(element);
  }
}
