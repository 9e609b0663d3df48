// [data-columns]: the columns of the list, each li with input[data-column] to show it and button[data-column-move] to move it by one place. Kept as the
// other display preferences are.
import {answer} from "./announce.js";
import * as preference from "./preference.js";

const boxes = () => [...document.querySelectorAll("[data-column]")];

function keep() {
  preference.set("columns", boxes().map((box) => (box.checked ? "" : "-") + box.value).join("."));
  const hidden = boxes().filter((box) => !box.checked);
  document.querySelector(".incidents").dataset.hidden = hidden.map((box) => box.value).join(" ");
}

function arrange() {
  const names = boxes().map((box) => box.value);
  for (const row of document.querySelectorAll(".incidents tr")) row.append(...names.map((name) => row.querySelector(`.c-${name}`)));
}

function move(button) {
  const item = button.closest("li");
  if (button.dataset.columnMove === "up") item.previousElementSibling?.before(item);
  else item.nextElementSibling?.after(item);
  button.focus();
  arrange();
  keep();
  const items = [...item.parentElement.children];
  answer(`${item.textContent.trim()}, ${items.indexOf(item) + 1} of ${items.length}`);
}

document.addEventListener("change", ({target}) => target.matches("[data-column]") && keep());
document.addEventListener("click", ({target}) => {
  const button = target.closest("[data-column-move]");
  if (button) move(button);
});
