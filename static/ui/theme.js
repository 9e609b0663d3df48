// Theme, width of the rail and density: buttons with [data-theme-next], [data-rail-toggle], [data-density-toggle].
import {announce} from "./announce.js";
import * as preference from "./preference.js";

const NEXT = {auto: "light", light: "dark", dark: "auto"};
const WORD = {auto: "automatic", light: "light", dark: "dark"};

function label() {
  for (const button of document.querySelectorAll("[data-theme-next]")) {
    const text = `Theme: ${WORD[preference.get("theme")]}`;
    const words = button.querySelector("span");
    if (words) words.textContent = text;
    else button.setAttribute("aria-label", text);
    button.title = text;
  }
}

function nextTheme() {
  preference.set("theme", NEXT[preference.get("theme")] ?? "light");
  localStorage.setItem("theme", preference.get("theme")); // where the admin looks for it
  label();
  announce("theme", `Theme: ${WORD[preference.get("theme")]}`);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-next], [data-rail-toggle], [data-density-toggle]");
  if (!button) return;
  if ("themeNext" in button.dataset) nextTheme();
  else if ("railToggle" in button.dataset) preference.set("rail", preference.get("rail") === "narrow" ? "wide" : "narrow");
  else preference.set("density", preference.get("density") === "compact" ? "comfortable" : "compact");
});
label();
