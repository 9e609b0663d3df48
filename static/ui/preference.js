// Preferences live in cookies, so that the server renders the page right the first time; `html[data-*]` shows the current value.
const YEAR = 31536000;

export function get(name) {
  return document.documentElement.dataset[name];
}

export function set(name, value) {
  document.documentElement.dataset[name] = value;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
  document.dispatchEvent(new CustomEvent("preference", {detail: {name, value}}));
}
