// Who else has this page open. [data-viewers] is in the head, which is replaced as it changes: it is filled anew each time.
const SHOWN = 3;
let people = [];

function initials(name) {
  const words = name.replace(/[._]/g, " ").split(/\s+/).filter(Boolean);
  return (words.length > 1 ? words[0][0] + words.at(-1)[0] : name.slice(0, 2)).toUpperCase();
}

function avatar(name) {
  const mark = document.createElement("span");
  mark.className = "avatar";
  mark.setAttribute("aria-hidden", "true");
  mark.textContent = initials(name);
  return mark;
}

function sentence() {
  const named = people.slice(0, SHOWN);
  const more = people.length - named.length;
  if (more) named.push(`${more} more`);
  const listed = named.length > 1 ? `${named.slice(0, -1).join(", ")} and ${named.at(-1)}` : named[0];
  return `${listed} ${people.length > 1 ? "are" : "is"} viewing`;
}

function paint() {
  const place = document.querySelector("[data-viewers]");
  if (!place) return;
  place.hidden = !people.length;
  place.replaceChildren(...(people.length ? [...people.slice(0, SHOWN).map(avatar), sentence()] : []));
}

export function showViewers(names) {
  people = names;
  paint();
}

document.addEventListener("htmx:load", paint);
