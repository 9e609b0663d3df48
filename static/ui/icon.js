const NAME = /^[a-z]+$/;

// An icon of the sprite. Untrusted names become the plain dot "info".
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.body.dataset.sprite}#${NAME.test(name) ? name : "info"}`);
  svg.append(use);
  return svg;
}
