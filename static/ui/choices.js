// input[data-preference]: a choice of the profile page, kept as the rest of the console keeps its preferences.
import * as preference from "./preference.js";

document.addEventListener("change", ({target}) => {
  if (!target.matches("[data-preference]")) return;
  preference.set(target.name, target.value);
  if (target.name === "theme") localStorage.setItem("theme", target.value);
});
