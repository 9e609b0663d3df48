// The active row's incident beside the list, in [data-peek] with .peek-bar and #peek-body. Focus goes in when it opens and back to the row when it
// closes; where there is no room beside the list it covers it, and what is covered is inert.
const BESIDE = matchMedia("(width >= 1024px)");

export class Peek {
  constructor(panel, behind) {
    this.panel = panel;
    this.behind = behind;
    BESIDE.addEventListener("change", () => this.isOpen && this.cover());
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  get body() {
    return this.panel.querySelector("#peek-body");
  }

  shows(row) {
    return this.isOpen && this.url === row?.dataset.peekUrl;
  }

  async show(row) {
    this.url = row.dataset.peekUrl;
    this.panel.hidden = false;
    this.cover();
    this.mark(row);
    await this.load();
    this.panel.scrollTop = 0;
    this.body.querySelector("#peek-title")?.focus({preventScroll: true});
  }

  // The same incident again; htmx gives the focus back to what has an id, and what is being typed in is left alone.
  async refresh() {
    if (!this.isOpen || this.panel.querySelector("[popover]:popover-open")) return;
    const hadFocus = this.panel.contains(document.activeElement);
    await this.load();
    if (hadFocus && !this.panel.contains(document.activeElement)) this.body.querySelector("#peek-title")?.focus({preventScroll: true});
  }

  // An anchor means a place on the incident's own page.
  async load() {
    await htmx.ajax("GET", this.url, {source: this.body, target: this.body, swap: "innerHTML"});
    const page = this.body.querySelector("#peek-open")?.getAttribute("href");
    for (const link of this.body.querySelectorAll('a[href^="#"]')) link.setAttribute("href", `${page}${link.hash}`);
  }

  close(row) {
    if (!this.isOpen) return;
    this.panel.hidden = true;
    this.panel.querySelector("#peek-outcome").replaceChildren();
    this.cover();
    this.mark();
    row?.querySelector(".title")?.focus();
  }

  mark(row) {
    for (const marked of document.querySelectorAll("[data-row][aria-current]")) marked.removeAttribute("aria-current");
    if (this.isOpen) row?.setAttribute("aria-current", "true");
  }

  cover() {
    const covers = this.isOpen && !BESIDE.matches;
    this.panel.toggleAttribute("aria-modal", false);
    if (covers) this.panel.setAttribute("aria-modal", "true");
    for (const part of this.behind()) part.inert = covers;
  }
}
