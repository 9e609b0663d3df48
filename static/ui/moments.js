// Moments in the reader's zone, where the server can only offer UTC: button[data-next-hour="9"], whose value ends in that moment, and
// input[type=datetime-local][data-moment], sent as a moment of that zone; [data-zone] beside it says which one.
import * as preference from "./preference.js";
import {stamp} from "./time.js";

const MOMENT = /\d{4}-\d\d-\d\dT.*$/;
const isUtc = () => preference.get("clock") === "utc";

function next(hour) {
  const at = new Date();
  const [set, move, day] = isUtc() ? ["setUTCHours", "setUTCDate", "getUTCDate"] : ["setHours", "setDate", "getDate"];
  at[set](hour, 0, 0, 0);
  if (at <= new Date()) at[move](at[day]() + 1);
  return at;
}

function offer(button) {
  const at = next(Number(button.dataset.nextHour));
  button.value = button.value.replace(MOMENT, at.toISOString());
  button.textContent = `Until ${button.dataset.nextHour}:00`;
  button.title = stamp(at);
}

function refresh(root) {
  root.querySelectorAll("[data-next-hour]").forEach(offer);
  for (const words of root.querySelectorAll("[data-zone]")) words.textContent = isUtc() ? "UTC" : "your time";
}

document.addEventListener("formdata", ({target, formData}) => {
  for (const field of target.querySelectorAll("[data-moment]")) {
    const at = new Date(`${field.value}${isUtc() ? "Z" : ""}`);
    if (!Number.isNaN(at.getTime())) formData.set(field.name, at.toISOString());
  }
});
document.addEventListener("click", ({target}) => target.matches("[data-next-hour]") && offer(target), true);
document.addEventListener("htmx:load", ({target}) => refresh(target));
document.addEventListener("preference", ({detail}) => detail.name === "clock" && refresh(document));
refresh(document);
