// input[data-column]: a column of the list to be shown or not, kept as the other display preferences are.
import * as preference from "./preference.js";

document.addEventListener("change", ({target}) => {
  if (!target.matches("[data-column]")) return;
  const boxes = [...document.querySelectorAll("[data-column]")];
  const names = (checked) => boxes.filter((box) => box.checked === checked).map((box) => box.value);
  preference.set("columns", names(true).join("."));
  document.querySelector(".incidents").dataset.hidden = names(false).join(" ");
});
